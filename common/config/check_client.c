/* Limits for each client: settings that would have no effect. */
#include "common/config/check.h"

#include "common/base/language.h"

static void check_exempt(struct config_build *b, const struct config_server *server)
{
	const struct config_clients *list = &server->client.except_list;
	for (size_t i = 0; i < list->n; i++)
		if (list->at[i].name)
			config_error(
				b->findings, config_build_at(b, server, list->at[i].origin),
				_("%s is no address: except_list takes addresses and networks only, because no name is looked up for a limit"),
				list->at[i].text);
}

void config_check_client(struct config_build *b, const struct config_server *server)
{
	check_exempt(b, server);
	if (server->client.by != CONFIG_BY_USER || server->access.auth || config_build_failed(b, &server->access.auth))
		return;
	config_error(
		b->findings, config_build_at(b, server, server->client.by_at),
		_("no client can authenticate, because auth is off, so no user can be counted: write by address, or add auth to access"));
}
