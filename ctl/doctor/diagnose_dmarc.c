/* DMARC of the domains in whose name mail is sent. */
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/doctor/rights.h"
#include "ctl/doctor/selectors.h"
#include "ctl/doctor/senders.h"
#include "ctl/doctor/texts.h"

enum { TEXT_MAX = 1 << 16 };

/* Takes the records of one name. */
static void take(const struct texts *texts, struct senders_policy *out)
{
	out->answered = texts->answered;
	out->count = texts->n;
	if (!texts->n)
		return;
	str_append(&out->text, texts_at(texts, 0));
	out->valid = texts->n == 1 && dmarc_parse(str_span(&out->text), &out->dmarc, out->why);
}

void senders_policy_ask(struct ask *ask, const char *domain, struct senders_policy *out)
{
	const char *at = domain;
	*out = (struct senders_policy){.answered = true};
	str_init(&out->text, TEXT_MAX);
	while (out->answered && !out->count && at && strchr(at, '.')) {
		struct texts texts;
		snprintf(out->name, sizeof(out->name), "_dmarc.%s", at);
		texts_ask(ask, out->name, dmarc_is, &texts);
		take(&texts, out);
		texts_free(&texts);
		out->above = at != domain;
		at = strchr(at, '.') + 1;
	}
}

void senders_policy_free(struct senders_policy *policy)
{
	str_free(&policy->text);
}

enum dmarc_policy senders_policy_wanted(const struct senders_policy *policy)
{
	return policy->above ? policy->dmarc.subdomain_policy : policy->dmarc.policy;
}

bool senders_passes_spf(struct ask *ask, const struct config_server *server, const char *domain,
			const struct dmarc *policy, const struct sources *sources)
{
	const char *envelope = ways_envelope_domain(server, domain);
	struct spf_verdict verdict;
	if (!dmarc_aligned(span_of(envelope), span_of(domain), policy->strict_spf))
		return false;
	for (size_t i = 0; i < sources->n; i++) {
		sources_spf(ask, server, envelope, &sources->at[i].ip, &verdict);
		if (verdict.result != SPF_PASS && verdict.result != SPF_TEMPERROR)
			return false;
	}
	return true;
}

/* Whether our signatures authenticate mail of DOMAIN: DNS has a key of ours, or gives no answer. */
static bool passes_dkim(struct ask *ask, const struct config_server *server, const char *domain,
			const struct dmarc *policy, const struct ownkeys *keys)
{
	const struct config_dkim *dkim = config_dkim_find(server, span_of(domain));
	bool good = false;
	if (!dkim || !dmarc_aligned(span_of(dkim->name), span_of(domain), policy->strict_dkim))
		return false;
	for (size_t i = 0; i < keys->n && !good; i++) {
		const struct ownkey *key = &keys->at[i];
		struct selector found;
		if (key->dkim != dkim)
			continue;
		selectors_ask(ask, key->selector, dkim->name, key->readable ? &key->record : NULL, &found);
		good = selectors_accepted(&found) || found.state == SELECTOR_UNKNOWN;
	}
	return good;
}

/* Whether another host may sign: there is a key under a usual selector, or DNS gives no answer. */
static bool may_be_signed(struct ask *ask, const char *domain)
{
	struct selector found = {.state = SELECTOR_ABSENT};
	for (size_t i = 0; selectors_usual[i] && found.state != SELECTOR_GOOD && found.state != SELECTOR_UNKNOWN; i++)
		selectors_ask(ask, selectors_usual[i], domain, NULL, &found);
	return found.state == SELECTOR_GOOD || found.state == SELECTOR_UNKNOWN;
}

