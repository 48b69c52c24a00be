/* Filters without an address or with the name of another one, and settings without effect. */
#include <strings.h>

#include "common/base/language.h"
#include "common/config/check.h"

static void check_name(struct config_build *b, const struct config_server *server, const struct config_filter *filter)
{
	for (const struct config_filter *first = server->filters; first < filter; first++) {
		if (!filter->name || !first->name || strcasecmp(filter->name, first->name) != 0)
			continue;
		config_error(b->findings, config_build_at(b, server, filter->origin),
			     _("filter %s is given twice: first at %s:%u"), filter->name, first->origin.file,
			     first->origin.line);
		return;
	}
}

static void check_address(struct config_build *b, const struct config_server *server,
			  const struct config_filter *filter)
{
	if (!filter->address_at.line)
		config_error(b->findings, config_build_at(b, server, filter->origin),
			     _("this filter has no address: add address unix:/PATH or address inet:ADDRESS:PORT"));
}

/* Clients come by SMTP alone. */
static void check_clients(struct config_build *b, const struct config_server *server,
			  const struct config_filter *filter)
{
	bool smtp = (filter->only & SOURCE_SMTP) || config_build_failed(b, &filter->only);
	if (filter->skip_list.n && !smtp)
		config_error(b->findings, config_build_at(b, server, filter->skip_list_at),
			     _("skip_list has no effect without smtp: add smtp to only, or remove skip_list"));
	if (filter->skip_authenticated && !smtp)
		config_error(
			b->findings, config_build_at(b, server, filter->skip_authenticated_at),
			_("skip_authenticated has no effect without smtp: add smtp to only, or remove skip_authenticated"));
	if (filter->skip_authenticated && config_check_no_users(b, server))
		config_error(
			b->findings, config_build_at(b, server, filter->skip_authenticated_at),
			_("no client can authenticate, because auth is off: add auth plain login to access, or remove skip_authenticated"));
}

void config_check_filters(struct config_build *b, const struct config_server *server)
{
	if (server->filter_count > CONFIG_FILTERS_MAX)
		config_error(b->findings, config_build_at(b, server, server->filters[CONFIG_FILTERS_MAX].origin),
			     _("a virtual server has at most %d filters"), CONFIG_FILTERS_MAX);
	for (size_t i = 0; i < server->filter_count; i++) {
		check_name(b, server, &server->filters[i]);
		check_address(b, server, &server->filters[i]);
		check_clients(b, server, &server->filters[i]);
	}
}
