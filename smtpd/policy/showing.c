#include "smtpd/policy/showing.h"

static const struct config_client *find(const struct config_clients *list, const struct policy_client *client)
{
	for (size_t i = 0; i < list->n; i++)
		if (policy_client_match(&list->at[i], client))
			return &list->at[i];
	return NULL;
}

enum showing showing_of(const struct config_filter *filter, enum config_mail_source source,
			const struct policy_client *client, uint64_t octets, const struct config_client **entry)
{
	*entry = NULL;
	if (!(filter->only & source))
		return SHOWING_SOURCE;
	*entry = find(&filter->skip_list, client);
	if (*entry)
		return SHOWING_LISTED;
	if (filter->skip_authenticated && client->user)
		return SHOWING_AUTHENTICATED;
	return octets > (uint64_t)filter->max_size ? SHOWING_COMMANDS : SHOWING_ALL;
}
