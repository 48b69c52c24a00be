/* The tab General: listeners, names, and what EHLO announces. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/language.h"
#include "common/mail/address.h"
#include "ctl/import/take.h"
#include "ctl/import/value.h"

enum { PORT_MAX = 65535 };

/* "192.0.2.1:25:host", ":25:" or "[2001:db8::1]:25:". */
struct binding {
	struct span ip; /* empty = all unassigned */
	uint64_t port;
	struct span host;
};

static bool parse_binding(struct span text, uint64_t standard, struct binding *out)
{
	struct ipaddr ip;
	if (span_starts(text, SPAN("["))) {
		text = span_skip(text, 1);
		out->ip = span_take(&text, ']');
		text = span_skip(text, 1);
	} else {
		out->ip = span_take(&text, ':');
	}
	struct span port = span_take(&text, ':');
	out->host = text;
	out->port = standard;
	if (port.len && (!span_to_u64(port, PORT_MAX, &out->port) || !out->port))
		return false;
	return !out->ip.len || span_equal(out->ip, SPAN("*")) || ipaddr_parse(out->ip, &ip);
}

static const char *endpoint(struct take *t, const struct binding *b)
{
	bool v6 = span_find(b->ip, ':') < b->ip.len;
	if (!b->ip.len || span_equal(b->ip, SPAN("*")))
		return plan_text(&t->plan, "*:%u", (unsigned)b->port);
	return plan_text(&t->plan, v6 ? "[%.*s]:%u" : "%.*s:%u", SPAN_ARGS(b->ip), (unsigned)b->port);
}

static bool take_binding(struct take *t, struct metabase_property *p, struct span text, bool tls)
{
	struct binding b;
	const char *remark = NULL;
	if (!parse_binding(text, tls ? 465 : 25, &b)) {
		take_say(t, p, REPORT_DOUBT, N_("%.*s is no address and port; this listener was not taken"),
			 SPAN_ARGS(text));
		return false;
	}
	const char *where = endpoint(t, &b);
	if (b.host.len)
		remark = N_("the name of a host has no effect in SMTP");
	if (tls) {
		take_off(t, t->server, p, N_("needs a certificate: see access"), "listen %s tls", where);
		return false;
	}
	if (!take_claim(t, 'e', where, false)) {
		take_off(t, t->server, p, N_("another virtual server listens here"), "listen %s", where);
		return false;
	}
	take_line(t, t->server, p, b.host.len ? REPORT_CHANGED : REPORT_TAKEN, remark, "listen %s", where);
	return true;
}

static unsigned take_bindings(struct take *t, struct metabase_property *p, bool tls)
{
	struct span rest = span_of(p ? p->value : ""), entry;
	unsigned taken = 0;
	while (value_entry(&rest, ",", &entry))
		taken += take_binding(t, p, entry, tls);
	if (p && !p->told)
		take_say(t, p, REPORT_NOT, "empty");
	return taken;
}

/* STOPPED: it has no address and port of its own. */
static void take_enabled(struct take *t, bool stopped)
{
	struct metabase_property *p;
	bool on = true, has = take_flag(t, IIS_ServerAutoStart, &p, &on);
	if (has)
		take_line(t, t->server, p, stopped && on ? REPORT_CHANGED : REPORT_TAKEN,
			  stopped && on ? N_("its address and port are taken") : NULL, "enabled %s",
			  on && !stopped ? "yes" : "no");
	else if (stopped)
		take_extra(t, t->server, N_("its address and port are taken"), "enabled no");
	if (stopped && on)
		report_todo(
			&t->report,
			_("Virtual server %s has no address and port of its own, so Windows could not run it beside the others. It is disabled: give it an address or port in listen, and write enabled yes."),
			t->name);
}

void take_listen(struct take *t)
{
	struct metabase_property *p = take_find(t, IIS_ServerBindings);
	struct metabase_property *secure = take_find(t, IIS_SecureBindings);
	unsigned taken = take_bindings(t, p, false);
	bool standard = !p || !p->value[0];
	take_bindings(t, secure, true);
	if (secure && secure->value[0])
		report_todo(
			&t->report,
			_("Give virtual server %s a certificate (tls_certificate in access), then remove the # in front of listen ... tls."),
			t->name);
	take_enabled(t, !taken && !(standard && take_claim(t, 'e', "*:25", false)));
}

static const char *take_name(struct take *t, enum iis_property which, const char *setting)
{
	struct metabase_property *p = take_find(t, which);
	const char *why;
	if (!p)
		return NULL;
	struct span text = span_trim(span_of(p->value));
	const char *name = take_domain_name(t, text, false, &why);
	if (!text.len)
		take_say(t, p, REPORT_NOT, N_("empty; the default of %s holds"), setting);
	else if (!name)
		take_say(t, p, REPORT_DOUBT, N_("not taken: %s"), _(why));
	else
		take_line(t, t->server, p, REPORT_TAKEN, NULL, "%s %s", setting, name);
	return name;
}

