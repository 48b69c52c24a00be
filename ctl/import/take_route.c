/* The tab Delivery: the smart host, and outbound security of a virtual server or a domain. */
#include <string.h>

#include "common/base/language.h"
#include "ctl/import/take.h"
#include "ctl/import/value.h"

enum { HOSTS_MAX = 32, USERNAME_MAX = 255 };

/* "192.0.2.1", "[192.0.2.1]", "name" or "[name]" as ours; NULL: none of them. */
static const char *host_word(struct take *t, struct span text, bool brackets, bool *named)
{
	struct ipaddr ip;
	const char *why;
	bool enclosed = text.len > 2 && text.at[0] == '[' && text.at[text.len - 1] == ']';
	struct span inner = enclosed ? (struct span){text.at + 1, text.len - 2} : text;
	if (ipaddr_parse(inner, &ip))
		return plan_text(&t->plan, "[%.*s]", SPAN_ARGS(inner));
	const char *name = take_domain_name(t, inner, false, &why);
	*named |= name != NULL;
	return name && (enclosed || brackets) ? plan_text(&t->plan, "[%s]", name) : name;
}

const char *take_hosts(struct take *t, struct metabase_property *p, const char *text, bool brackets, bool *named)
{
	struct span rest = span_of(text), entry;
	const char *words = "";
	size_t n = 0;
	*named = false;
	while (value_entry(&rest, ";,", &entry)) {
		const char *word = n < HOSTS_MAX ? host_word(t, entry, brackets, named) : NULL;
		if (!word) {
			take_say(t, p, REPORT_DOUBT, N_("%.*s is no host, or one too many, and was left out"),
				 SPAN_ARGS(entry));
			continue;
		}
		words = plan_text(&t->plan, n++ ? "%s %s" : "%s%s", words, word);
	}
	return words;
}

static uint32_t route_action(const struct take *t)
{
	const struct metabase_property *p = take_find(t, IIS_RouteAction);
	uint32_t value = 0;
	return p && value_number(p->value, &value) ? value : 0;
}

bool take_wants_auth(const struct take *t)
{
	const struct metabase_property *user = take_find(t, IIS_RouteUserName);
	return user && user->value[0] && route_action(t) & (ROUTE_SASL | ROUTE_NTLM | ROUTE_BASIC | ROUTE_KERBEROS);
}

static bool is_true(struct take *t, enum iis_property which)
{
	struct metabase_property *p;
	bool yes = false;
	return take_flag(t, which, &p, &yes) && yes;
}

static void tell(struct take *t, enum iis_property which, const char *text)
{
	struct metabase_property *p = take_find(t, which);
	if (p && !p->told)
		take_say(t, p, REPORT_TAKEN, "%s", _(text));
}

/* The row of a password, which can't be read. */
static void tell_password(struct take *t, const char *text)
{
	struct metabase_property *p = take_find(t, IIS_RoutePassword);
	if (p)
		take_say(t, p, REPORT_NOT, "%s", _(text));
}

/* TLS of the block: the strongest that IIS asked for. */
static const char *tls_level(struct take *t, bool tls, bool auth, bool named)
{
	bool verified = is_true(t, IIS_SmtpSSLRequireTrustedCA) || is_true(t, IIS_SmtpSSLCertHostnameValidation);
	if (!tls)
		return NULL;
	return (verified || auth) && named ? "verify" : "encrypt";
}

static void write_auth(struct take *t, struct plan_node *in, const char *level, bool named, const char *file)
{
	struct metabase_property *user = take_find(t, IIS_RouteUserName);
	uint32_t action = route_action(t);
	struct span name = span_trim(span_of(user->value));
	const char *word = name.len && name.len <= USERNAME_MAX ? take_word(t, name) : NULL;
	bool windows = action & (ROUTE_NTLM | ROUTE_KERBEROS) && !(action & ROUTE_BASIC);
	take_extra(t, in,
		   windows ? "RouteAction: integrated authentication, in whose place there is login"
			   : "RouteAction: basic",
		   "auth login");
	take_line(t, in, user, word ? REPORT_TAKEN : REPORT_DOUBT,
		  word ? NULL : N_("it is no ASCII text: write the name"), "username %s", word ? word : "unknown");
	take_extra(t, in, "RoutePassword can't be read: type it anew into this file", "password_file %s", file);
	if (!level || strcmp(level, "verify") != 0)
		take_extra(t, in, "as in Windows: the host proves no identity; better is tls verify",
			   "auth_unverified yes");
	tell_password(t, plan_text(&t->plan, _("encrypted: type it anew into %s"), file));
	report_todo(
		&t->report,
		_("Password of %s for outgoing mail of virtual server %s: type it anew into %s, as its first line; owner root, mode 600."),
		user->value, t->name, file);
	if (!level)
		report_todo(
			&t->report,
			_("Virtual server %s sends this password without TLS if the host offers none. If the host has TLS and a certificate, write tls verify in place of auth_unverified yes."),
			t->name);
	else if (!named)
		report_todo(
			&t->report,
			_("Virtual server %s sends a password to a host that is known by its address only. Write the name of the host in place of the address, and tls verify in place of tls encrypt."),
			t->name);
	if (windows)
		report_todo(
			&t->report,
			_("Outgoing mail of virtual server %s was authenticated with a Windows account (NTLM or Kerberos). NTLM is not spoken: find out whether the host takes auth login, or gssapi."),
			t->name);
}

