#include <stdio.h>

#include "common/base/language.h"
#include "ctl/dkim/dkim_view.h"
#include "ctl/doctor/ways.h"
#include "ctl/translate.h"

/* -- for a person */

static const char *size_text(struct doctor *d, const struct dkim_record *key)
{
	return key->ed25519 ? "Ed25519" : doctor_text(d, _("RSA, %u bits"), key->bits);
}

static void print_key(struct doctor *d, const struct dkim_view_key *key)
{
	const char *word = _(selectors_word(key->seen.state));
	if (!key->readable)
		printf(_("  key    %s: %s; the file %s was not compared: %s\n"), key->seen.name, word, key->file,
		       translate_text(span_of(key->why)).at);
	else if (key->configured)
		printf(_("  key    %s: %s (%s), in use from %s\n"), key->seen.name, word, size_text(d, &key->ours),
		       key->file);
	else
		printf(_("  key    %s: %s (%s), not in use: the configuration does not have %s\n"), key->seen.name,
		       word, size_text(d, &key->ours), key->file);
}

static bool signs(const struct config_outbound *outbound)
{
	return config_outbound_signs(outbound, outbound->auth != CONFIG_AUTH_OFF);
}

/* Where its mail goes, and whether it is signed there. */
static void print_ways(const struct dkim_view *view)
{
	struct ways_hop hops[WAYS_HOPS_MAX];
	size_t n = ways_hops(view->server, hops);
	if (ways_direct(view->server) && config_outbound_signs(&view->server->outbound, false))
		printf(_("  sent   to the mail exchangers of other domains: signed\n"));
	else if (ways_direct(view->server))
		printf(_("  sent   to the mail exchangers of other domains: not signed (outbound dkim no)\n"));
	for (size_t i = 0; i < n; i++) {
		if (signs(hops[i].outbound))
			printf(_("  sent   to %s: signed\n"), hops[i].host->name);
		else if (hops[i].outbound->dkim == CONFIG_NO)
			printf(_("  sent   to %s: not signed (outbound dkim no)\n"), hops[i].host->name);
		else
			printf(_("  sent   to %s: not signed here, because we authenticate to it, and such a provider signs (outbound dkim auto)\n"),
			       hops[i].host->name);
	}
}

static void print_source(struct doctor *d, const struct dkim_view_source *source)
{
	const struct spf_verdict *verdict = &source->verdict;
	const char *from = senders_source_text(d, &source->source),
		   *why = verdict->term[0] ? verdict->term : verdict->why;
	if (why[0])
		printf(_("  SPF    %s for %s: %s\n"), spf_word(verdict->result), from, why);
	else
		printf(_("  SPF    %s for %s\n"), spf_word(verdict->result), from);
}

static void print_spf(struct doctor *d, const struct dkim_view *view)
{
	for (size_t i = 0; i < view->source_count; i++)
		print_source(d, &view->sources[i]);
	if (!view->source_count)
		printf(_("  SPF    not examined: no public address is known from which its mail comes\n"));
	if (dmarc_aligned(span_of(view->mail_from), span_of(view->domain), view->policy.dmarc.strict_spf))
		printf(_("         MAIL FROM is of %s: aligned with From\n"), view->mail_from);
	else
		printf(_("         MAIL FROM is of %s: not aligned with From\n"), view->mail_from);
}

static void print_signature(const struct dkim_view *view)
{
	if (!view->dkim)
		printf(_("  DKIM   no block dkim signs its mail\n"));
	else if (dmarc_aligned(span_of(view->dkim->name), span_of(view->domain), view->policy.dmarc.strict_dkim))
		printf(_("  DKIM   signed as %s, aligned with From\n"), view->dkim->name);
	else
		printf(_("  DKIM   signed as %s, not aligned with From (adkim=s)\n"), view->dkim->name);
}

static const char *policy_word(enum dmarc_policy policy)
{
	static const char *const words[] = {"none", "quarantine", "reject"};
	return words[policy];
}

static void print_policy(const struct dkim_view *view)
{
	const struct senders_policy *policy = &view->policy;
	if (!policy->answered)
		printf(_("  DMARC  DNS gives no answer\n"));
	else if (!policy->count)
		printf(_("  DMARC  no record\n"));
	else if (!policy->valid)
		printf(_("  DMARC  receivers ignore %s\n"), policy->name);
	else
		printf("  DMARC  %s=%s aspf=%s adkim=%s (%s)\n", policy->above ? "sp" : "p",
		       policy_word(senders_policy_wanted(policy)), policy->dmarc.strict_spf ? "s" : "r",
		       policy->dmarc.strict_dkim ? "s" : "r", policy->name);
}

