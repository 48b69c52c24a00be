/* Name servers: whether they answer, how fast, and whether the answers can be believed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "ctl/doctor/ask.h"
#include "ctl/doctor/diagnose.h"

enum { SLOW_MS = 2000, NAME_MAX_OCTETS = 64 };

/* Those of dns_server are in the report of diagnose_config. */
static bool examine_servers(struct doctor *d, const struct dns_settings *settings)
{
	char text[NAMESERVER_TEXT_MAX];
	struct nameservers servers;
	bool good = false;
	dns_servers(settings, &servers);
	if (!servers.n) {
		doctor_find(
			d, FINDING_NOTE, "/etc/resolv.conf",
			_("there is no name server, so look-ups start at the root of DNS: they are slow, and many networks block them"),
			_("run a resolver on this machine (unbound), and name it in dns_server"));
		return true;
	}
	nameservers_ask_and_wait(&servers);
	for (size_t i = 0; i < servers.n; i++) {
		good |= servers.at[i].state == NAMESERVER_GOOD;
		if (!settings->servers->n && nameserver_trouble(&servers.at[i], text))
			doctor_find(d, FINDING_WARNING, "/etc/resolv.conf", text,
				    _("correct /etc/resolv.conf, or name good servers in dns_server"));
	}
	nameservers_close(&servers);
	if (!good)
		doctor_find(
			d, FINDING_ERROR, "DNS",
			_("no name server answers, so no mail leaves but to written addresses"),
			_("mend the network or the name servers, or name others in dns_server; then run doctor again"));
	return good;
}

/* Asks for NAME, which surely does not exist; TO has room for it. Returns the milliseconds that it took. */
static int64_t ask_for_nothing(struct ask *ask, char to[NAME_MAX_OCTETS], struct ask_answer *out)
{
	uint32_t random[2];
	fd_random(random, sizeof(random));
	snprintf(to, NAME_MAX_OCTETS, "mailroot-doctor-%08x%08x.com", random[0], random[1]);
	int64_t began = clock_mono_ms();
	ask_name(ask, to, DNS_A, out);
	return clock_mono_ms() - began;
}

/* Whether another such question, without what the first one learned, takes long, too: once may be chance. */
static bool stays_slow(const struct doctor *d, const struct config_server *server)
{
	char name[NAME_MAX_OCTETS];
	struct ask_answer answer;
	struct ask ask;
	ask_open(&ask, d->config, server, d->until);
	int64_t took = ask_for_nothing(&ask, name, &answer);
	ask_free(&answer);
	return took > SLOW_MS;
}

static void examine_invention(struct doctor *d, struct ask *ask, const struct config_server *server)
{
	char name[NAME_MAX_OCTETS];
	struct ask_answer answer;
	int64_t took = ask_for_nothing(ask, name, &answer);
	if (answer.answer.rcode == LOOKUP_NO_ANSWER)
		doctor_find(
			d, FINDING_WARNING, "DNS",
			doctor_text(
				d,
				_("there is no answer for %s, a name that does not exist: look-ups fail or take long"),
				name),
			_("ask dig +trace, and name other servers in dns_server if these do not resolve all names"));
	else if (answer.answer.rcode == LOOKUP_BOGUS)
		doctor_find(
			d, FINDING_ERROR, "DNS",
			doctor_text(
				d,
				_("the answer of the name servers for %s, which does not exist, has no valid signature: they invent addresses, or a forger does"),
				name),
			_("use name servers that pass answers on as they are: a resolver of your own, or another provider's"));
	else if (answer.answer.rcode == LOOKUP_NOERROR && answer.answer.n)
		doctor_find(
			d, FINDING_ERROR, "DNS",
			doctor_text(
				d,
				_("the name servers invent an address for %s, which does not exist: mail for mistyped domains goes there or waits, and is not returned"),
				name),
			_("use name servers that answer NXDOMAIN: a resolver of your own, or another provider's"));
	else if (took > SLOW_MS && stays_slow(d, server))
		doctor_find(d, FINDING_WARNING, "DNS",
			    doctor_text(d, _("a look-up took %d ms: each new destination waits for several of them"),
					(int)took),
			    _("use nearer name servers, or a caching resolver on this machine (unbound)"));
	ask_free(&answer);
}

static void examine_dnssec(struct doctor *d, const struct dns_settings *settings, struct ask *ask)
{
	struct ask_answer answer;
	if (settings->dnssec == CONFIG_NO)
		return;
	if (!dns_checks(settings)) {
		doctor_find(
			d, settings->dnssec == CONFIG_YES ? FINDING_ERROR : FINDING_WARNING, settings->trust_anchor,
			_("the root keys of DNSSEC can't be read, so no signature is checked and DANE protects no mail"),
			_("install dns-root-data, or set trust_anchor"));
		return;
	}
	ask_name(ask, ".", DNS_DNSKEY, &answer);
	if (answer.answer.rcode == LOOKUP_BOGUS)
		doctor_find(
			d, FINDING_ERROR, "DNS",
			doctor_text(d, _("the signature of the DNS root is not valid: %.*s"),
				    SPAN_ARGS(answer.answer.why)),
			_("set the clock, and renew the root keys (dns-root-data); a forger on the way looks the same"));
	else if (answer.answer.rcode == LOOKUP_NOERROR && !answer.answer.secure)
		doctor_find(d, FINDING_WARNING, "DNS",
			    _("the name servers pass no signatures on (DNSSEC), so DANE protects no mail"),
			    _("use name servers that do, such as unbound on this machine"));
	ask_free(&answer);
}

void diagnose_resolver(struct doctor *d)
{
	for (size_t i = 0; i < d->config->server_count; i++) {
		const struct config_server *server = &d->config->servers[i];
		const struct dns_settings settings = ask_settings(d->config, server);
		struct ask ask;
		if (i && !server->dns_server.n && !d->config->servers[i - 1].dns_server.n)
			continue; /* the same servers */
		if (!examine_servers(d, &settings))
			continue;
		ask_open(&ask, d->config, server, d->until);
		examine_invention(d, &ask, server);
		examine_dnssec(d, &settings, &ask);
	}
}
