/* The DNS lists in which clients are looked up (dnsbl in connect): whether they can find any, by their test entries. */
#include <stdio.h>

#include "common/base/language.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/doctor/list.h"
#include "smtpd/policy/listing.h"

enum { ADDRESS_MAX_OCTETS = 16 };

/* What is wrong with ANSWER, the record that shows it in ADDRESS. */
static bool spoiled(const struct dnsbl_answer *answer, enum dnsbl_sense sense, char address[ADDRESS_MAX_OCTETS])
{
	for (size_t i = 0; i < answer->n; i++) {
		const unsigned char *octets = answer->at[i];
		if (dnsbl_sense(octets) != sense)
			continue;
		snprintf(address, ADDRESS_MAX_OCTETS, "%u.%u.%u.%u", octets[0], octets[1], octets[2], octets[3]);
		return true;
	}
	return false;
}

static void examine_refusal(struct doctor *d, const char *place, const char *zone, const char *address)
{
	doctor_find(
		d, FINDING_WARNING, place,
		doctor_text(d, _("the DNS list %s refuses our name server by the answer %s, so it finds no client"),
			    zone, address),
		_("run a resolver of your own, such as unbound, and name it in dns_server: lists refuse those of large providers"));
}

static void examine_invention(struct doctor *d, const char *place, const char *zone, const char *address)
{
	doctor_find(
		d, FINDING_WARNING, place,
		doctor_text(d, _("%s is no answer of a DNS list, but came for %s, so its answers do not count"),
			    address, zone),
		_("if the name servers invent answers (see resolver), name others in dns_server; if the list has ended, remove it from connect"));
}

/* The list answers, and its answers are those of a list. */
static void examine_entries(struct doctor *d, const char *place, const char *zone, const struct config_dnsbl *list,
			    const struct list_test *test)
{
	char address[ADDRESS_MAX_OCTETS];
	if (test->unlisted.n)
		doctor_find(d, FINDING_ERROR, place,
			    doctor_text(d, _("the DNS list %s has every address, even its test entry 127.0.0.1"), zone),
			    _("remove it from connect: it has ended, or its name is wrong"));
	else if (!test->listed.n)
		doctor_find(
			d, FINDING_WARNING, place,
			doctor_text(
				d,
				_("the DNS list %s does not have its test entry 127.0.0.2, so it may find no client"),
				zone),
			_("compare its name, and the key in it, with what the list's documentation says"));
	else if (list->score > 0 && !listing_record(list, &test->listed) &&
		 spoiled(&test->listed, DNSBL_LISTING, address))
		doctor_find(
			d, FINDING_NOTE, place,
			doctor_text(
				d,
				_("the DNS list %s has %s for its test entry, which is not among the answers that count"),
				zone, address),
			_("if that is not intended, compare the answers with what the list's documentation says"));
}

static void examine_list(struct doctor *d, struct ask *ask, const struct config_dnsbl *list)
{
	const char *place = doctor_place(d, &list->origin);
	char zone[DOMAIN_MAX + 1], address[ADDRESS_MAX_OCTETS];
	struct list_test test;
	dnsbl_shown(span_of(list->zone), zone);
	list_ask_test(ask, list->zone, &test);
	if (!test.listed.answered && !test.unlisted.n)
		doctor_find(d, FINDING_WARNING, place,
			    doctor_text(d, _("the DNS list %s does not answer, so it finds no client"), zone),
			    _("see whether the list still exists, and remove it from connect if not"));
	else if (spoiled(&test.listed, DNSBL_REFUSAL, address) || spoiled(&test.unlisted, DNSBL_REFUSAL, address))
		examine_refusal(d, place, zone, address);
	else if (spoiled(&test.listed, DNSBL_INVENTION, address) || spoiled(&test.unlisted, DNSBL_INVENTION, address))
		examine_invention(d, place, zone, address);
	else
		examine_entries(d, place, zone, list, &test);
}

void diagnose_dnsbl(struct doctor *d)
{
	for (size_t i = 0; i < d->config->server_count; i++) {
		const struct config_server *server = &d->config->servers[i];
		struct ask ask;
		if (!server->connect.dnsbl.n)
			continue;
		ask_open_unsigned(&ask, d->config, server, d->until);
		for (size_t j = 0; j < listing_count(&server->connect); j++)
			examine_list(d, &ask, listing_at(&server->connect, j));
	}
}