static const char *result_text(const struct dkim_view *view)
{
	if (view->passes_spf && view->passes_dkim)
		return _("  Its mail passes DMARC by SPF and by DKIM.\n");
	if (view->passes_dkim)
		return _("  Its mail passes DMARC by DKIM where it is signed.\n");
	if (view->passes_spf)
		return _("  Its mail passes DMARC by SPF alone, which a forwarder breaks.\n");
	return _("  Its mail does not pass DMARC, unless another host signs it.\n");
}

void dkim_view_print(struct doctor *d, const struct dkim_view *view)
{
	printf(_("%s, virtual server %s\n"), view->domain, view->server->name);
	for (size_t i = 0; i < view->key_count; i++)
		print_key(d, &view->keys[i]);
	if (view->dkim)
		print_ways(view);
	print_spf(d, view);
	print_signature(view);
	print_policy(view);
	fputs(result_text(view), stdout);
}

/* -- for a program */

static void text_member(struct json *json, const char *key, const char *value)
{
	json_key(json, key);
	if (value)
		json_string(json, span_of(value));
	else
		json_null(json);
}

static void bool_member(struct json *json, const char *key, bool value)
{
	json_key(json, key);
	json_bool(json, value);
}

static void key_json(struct json *json, const struct dkim_view_key *key)
{
	json_object(json);
	text_member(json, "selector", key->selector);
	text_member(json, "file", key->file);
	bool_member(json, "configured", key->configured);
	text_member(json, "unreadable", key->readable ? NULL : key->why);
	text_member(json, "type", !key->readable ? NULL : key->ours.ed25519 ? "ed25519" : "rsa");
	json_key(json, "bits");
	if (key->readable && !key->ours.ed25519)
		json_number(json, key->ours.bits);
	else
		json_null(json);
	text_member(json, "name", key->seen.name);
	text_member(json, "state", selectors_word(key->seen.state));
	json_key(json, "records");
	json_number(json, (int64_t)key->seen.count);
	bool_member(json, "testing", key->seen.record.testing);
	bool_member(json, "wildcard", key->seen.wildcard);
	text_member(json, "why", key->seen.why[0] ? key->seen.why : NULL);
	json_end_object(json);
}

static void spf_json(struct json *json, const struct dkim_view *view, const struct dkim_view_source *source)
{
	char address[IPADDR_TEXT_MAX];
	ipaddr_format(&source->source.ip, address);
	json_object(json);
	text_member(json, "address", address);
	text_member(json, "smart_host", source->source.host);
	text_member(json, "mail_from", view->mail_from);
	text_member(json, "result", spf_word(source->verdict.result));
	text_member(json, "term", source->verdict.term[0] ? source->verdict.term : NULL);
	text_member(json, "why", source->verdict.why[0] ? source->verdict.why : NULL);
	json_end_object(json);
}

static void dmarc_json(struct json *json, const struct senders_policy *policy)
{
	json_key(json, "dmarc");
	if (!policy->valid) {
		json_null(json);
		return;
	}
	json_object(json);
	text_member(json, "name", policy->name);
	text_member(json, "policy", policy_word(senders_policy_wanted(policy)));
	bool_member(json, "strict_spf", policy->dmarc.strict_spf);
	bool_member(json, "strict_dkim", policy->dmarc.strict_dkim);
	json_end_object(json);
}

void dkim_view_json(struct json *json, const struct dkim_view *view)
{
	json_object(json);
	text_member(json, "domain", view->domain);
	text_member(json, "server", view->server->name);
	text_member(json, "signed_as", view->dkim ? view->dkim->name : NULL);
	json_key(json, "keys");
	json_array(json);
	for (size_t i = 0; i < view->key_count; i++)
		key_json(json, &view->keys[i]);
	json_end_array(json);
	json_key(json, "spf");
	json_array(json);
	for (size_t i = 0; i < view->source_count; i++)
		spf_json(json, view, &view->sources[i]);
	json_end_array(json);
	dmarc_json(json, &view->policy);
	bool_member(json, "passes_by_spf", view->passes_spf);
	bool_member(json, "passes_by_dkim", view->passes_dkim);
	json_end_object(json);
}
