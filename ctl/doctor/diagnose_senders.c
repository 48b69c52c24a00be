/* SPF, DKIM and DMARC of the domains in whose name mail is sent, as a receiver judges them. */
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/dkim/dkim_record.h"
#include "common/dns/txt.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/doctor/dmarc.h"
#include "ctl/doctor/spf.h"
#include "ctl/doctor/ways.h"

enum { SENDER_MAX = 320, TEXT_MAX = 4096, ADDRESSES_MAX = 24 };

/* Where mail of a server comes from, as receivers see it. */
struct source {
	struct ipaddr ip;
	const char *host; /* the smart host; NULL = this machine */
};
struct sources {
	struct source at[ADDRESSES_MAX];
	size_t n;
};

static int ask_spf(void *context, const char *name, enum dns_type type, void (*take)(void *to, struct span rdata),
		   void *to)
{
	struct ask_answer answer;
	ask_name(context, name, type, &answer);
	int rcode = answer.answer.rcode;
	for (size_t i = 0; i < answer.answer.n; i++)
		take(to, answer.rdata[i]);
	ask_free(&answer);
	return rcode;
}

static void evaluate(struct ask *ask, const struct config_server *server, const char *domain, const struct ipaddr *ip,
		     struct spf_verdict *out)
{
	char sender[SENDER_MAX];
	const struct spf_dns dns = {.ask = ask_spf, .context = ask};
	const struct spf_query query = {.ip = *ip, .domain = domain, .sender = sender, .helo = server->fqdn};
	snprintf(sender, sizeof(sender), "postmaster@%s", domain);
	spf_evaluate(&dns, &query, out);
}

static void add_hop(struct ask *ask, const struct ways_hop *hop, struct sources *out)
{
	struct ask_addresses found = {.n = 0};
	if (hop->host->kind == CONFIG_HOST_IP)
		found.at[found.n++] = hop->host->ip;
	else
		ask_addresses(ask, hop->host->name, &found);
	for (size_t i = 0; i < found.n && out->n < ADDRESSES_MAX; i++)
		if (!ipaddr_is_private(&found.at[i]))
			out->at[out->n++] = (struct source){found.at[i], hop->host->name};
}

static void find_sources(struct ask *ask, const struct config_server *server, struct sources *out)
{
	struct ipaddr ours[WAYS_SOURCES_MAX];
	struct ways_hop hops[WAYS_HOPS_MAX];
	bool behind;
	*out = (struct sources){.n = 0};
	if (ways_direct(server)) {
		size_t n = ways_public(server, ask, ours, &behind);
		for (size_t i = 0; i < n; i++)
			out->at[out->n++] = (struct source){ours[i], NULL};
	}
	size_t n = ways_hops(server, hops);
	for (size_t i = 0; i < n; i++)
		if (strcmp(hops[i].setting, "smart_host") == 0)
			add_hop(ask, &hops[i], out);
}

static const char *source_text(struct doctor *d, const struct source *source)
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
	const char *from = source_text(d, source);
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