void take_outbound(struct take *t, struct plan_node *in, bool hosts, bool named, const char *file)
{
	const uint32_t action = route_action(t);
	const bool own = t->at == t->key;
	const bool auth = take_wants_auth(t) && hosts;
	const bool tls = action & ROUTE_TLS || is_true(t, IIS_AlwaysUseSsl);
	const char *level = tls_level(t, tls, auth, named);
	struct metabase_property *user = take_find(t, IIS_RouteUserName);
	if (level && (own || action & ROUTE_TLS))
		take_extra(t, in,
			   strcmp(level, "verify") == 0
				   ? N_("Windows required TLS, and checked the certificate only if it was told to")
				   : N_("Windows required TLS, and checked no certificate; better is verify"),
			   "tls %s", level);
	if (auth)
		write_auth(t, in, level, named, file);
	else if (user && !user->value[0]) {
		take_say(t, user, REPORT_NOT, "empty");
	} else if (user && !user->told) {
		take_say(t, user, REPORT_NOT,
			 hosts ? N_("outbound security is anonymous")
			       : N_("credentials are used only with hosts that are named"));
		tell_password(t, N_("not needed"));
	}
	if (action & ROUTE_HELO && !auth && !tls)
		take_extra(t, in, "RouteAction", "use_helo yes");
	tell(t, IIS_AlwaysUseSsl, N_("see tls in outbound"));
	tell(t, IIS_SmtpSSLRequireTrustedCA, N_("see tls in outbound"));
	tell(t, IIS_SmtpSSLCertHostnameValidation, N_("see tls in outbound"));
}

void take_smart_host(struct take *t)
{
	struct metabase_property *p = take_find(t, IIS_SmartHost), *type;
	uint32_t kind = 0;
	bool named = false, auth = take_wants_auth(t);
	take_number(t, IIS_SmartHostType, &type, &kind);
	const char *hosts = p ? take_hosts(t, p, p->value, auth, &named) : "";
	if (p && !hosts[0] && !p->told)
		take_say(t, p, REPORT_NOT, "empty");
	if (hosts[0] && kind) {
		take_line(t, t->server, p, REPORT_TAKEN,
			  auth && named ? N_("in brackets, because no password is sent to hosts that MX names") : NULL,
			  "smart_host %s", hosts);
		t->smart_host = true;
	} else if (hosts[0]) {
		take_off(t, t->server, p, N_("SmartHostType is 0, so Windows did not use it"), "smart_host %s", hosts);
	}
	if (type && t->smart_host && kind == 1)
		take_line(t, t->server, type, REPORT_TAKEN, N_("tried before the smart host"), "direct_first yes");
	else if (type && !type->told)
		take_say(t, type, REPORT_TAKEN,
			 t->smart_host ? N_("all mail goes to smart_host") : N_("no smart host"));
	t->smart_host_named = named;
	if (!t->smart_host)
		take_extra(t, t->server, "no SmartHost: mail goes to the hosts of each domain (MX)", "smart_host none");
}

void take_server_outbound(struct take *t)
{
	struct metabase_property *action = take_find(t, IIS_RouteAction);
	if (action)
		take_say(t, action, REPORT_TAKEN, N_("outbound security: see outbound"));
	take_outbound(t, plan_block(&t->plan, t->server, "outbound"), t->smart_host, t->smart_host_named,
		      plan_text(&t->plan, "/etc/mailroot/%s.password", t->name));
}
