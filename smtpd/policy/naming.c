#include "smtpd/policy/naming.h"

#include "smtpd/policy/policy.h"

bool naming_permits(const struct config_clients *list, const struct ipaddr *host)
{
	const struct policy_client who = {.ip = *host, .name_state = POLICY_NAME_UNCONFIRMED};
	for (size_t i = 0; i < list->n; i++)
		if (policy_client_match(&list->at[i], &who))
			return true;
	return false;
}

struct ipaddr naming_client(const struct ipaddr *named, const struct ipaddr *host)
{
	return ipaddr_is_loopback(named) && !ipaddr_is_loopback(host) ? *host : *named;
}
