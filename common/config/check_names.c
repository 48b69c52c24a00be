/* Our names that other hosts see: warns of those that many hosts would not accept. */
#include "common/config/check.h"

#include <string.h>

#include "common/base/language.h"

/* Warns if NAME, the value of SETTING, has no dot. WHAT will happen to mail. */
static void check_dot(struct config_build *b, const struct config_server *server, const char *setting, const char *name,
		      struct config_origin origin, const char *what)
{
	if (!name || strchr(name, '.'))
		return;
	if (origin.line)
		config_warning(b->findings, config_build_at(b, server, origin),
			       _("%s %s has no dot: %s; write a full name such as %s.example.com"), setting, name, what,
			       name);
	else
		config_warning(
			b->findings, config_build_at(b, server, server->origin),
			_("%s is not set, and the name of this machine, %s, has no dot: %s; write %s with a full name such as %s.example.com"),
			setting, name, what, setting, name);
}

static void check_helo_name(struct config_build *b, const struct config_server *server,
			    const struct config_outbound *outbound, const struct config_outbound *outer)
{
	if (outer && outbound->helo_name_at.token == outer->helo_name_at.token)
		return;
	check_dot(b, server, "helo_name", outbound->helo_name, outbound->helo_name_at,
		  _("many hosts refuse mail from a client with such a name"));
}

void config_check_names(struct config_build *b, const struct config_server *server)
{
	check_dot(b, server, "fqdn", server->fqdn, server->fqdn_at,
		  _("many hosts refuse mail from a client with such a name"));
	if (server->default_domain_at.line)
		check_dot(b, server, "default_domain", server->default_domain, server->default_domain_at,
			  _("other hosts refuse senders in such a domain, and replies can't reach them"));
	check_dot(b, server, "masquerade_domain", server->masquerade_domain, server->masquerade_domain_at,
		  _("other hosts refuse senders in such a domain, and replies can't reach them"));
	check_helo_name(b, server, &server->outbound, NULL);
	for (size_t i = 0; i < server->remote_domain_count; i++)
		check_helo_name(b, server, &server->remote_domains[i].outbound, &server->outbound);
	for (size_t i = 0; i < server->connector_count; i++)
		check_helo_name(b, server, &server->connectors[i].outbound, &server->outbound);
}
