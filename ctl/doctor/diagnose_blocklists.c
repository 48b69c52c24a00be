/* Whether the address that other hosts see is on a public blocklist (RFC 5782). */
#include <string.h>

#include "common/base/language.h"
#include "common/mail/dnsbl.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/doctor/ways.h"

enum { RETURNS_MAX = 16 };

static const struct list {
	const char *zone;
	const char *removal;
} lists[] = {
	{"zen.spamhaus.org", N_("https://check.spamhaus.org says why, and how to be removed")},
	{"bl.spamcop.net",
	 N_("https://www.spamcop.net/bl.shtml says why; an entry ends by itself within a day after the last report")},
};

/* The last octets of the addresses 127.0.0.N that a list has for an address. */
struct returns {
	unsigned char at[RETURNS_MAX];
	size_t n;
	bool answered;
	bool refused; /* 127.255.255.N: the list does not answer this resolver */
};

static void look_up(struct ask *ask, const struct ipaddr *ip, const char *zone, struct returns *out)
{
	char name[DOMAIN_MAX + 1];
	struct ask_answer answer;
	*out = (struct returns){.n = 0};
	dnsbl_name(ip, span_of(zone), name);
	ask_name(ask, name, DNS_A, &answer);
	out->answered = answer.answer.rcode == LOOKUP_NOERROR || answer.answer.rcode == LOOKUP_NXDOMAIN;
	for (size_t i = 0; i < answer.answer.n; i++) {
		const unsigned char *octets = (const unsigned char *)answer.rdata[i].at;
		if (answer.rdata[i].len != 4)
			continue;
		out->refused |= memcmp(octets, "\x7f\xff\xff", 3) == 0;
		if (memcmp(octets, "\x7f\0\0", 3) == 0 && octets[3] > 1 && out->n < RETURNS_MAX)
			out->at[out->n++] = octets[3];
	}
	ask_free(&answer);
}

/* The test entries of RFC 5782: 127.0.0.2 is on every list, 127.0.0.1 on none. */
static bool works(struct ask *ask, const char *zone)
{
	struct ipaddr listed, unlisted;
	struct returns yes, no;
	ipaddr_parse(SPAN("127.0.0.2"), &listed);
	ipaddr_parse(SPAN("127.0.0.1"), &unlisted);
	look_up(ask, &listed, zone, &yes);
	if (!yes.answered || yes.refused || !yes.n)
		return false;
	look_up(ask, &unlisted, zone, &no);
	return no.answered && !no.n;
}

/* Spamhaus PBL: lines of customers, from which no mail should come directly. */
static bool is_policy(const char *zone, const struct returns *returns)
{
	for (size_t i = 0; i < returns->n; i++)
		if (returns->at[i] != 10 && returns->at[i] != 11)
			return false;
	return strcmp(zone, lists[0].zone) == 0;
}

static void examine_address(struct doctor *d, struct ask *ask, const struct list *list, const struct ipaddr *ip)
{
	char address[IPADDR_TEXT_MAX];
	struct returns returns;
	ipaddr_format(ip, address);
	look_up(ask, ip, list->zone, &returns);
	if (!returns.n)
		return;
	if (is_policy(list->zone, &returns))
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
			bool good = works(&ask, lists[j].zone);
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
