/* Limits for each client, and load balancers: settings that would have no effect. */
#include "common/config/check.h"

#include "common/base/language.h"

/* A list that is compared with the address of a connection alone. */
static void check_addresses(struct config_build *b, const struct config_server *server,
			    const struct config_clients *list, const char *fault)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->at[i].name)
			config_error(b->findings, config_build_at(b, server, list->at[i].origin), fault,
				     list->at[i].text);
}

static void check_proxies(struct config_build *b, const struct config_server *server)
{
	const struct config_endpoint *proxied = NULL;
	for (size_t i = 0; i < server->listen.n && !proxied; i++)
		if (server->listen.at[i].proxy)
			proxied = &server->listen.at[i];
	check_addresses(
		b, server, &server->proxy_list,
		_("%s is no address: proxy_list takes addresses and networks only, because no name is looked up before the header is read"));
	if (proxied && !server->proxy_list.n && !config_build_failed(b, &server->proxy_list))
		config_error(
			b->findings, config_build_at(b, server, proxied->origin),
			_("no load balancer may connect to %s, because proxy_list is empty: add proxy_list with the addresses of the load balancers"),
			proxied->text);
	if (!proxied && server->proxy_list.n)
		config_error(
			b->findings, config_build_at(b, server, server->proxy_list.at[0].origin),
			_("proxy_list has no effect, because no listen line says proxy: write listen ADDRESS:PORT proxy"));
}

static void check_xclient(struct config_build *b, const struct config_server *server)
{
	check_addresses(
		b, server, &server->xclient_list,
		_("%s is no address: xclient_list takes addresses and networks only, because no name is looked up for it"));
	if (server->xclient_login && !server->xclient_list.n && !config_build_failed(b, &server->xclient_list))
		config_error(
			b->findings, config_build_at(b, server, server->xclient_login_at),
			_("xclient_login has no effect, because xclient_list is empty: add the hosts that may name a user to xclient_list"));
}

bool config_check_no_users(const struct config_build *b, const struct config_server *server)
{
	return !server->access.auth && !config_build_failed(b, &server->access.auth) && !server->xclient_login;
}

void config_check_client(struct config_build *b, const struct config_server *server)
{
	check_addresses(
		b, server, &server->client.except_list,
		_("%s is no address: except_list takes addresses and networks only, because no name is looked up for a limit"));
	check_proxies(b, server);
	check_xclient(b, server);
	if (server->client.by != CONFIG_BY_USER || !config_check_no_users(b, server))
		return;
	config_error(
		b->findings, config_build_at(b, server, server->client.by_at),
		_("no client can authenticate, because auth is off, so no user can be counted: write by address, or add auth to access"));
}