/* One finding for each domain: the first source that does not pass. */
static void examine_spf(struct doctor *d, struct ask *ask, const struct config_server *server, const char *domain,
			bool helo, const struct sources *sources)
{
	struct spf_verdict verdict;
	for (size_t i = 0; i < sources->n; i++) {
		if (helo && sources->at[i].host)
			continue;
		evaluate(ask, server, domain, &sources->at[i].ip, &verdict);
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
		find_sources(&ask, server, &sources);
		size_t n = ways_domains(server, domains);
		for (size_t j = 0; j < n; j++) {
			const char *envelope = ways_envelope_domain(server, domains[j].name);
			bool masked = strcasecmp(envelope, domains[j].name) != 0;
			if (!masked || !masquerade)
				examine_spf(d, &ask, server, envelope, false, &sources);
			masquerade |= masked;
		}
		examine_spf(d, &ask, server, server->fqdn, true, &sources);
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

/* The selectors that programs and providers use by default. */
static const char *const selectors[] = {"default", "mail", "dkim", "selector1", "selector2",
					"google",  "s1",   "s2",   "k1",        "mta"};

/* The TXT records of a name. */
struct texts {
	bool answered; /* DNS gave an answer */
	unsigned count;
};

/* Appends the joined text of the first TXT record of NAME that FITS (NULL = any), and counts those. */
static struct texts find_texts(struct ask *ask, const char *name, bool (*fits)(struct span text), struct str *to)
{
	struct ask_answer answer;
	struct str text;
	str_init(&text, TEXT_MAX);
	ask_name(ask, name, DNS_TXT, &answer);
	struct texts found = {.answered =
				      answer.answer.rcode == LOOKUP_NOERROR || answer.answer.rcode == LOOKUP_NXDOMAIN};
	for (size_t i = 0; i < answer.answer.n; i++, str_clear(&text)) {
		if (!txt_join(answer.rdata[i], &text) || (fits && !fits(str_span(&text))))
			continue;
		if (!found.count++)
			str_append(to, str_span(&text));
	}
	ask_free(&answer);
	str_free(&text);
	return found;
}

static void say_key(struct doctor *d, const char *name, const struct dkim_record *key)
{
	if (key->revoked)
		doctor_find(d, FINDING_NOTE, name, _("this DKIM key is revoked (p is empty)"),
			    _("nothing, unless mail is still signed with it"));
	else if (key->not_email)
		doctor_find(d, FINDING_WARNING, name,
			    _("this DKIM key is not for mail (s): receivers ignore signatures with it"),
			    _("remove s from the record"));
	else if (key->sha1_only)
		doctor_find(d, FINDING_WARNING, name,
			    _("this DKIM key permits no SHA-256 (h): receivers ignore signatures with SHA-1"),
			    _("remove h from the record"));
	else if (!key->ed25519 && key->bits < DKIM_RECORD_RSA_MIN)
		doctor_find(d, FINDING_ERROR, name,
			    doctor_text(d,
					_("this DKIM key has %u bits: receivers ignore signatures with less than 1024"),
					key->bits),
			    _("make a key with 2048 bits"));
	else if (key->testing)
		doctor_find(d, FINDING_NOTE, name,
			    _("this DKIM key says that it is being tested (t=y): receivers may ignore its signatures"),
			    _("remove t=y once signatures are right"));
	else if (!key->ed25519 && key->bits < DKIM_RECORD_RSA_GOOD)
		doctor_find(d, FINDING_NOTE, name,
			    doctor_text(d, _("this DKIM key has %u bits; 2048 are usual today"), key->bits),
			    _("make a key with 2048 bits"));
}

/* The keys of a domain under the usual selectors. */
struct keys {
	bool answered; /* for each selector */
	unsigned good; /* that verifiers can use */
};

/* D: says what is wrong with the keys of DOMAIN; NULL = silent. */
static struct keys find_keys(struct doctor *d, struct ask *ask, const char *domain)
{
	char name[DOMAIN_MAX + 40], why[DKIM_RECORD_WHY_MAX];
	struct keys keys = {.answered = true};
	struct dkim_record key;
	struct str text;
	str_init(&text, TEXT_MAX);
	for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++, str_clear(&text)) {
		snprintf(name, sizeof(name), "%s._domainkey.%s", selectors[i], domain);
		struct texts found = find_texts(ask, name, NULL, &text);
		keys.answered &= found.answered;
		if (!found.count)
			continue;
		bool usable = dkim_record_parse(str_span(&text), &key, why);
		keys.good += usable && !key.revoked;
		if (d && usable)
			say_key(d, name, &key);
		else if (d)
			doctor_find(d, FINDING_ERROR, name,
				    doctor_text(d,
						_("this DKIM key can't be used, so signatures with it are invalid: %s"),
						why),
				    _("publish it again, as the program that signs shows it"));
	}
	str_free(&text);
	return keys;
}

static void examine_keys(struct doctor *d, struct ask *ask, const char *domain)
{
	struct keys keys = find_keys(d, ask, domain);
	if (keys.good)
		return;
	if (keys.answered)
		doctor_find(
			d, FINDING_NOTE, domain,
			_("no DKIM key was found under the usual selectors; this service does not sign mail itself"),
			_("let a filter or the smart host sign; receivers of much mail demand it"));
	else
		doctor_find(d, FINDING_NOTE, domain,
			    _("DNS gave no answer for its DKIM keys, so they were not examined"),
			    _("run doctor again"));
}

void diagnose_dkim(struct doctor *d)
{
	for (size_t i = 0; i < d->config->server_count; i++) {
		const struct config_server *server = &d->config->servers[i];
		struct ways_domain domains[WAYS_DOMAINS_MAX];
		struct ask ask;
		ask_open(&ask, d->config, server, d->until);
		size_t n = ways_domains(server, domains);
		for (size_t j = 0; j < n; j++)
			examine_keys(d, &ask, domains[j].name);
	}
}

/* The records of DOMAIN, or of a domain above it with two labels at least. NAME: where they are. */
static struct texts find_policies(struct ask *ask, const char *domain, struct str *to, char name[DOMAIN_MAX + 8])
{
	struct texts found = {.answered = true};
	while (found.answered && !found.count && strchr(domain, '.')) {
		snprintf(name, DOMAIN_MAX + 8, "_dmarc.%s", domain);
		found = find_texts(ask, name, dmarc_is, to);
		domain = strchr(domain, '.') + 1;
	}
	return found;
}

/*
 * Whether receivers find mail of DOMAIN authenticated by SPF: the policy permits the domain of MAIL FROM, which passes.
 * A record that DNS does not answer for is in the report of diagnose_spf.
 */
static bool passes_spf(struct ask *ask, const struct config_server *server, const char *domain,
		       const struct dmarc *policy, const struct sources *sources)
{
	const char *envelope = ways_envelope_domain(server, domain);
	struct spf_verdict verdict;
	if (!dmarc_aligned(span_of(envelope), span_of(domain), policy->strict_spf))
		return false;
	for (size_t i = 0; i < sources->n; i++) {
		evaluate(ask, server, envelope, &sources->at[i].ip, &verdict);
		if (verdict.result != SPF_PASS && verdict.result != SPF_TEMPERROR)
			return false;
	}
	return true;
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
			   const char *name, const struct dmarc *policy, const struct sources *sources)
{
	bool above = strcasecmp(name + strlen("_dmarc."), domain) != 0;
	enum dmarc_policy wanted = above ? policy->subdomain_policy : policy->policy;
	if (wanted == DMARC_NONE) {
		if (!policy->reports.len)
			doctor_find(
				d, FINDING_NOTE, name,
				_("the DMARC policy is none and names no address for reports (rua), so it has no effect"),
				_("add rua=mailto:ADDRESS, read the reports, then set p=quarantine or p=reject"));
		return;
	}
	if (passes_spf(ask, server, domain, policy, sources))
		return;
	struct keys keys = find_keys(NULL, ask, domain);
	doctor_find(
		d, keys.good || !keys.answered ? FINDING_WARNING : FINDING_ERROR, domain,
		policy_text(d, domain, ways_envelope_domain(server, domain), wanted),
		_("let its SPF record permit where its mail comes from, with MAIL FROM of the same domain; or sign with DKIM"));
}

static void examine_dmarc(struct doctor *d, struct ask *ask, const struct config_server *server, const char *domain,
			  const struct sources *sources)
{
	char name[DOMAIN_MAX + 8], why[DMARC_WHY_MAX];
	struct dmarc policy;
	struct str text;
	str_init(&text, TEXT_MAX);
	struct texts found = find_policies(ask, domain, &text, name);
	if (!found.answered)
		doctor_find(d, FINDING_NOTE, domain,
			    _("DNS gave no answer for its DMARC record, so it was not examined"),
			    _("run doctor again"));
	else if (!found.count)
		doctor_find(
			d, FINDING_WARNING, domain,
			_("it has no DMARC record: Gmail and Yahoo refuse much mail of such domains"),
			doctor_text(
				d,
				_("publish the TXT record \"v=DMARC1; p=none; rua=mailto:postmaster@%s\" at _dmarc.%s"),
				domain, domain));
	else if (found.count > 1)
		doctor_find(d, FINDING_ERROR, name, _("there is more than one DMARC record, and receivers use none"),
			    _("keep one"));
	else if (!dmarc_parse(str_span(&text), &policy, why))
		doctor_find(d, FINDING_ERROR, name, doctor_text(d, _("receivers ignore the DMARC record: %s"), why),
			    _("correct the record"));
	else
		examine_policy(d, ask, server, domain, name, &policy, sources);
	str_free(&text);
}

void diagnose_dmarc(struct doctor *d)
{
	for (size_t i = 0; i < d->config->server_count; i++) {
		const struct config_server *server = &d->config->servers[i];
		struct ways_domain domains[WAYS_DOMAINS_MAX];
		struct sources sources;
		struct ask ask;
		ask_open(&ask, d->config, server, d->until);
		find_sources(&ask, server, &sources);
		size_t n = ways_domains(server, domains);
		for (size_t j = 0; j < n; j++)
			examine_dmarc(d, &ask, server, domains[j].name, &sources);
	}
}