static const char *policy_text(struct doctor *d, const char *domain, const char *envelope, enum dmarc_policy policy)
{
	bool same = strcasecmp(envelope, domain) == 0;
	if (policy == DMARC_REJECT)
		return same ? _("mail of it does not pass SPF, and by its DMARC policy such mail is refused unless it is signed (DKIM)")
			    : doctor_text(
				      d,
				      _("mail of it is sent with MAIL FROM of %s, which does not authenticate it, and by its DMARC policy such mail is refused unless it is signed (DKIM)"),
				      envelope);
	return same ? _("mail of it does not pass SPF, and by its DMARC policy such mail is filed as spam unless it is signed (DKIM)")
		    : doctor_text(
			      d,
			      _("mail of it is sent with MAIL FROM of %s, which does not authenticate it, and by its DMARC policy such mail is filed as spam unless it is signed (DKIM)"),
			      envelope);
}

static void examine_policy(struct doctor *d, struct ask *ask, const struct config_server *server, const char *domain,
			   const struct senders_policy *policy, const struct sources *sources,
			   const struct ownkeys *keys)
{
	enum dmarc_policy wanted = senders_policy_wanted(policy);
	if (wanted == DMARC_NONE) {
		if (!policy->dmarc.reports.len)
			doctor_find(
				d, FINDING_NOTE, policy->name,
				_("the DMARC policy is none and names no address for reports (rua), so it has no effect"),
				_("add rua=mailto:ADDRESS, read the reports, then set p=quarantine or p=reject"));
		return;
	}
	if (senders_passes_spf(ask, server, domain, &policy->dmarc, sources) ||
	    passes_dkim(ask, server, domain, &policy->dmarc, keys))
		return;
	bool others = !config_dkim_find(server, span_of(domain)) && may_be_signed(ask, domain);
	doctor_find(
		d, others ? FINDING_WARNING : FINDING_ERROR, domain,
		policy_text(d, domain, ways_envelope_domain(server, domain), wanted),
		doctor_text(
			d,
			_("let its SPF record permit where its mail comes from, with MAIL FROM of the same domain; or sign it: begin with `mailrootctl dkim keygen %s`"),
			domain));
}

void senders_dmarc(struct doctor *d, struct ask *ask, const struct config_server *server, const char *domain,
		   const struct sources *sources, const struct ownkeys *keys)
{
	struct senders_policy policy;
	senders_policy_ask(ask, domain, &policy);
	if (!policy.answered)
		doctor_find(d, FINDING_NOTE, domain,
			    _("DNS gave no answer for its DMARC record, so it was not examined"),
			    _("run doctor again"));
	else if (!policy.count)
		doctor_find(
			d, FINDING_WARNING, domain,
			_("it has no DMARC record: Gmail and Yahoo refuse much mail of such domains"),
			doctor_text(
				d,
				_("publish the TXT record \"v=DMARC1; p=none; rua=mailto:postmaster@%s\" at _dmarc.%s"),
				domain, domain));
	else if (policy.count > 1)
		doctor_find(d, FINDING_ERROR, policy.name,
			    _("there is more than one DMARC record, and receivers use none"), _("keep one"));
	else if (!policy.valid)
		doctor_find(d, FINDING_ERROR, policy.name,
			    doctor_text(d, _("receivers ignore the DMARC record: %s"), policy.why),
			    _("correct the record"));
	else
		examine_policy(d, ask, server, domain, &policy, sources, keys);
	senders_policy_free(&policy);
}

void diagnose_dmarc(struct doctor *d)
{
	struct ownkeys keys;
	ownkeys_load(d->config, &keys);
	rights_drop(d->config);
	for (size_t i = 0; i < d->config->server_count; i++) {
		const struct config_server *server = &d->config->servers[i];
		struct ways_domain domains[WAYS_DOMAINS_MAX];
		struct sources sources;
		struct ask ask;
		ask_open(&ask, d->config, server, d->until);
		sources_find(&ask, server, &sources);
		size_t n = senders_domains(d, server, domains);
		for (size_t j = 0; j < n; j++)
			senders_dmarc(d, &ask, server, domains[j].name, &sources, &keys);
	}
	ownkeys_free(&keys);
}
