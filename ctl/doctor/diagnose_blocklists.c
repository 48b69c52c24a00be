/* Whether the address that other hosts see is on a public blocklist (RFC 5782). */
#include <string.h>

#include "common/base/language.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/doctor/list.h"
#include "ctl/doctor/ways.h"

static const struct list {
	const char *zone;
	const char *removal;
} lists[] = {
	{"zen.spamhaus.org", N_("https://check.spamhaus.org says why, and how to be removed")},
	{"bl.spamcop.net",
	 N_("https://www.spamcop.net/bl.shtml says why; an entry ends by itself within a day after the last report")},
};

/* Spamhaus PBL: lines of customers, from which no mail should come directly. */
static bool is_policy(const char *zone, const struct dnsbl_answer *answer)
{
	for (size_t i = 0; i < answer->n; i++)
		if (answer->at[i][3] != 10 && answer->at[i][3] != 11)
			return false;
	return strcmp(zone, lists[0].zone) == 0;
}

static void examine_address(struct doctor *d, struct ask *ask, const struct list *list, const struct ipaddr *ip)
{
	char address[IPADDR_TEXT_MAX];
	struct dnsbl_answer answer;
	ipaddr_format(ip, address);
	list_ask(ask, ip, list->zone, &answer);
	if (!answer.n || dnsbl_answer_sense(&answer) != DNSBL_LISTING)
		return;
	if (is_policy(list->zone, &answer))
		doctor_find(
			d, FINDING_ERROR, address,
			doctor_text(
				d,
				_("%s lists our address as a customer's line, from which no mail should come directly; many hosts refuse it"),
				list->zone),
			_("send by a smart_host on port 587, or let the provider take the address off the list"));
	else
		doctor_find(
			d, FINDING_ERROR, address,
			doctor_text(d, _("our address is on the blocklist %s: many hosts refuse mail from it"),
				    list->zone),
			doctor_text(
				d,
				_("find out what sent spam (an account, a form, an open relay) and stop it; then %s"),
				_(list->removal)));
}

void diagnose_blocklists(struct doctor *d)
{
	for (size_t i = 0; i < d->config->server_count; i++) {
		const struct config_server *server = &d->config->servers[i];
		struct ipaddr ours[WAYS_SOURCES_MAX];
		struct ask ask;
		bool behind;
		if (!ways_direct(server))
			continue;
		ask_open(&ask, d->config, server, d->until);
		size_t n = ways_public(server, &ask, ours, &behind);
		for (size_t j = 0; n && j < sizeof(lists) / sizeof(lists[0]); j++) {
			struct list_test test;
			list_ask_test(&ask, lists[j].zone, &test);
			bool good = list_test_good(&test);
			if (!good)
				doctor_find(
					d, FINDING_NOTE, lists[j].zone,
					_("this blocklist gives no sound answer to our name servers (it refuses those of large providers), so it was not asked"),
					_("run a resolver of your own to ask it"));
			for (size_t k = 0; good && k < n; k++)
				examine_address(d, &ask, &lists[j], &ours[k]);
		}
	}
}
