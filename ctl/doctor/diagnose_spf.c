/* SPF of the domains in whose name mail is sent. */
#include <string.h>

#include "common/base/language.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/doctor/senders.h"

const char *senders_source_text(struct doctor *d, const struct source *source)
{
	char address[IPADDR_TEXT_MAX];
	ipaddr_format(&source->ip, address);
	return source->host ? doctor_text(d, _("smart host %s (%s)"), source->host, address)
			    : doctor_text(d, _("this machine (%s)"), address);
}

static const char *permit_text(struct doctor *d, const char *domain, const struct source *source)
{
	char address[IPADDR_TEXT_MAX];
	ipaddr_format(&source->ip, address);
	if (source->host)
		return doctor_text(
			d,
			_("add to the SPF record of %s, in front of \"all\", the include that the provider of %s names"),
			domain, source->host);
	return doctor_text(d, _("add to the SPF record of %s, in front of \"all\": %s:%s"), domain,
			   ipaddr_is_v4(&source->ip) ? "ip4" : "ip6", address);
}

static const char *publish_text(struct doctor *d, const char *domain, const struct source *source)
{
	char address[IPADDR_TEXT_MAX];
	ipaddr_format(&source->ip, address);
	if (source->host)
		return doctor_text(
			d, _("publish the TXT record of %s that the provider of %s names: \"v=spf1 include:... -all\""),
			domain, source->host);
	return doctor_text(d,
			   _("publish the TXT record of %s with every host that sends its mail: \"v=spf1 %s:%s -all\""),
			   domain, ipaddr_is_v4(&source->ip) ? "ip4" : "ip6", address);
}

/* True: there is something to say, and it was said. HELO: DOMAIN is the name in EHLO, which needs no record. */
static bool say_spf(struct doctor *d, const char *domain, bool helo, const struct source *source,
		    const struct spf_verdict *v)
{
	const char *from = senders_source_text(d, source);
	switch (v->result) {
	case SPF_PASS:
		if (v->open)
			doctor_find(d, FINDING_WARNING, domain,
				    doctor_text(d, _("its SPF record permits every host to send in its name (%s)"),
						v->term),
				    _("remove +all, or the wide network, and name the hosts that send"));
		return v->open;
	case SPF_NONE:
		if (!helo)
			doctor_find(d, FINDING_WARNING, domain,
				    _("it has no SPF record: Gmail refuses its mail or files it as spam"),
				    publish_text(d, domain, source));
		return !helo;
	case SPF_FAIL:
		doctor_find(d, source->host ? FINDING_WARNING : FINDING_ERROR, domain,
			    doctor_text(d, _("its SPF record forbids %s to send in its name (%s)"), from, v->term),
			    permit_text(d, domain, source));
		return true;
	case SPF_TEMPERROR:
		doctor_find(
			d, FINDING_WARNING, domain,
			doctor_text(d, _("its SPF record can't be evaluated, so receivers delay its mail: %s"), v->why),
			_("mend the name servers of that name, or remove it from the record"));
		return true;
	case SPF_PERMERROR:
		doctor_find(d, FINDING_ERROR, domain,
			    doctor_text(d, _("its SPF record is invalid, so it counts as none or as a failure: %s"),
					v->why),
			    _("correct the record"));
		return true;
	default:
		if (!helo)
			doctor_find(d, FINDING_WARNING, domain,
				    doctor_text(d, _("its SPF record does not permit %s (%s%s%s)"), from,
						spf_word(v->result), v->term[0] ? ": " : "", v->term),
				    permit_text(d, domain, source));
		return !helo;
	}
}

void senders_spf(struct doctor *d, struct ask *ask, const struct config_server *server, const char *domain, bool helo,
		 const struct sources *sources)
{
	struct spf_verdict verdict;
	for (size_t i = 0; i < sources->n; i++) {
		if (helo && sources->at[i].host)
			continue;
		sources_spf(ask, server, domain, &sources->at[i].ip, &verdict);
		if (say_spf(d, domain, helo, &sources->at[i], &verdict))
			return;
	}
}

void diagnose_spf(struct doctor *d)
{
	for (size_t i = 0; i < d->config->server_count; i++) {
		const struct config_server *server = &d->config->servers[i];
		struct ways_domain domains[WAYS_DOMAINS_MAX];
		struct sources sources;
		struct ask ask;
		bool masquerade = false;
		ask_open(&ask, d->config, server, d->until);
		sources_find(&ask, server, &sources);
		size_t n = senders_domains(d, server, domains);
		for (size_t j = 0; j < n; j++) {
			const char *envelope = ways_envelope_domain(server, domains[j].name);
			bool masked = strcasecmp(envelope, domains[j].name) != 0;
			if (!masked || !masquerade)
				senders_spf(d, &ask, server, envelope, false, &sources);
			masquerade |= masked;
		}
		senders_spf(d, &ask, server, server->fqdn, true, &sources);
		if (!sources.n)
			doctor_find(
				d, FINDING_NOTE, doctor_place(d, &server->origin),
				doctor_text(
					d,
					_("server %s: no public address is known from which its mail comes, so SPF was not examined"),
					server->name),
				_("see to it that the SPF records of its domains name the address that others see"));
	}
}
