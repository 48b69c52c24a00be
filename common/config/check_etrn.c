/* Settings of ETRN and ATRN: the hosts that may request mail here, and the hosts that we request mail from. */
#include <string.h>

#include "common/accounts/accounts.h"
#include "common/base/language.h"
#include "common/config/check.h"
#include "common/config/oauth.h"
#include "common/mail/domain.h"

static void check_remote(struct config_build *b, const struct config_server *server,
			 const struct config_remote_domain *remote)
{
	if (!remote->atrn_accounts.n)
		return;
	if (!remote->etrn)
		config_error(b->findings, config_build_at(b, server, remote->atrn_accounts_at),
			     _("without etrn no mail waits to be fetched: write etrn yes"));
	if (!server->access.auth && !config_build_failed(b, &server->access.auth))
		config_error(
			b->findings, config_build_at(b, server, remote->atrn_accounts_at),
			_("no client can authenticate, so none can fetch this mail: write auth plain, or another mechanism, in access"));
}

static void check_connector(struct config_build *b, const struct config_server *server,
			    const struct config_connector *connector)
{
	struct config_at at = config_build_at(b, server, connector->etrn_request_at);
	if (!connector->etrn_request.domains.n)
		return;
	if (connector->route.dns)
		config_error(b->findings, at,
			     _("etrn_request needs the hosts, which route dns does not name: write them in route"));
	if (config_oauth_by_sender(&connector->outbound))
		config_error(
			b->findings, at,
			_("etrn_request has no sender that username sender could authenticate as: write the mailbox in username"));
}

void config_check_etrn(struct config_build *b, const struct config_server *server)
{
	for (size_t i = 0; i < server->remote_domain_count; i++)
		check_remote(b, server, &server->remote_domains[i]);
	for (size_t i = 0; i < server->connector_count; i++)
		check_connector(b, server, &server->connectors[i]);
}