static void take_postmaster(struct take *t)
{
	struct metabase_property *email = take_find(t, IIS_PostmasterEmail), *name = take_find(t, IIS_PostmasterName);
	struct metabase_property *p = email && email->value[0] ? email : name;
	struct address address;
	const char *why = N_("it is no address");
	if (email && email != p)
		take_say(t, email, REPORT_NOT, "empty");
	if (name && name != p)
		take_say(t, name, REPORT_NOT, N_("PostmasterEmail takes precedence"));
	if (!p)
		return;
	struct span text = span_trim(span_of(p->value));
	if (!text.len) {
		take_say(t, p, REPORT_NOT, N_("empty; the default of postmaster holds"));
		return;
	}
	if (span_find(text, '@') == text.len && t->default_domain)
		text = span_of(plan_text(&t->plan, "%.*s@%s", SPAN_ARGS(text), t->default_domain));
	const char *word = take_word(t, text);
	if (!word || !address_parse(text, &address, &why) || !address.domain.len ||
	    !take_domain_name(t, address.domain, false, &why))
		take_say(t, p, REPORT_DOUBT, N_("not taken: %s"), _(why));
	else
		take_line(t, t->server, p, REPORT_TAKEN, NULL, "postmaster %s", word);
}

static void take_masquerade(struct take *t)
{
	struct metabase_property *p = take_find(t, IIS_MasqueradeDomain), *toggle;
	bool on = true;
	const char *why;
	take_flag(t, IIS_DoMasquerade, &toggle, &on);
	if (p) {
		struct span text = span_trim(span_of(p->value));
		const char *name = text.len ? take_domain_name(t, text, false, &why) : NULL;
		if (!text.len)
			take_say(t, p, REPORT_NOT, "empty");
		else if (!name)
			take_say(t, p, REPORT_DOUBT, N_("not taken: %s"), _(why));
		else if (on)
			take_line(t, t->server, p, REPORT_TAKEN, NULL, "masquerade_domain %s", name);
		else
			take_off(t, t->server, p, N_("DoMasquerade is FALSE"), "masquerade_domain %s", name);
	}
	if (toggle && !toggle->told)
		take_say(t, toggle, REPORT_TAKEN, N_("see masquerade_domain"));
}

/* Whether the domain NAME has a key that leads its mail to other hosts. */
static bool is_routed(const struct take *t, const char *name)
{
	for (size_t i = 0; i < t->metabase->count; i++) {
		const struct metabase_key *key = t->metabase->keys[i];
		const struct metabase_property *p = iis_own(key, IIS_RouteAction);
		uint32_t bits;
		if (key->level == METABASE_DOMAIN && key->server == t->key->server && !strcasecmp(key->name, name) &&
		    p && value_number(p->value, &bits))
			return take_is_remote(bits);
	}
	return false;
}

/* Our default domain is always a local one. A default domain whose mail goes to other hosts can't be that. */
static const char *take_default_domain(struct take *t, const char *fqdn)
{
	struct metabase_property *p = take_find(t, IIS_DefaultDomain);
	const char *why;
	const char *name = p ? take_domain_name(t, span_trim(span_of(p->value)), false, &why) : NULL;
	if (!name || !is_routed(t, name))
		return take_name(t, IIS_DefaultDomain, "default_domain");
	if (!fqdn || strcmp(fqdn, name) == 0) {
		report_todo(
			&t->report,
			_("Mail for %s, the default domain of virtual server %s, went to other hosts. Here it is a local domain, whose mail is dropped: write another default_domain or fqdn, and a remote_domain %s with a route."),
			name, t->name, name);
		return take_name(t, IIS_DefaultDomain, "default_domain");
	}
	take_off(t, t->server, p, N_("mail for this domain goes to other hosts, so it can't be the default domain"),
		 "default_domain %s", name);
	report_todo(
		&t->report,
		_("Mail for %s, the default domain of virtual server %s, goes to other hosts. So the default domain, which is appended to addresses without a domain, is now %s."),
		name, t->name, fqdn);
	return NULL;
}

void take_names(struct take *t)
{
	const char *fqdn = take_name(t, IIS_FullyQualifiedDomainName, "fqdn");
	t->default_domain = take_default_domain(t, fqdn);
	if (!fqdn)
		report_todo(
			&t->report,
			_("Virtual server %s: write fqdn with the full name that other hosts shall see; otherwise it is the name of this machine."),
			t->name);
	if (!t->default_domain)
		t->default_domain = fqdn;
	take_postmaster(t);
	take_masquerade(t);
}

void take_without(struct take *t)
{
	static const struct {
		uint32_t bit;
		const char *word;
	} bits[] = {
		{1 << 6, " dsn"}, {1 << 12, " enhancedstatuscodes"}, {1 << 20, " chunking"}, {1 << 22, " 8bitmime"}};
	struct metabase_property *options, *pipeline;
	uint32_t value;
	bool pipelining = true;
	char words[100] = "";
	bool has = take_number(t, IIS_SmtpInboundCommandSupportOptions, &options, &value);
	take_flag(t, IIS_ShouldPipelineIn, &pipeline, &pipelining);
	for (size_t i = 0; has && i < sizeof(bits) / sizeof(bits[0]); i++)
		if (!(value & bits[i].bit))
			strncat(words, bits[i].word, sizeof(words) - strlen(words) - 1);
	if (words[0])
		take_line(t, t->server, options, REPORT_TAKEN, N_("extensions whose bit is not set"), "without%s",
			  words);
	else if (options && !options->told)
		take_say(t, options, REPORT_TAKEN, N_("all extensions are announced"));
	if (pipeline && !pipelining)
		take_line(t, t->server, pipeline, REPORT_TAKEN, NULL, "without pipelining");
	else if (pipeline && !pipeline->told)
		take_say(t, pipeline, REPORT_TAKEN, N_("pipelining is announced"));
}
