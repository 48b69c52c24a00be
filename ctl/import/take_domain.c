/* Domains: local ones, aliases, and remote ones with their routes. */
#include <string.h>

#include "common/accounts/accounts.h"
#include "common/base/language.h"
#include "ctl/import/take.h"
#include "ctl/import/value.h"

enum { ACCOUNTS_MAX = 64, ETRN_DAYS_MAX = 365, LOCAL_KINDS = ROUTE_DROP | ROUTE_DELIVER | ROUTE_DEFAULT };

bool take_is_remote(uint32_t bits)
{
	return bits & (ROUTE_SMART_HOST | ROUTE_RELAY) && !(bits & (LOCAL_KINDS | ROUTE_ALIAS));
}

/* The property of the domain in hand itself. */
static struct metabase_property *own(const struct take *t, enum iis_property which)
{
	return iis_own(t->at, which);
}

static void say(struct take *t, struct metabase_property *p, enum report_outcome outcome, const char *text)
{
	if (p && !p->told)
		take_say(t, p, outcome, "%s", _(text));
}

/* A whole top-level domain, or all domains, from any client: an open relay. */
static bool is_wide(const char *pattern)
{
	return pattern[0] == '*' && (!pattern[1] || !strchr(pattern + 2, '.'));
}

static void take_local(struct take *t, const char *name, struct metabase_property *action)
{
	struct plan_node *block = plan_block(&t->plan, t->server, plan_text(&t->plan, "local_domain %s", name));
	struct metabase_property *folder = own(t, IIS_RouteActionString);
	bool apart = folder && folder->value[0];
	block->comment = plan_text(&t->plan, "%s", t->at->location);
	if (!apart)
		folder = take_find(t, IIS_DropDirectory);
	const char *path = folder ? take_path(t, folder, "drop in the folder of the virtual server") : NULL;
	if (path && take_claim(t, 'f', path, true))
		take_line(t, block, folder, REPORT_TAKEN, NULL, "drop_dir %s", take_word(t, span_of(path)));
	else if (path)
		take_off(t, block, folder, N_("another virtual server has this folder, or it is not for mail"),
			 "drop_dir %s", take_word(t, span_of(path)));
	say(t, action, REPORT_TAKEN, N_("a local domain"));
}

static void take_alias(struct take *t, const char *name, struct metabase_property *action)
{
	take_line(t, t->server, action, REPORT_TAKEN, "alias", "alias_domain %s", name);
}

static void take_domain_relay(struct take *t, struct plan_node *block, const char *name, uint32_t bits,
			      struct metabase_property *action)
{
	struct metabase_property *list = own(t, IIS_RelayIpList), *auth = own(t, IIS_RelayForAuth);
	if (bits & ROUTE_RELAY && (is_wide(name) || t->choices->strict)) {
		take_off(t, block, action, N_("this would make an open relay"), "relay yes");
		report_todo(
			&t->report,
			_("Virtual server %s relayed mail for %s from every client, which makes an open relay. It was not taken: name the domains that are meant."),
			t->name, name);
	} else if (bits & ROUTE_RELAY) {
		take_line(t, block, action, REPORT_TAKEN, N_("incoming mail is relayed to this domain"), "relay yes");
	}
	if (list || bits & (ROUTE_IP_RELAY | ROUTE_AUTH_RELAY))
		report_todo(
			&t->report,
			_("Domain %s of virtual server %s had relay restrictions of its own. There are none for a single domain here; those of the virtual server hold."),
			name, t->name);
	say(t, list, REPORT_DOUBT, N_("a domain has no relay list of its own; that of the virtual server holds"));
	say(t, auth, REPORT_DOUBT, N_("a domain has no relay rule of its own; that of the virtual server holds"));
}

static void take_etrn_days(struct take *t, struct plan_node *block)
{
	struct metabase_property *p;
	uint32_t days;
	if (!take_number(t, IIS_EtrnDays, &p, &days))
		return;
	if (days && days <= ETRN_DAYS_MAX)
		take_line(t, block, p, REPORT_TAKEN, NULL, "expire %ud", days);
	else if (!p->told)
		take_say(t, p, REPORT_DOUBT, N_("not taken: expire takes 1 to %d days"), ETRN_DAYS_MAX);
}

static void take_etrn(struct take *t, struct plan_node *block, uint32_t bits, struct metabase_property *action)
{
	struct metabase_property *list = own(t, IIS_AuthTurnList);
	struct span rest = span_of(list ? list->value : ""), account;
	const char *names = "";
	size_t n_names = 0;
	if (!(bits & ROUTE_ETRN) && !rest.len) {
		say(t, list, REPORT_NOT, N_("empty"));
		return;
	}
	if (bits & ROUTE_ETRN)
		take_line(t, block, action, REPORT_TAKEN, N_("queued for remote triggered delivery"), "etrn yes");
	else
		take_extra(t, block, "AuthTurnList", "etrn yes");
	take_etrn_days(t, block);
	while (value_entry(&rest, ",;", &account)) {
		struct span user = account;
		struct span domain = span_take(&user, '\\');
		user = user.len ? user : domain;
		const char *word = account_name_valid(user) && n_names < ACCOUNTS_MAX ? take_word(t, user) : NULL;
		if (!word) {
			take_say(t, list, REPORT_DOUBT,
				 N_("%.*s can't be an account, or is one too many, and was left out"),
				 SPAN_ARGS(account));
			continue;
		}
		names = plan_text(&t->plan, n_names++ ? "%s %s" : "%s%s", names, word);
	}
	if (names[0] && t->auth)
		take_line(t, block, list, REPORT_TAKEN, N_("accounts of mailrootctl user"), "atrn_accounts %s", names);
	else if (names[0])
		take_off(t, block, list, N_("needs access auth, so that a client can authenticate"), "atrn_accounts %s",
			 names);
}

/* A connector that asks its host for mail can't be made without a person: the thing to do has a draft of it. */
static void tell_asking(struct take *t, const char *name, const char *hosts)
{
	struct metabase_property *p = own(t, IIS_CSideEtrnDomains);
	struct span rest = span_of(p ? p->value : ""), entry;
	const char *domains = "", *why;
	while (value_entry(&rest, ",;", &entry)) {
		const char *domain = take_domain_name(t, entry, false, &why);
		if (domain)
			domains = plan_text(&t->plan, "%s %s", domains, domain);
	}
	if (domains[0]) {
		take_say(t, p, REPORT_NOT,
			 N_("asking a host for mail needs a connector with etrn_request and a period"));
		report_todo(
			&t->report,
			_("Virtual server %s asked the host of %s with ETRN for its mail. Write a connector: connector NAME { address_space %s; route %s; etrn_request%s every 15m }"),
			t->name, name, name, hosts[0] ? hosts : "[HOST]", domains);
	}
	say(t, p, REPORT_NOT, N_("empty"));
}

/* The word for domain NAME in the name of a file: the domains below one have a file of their own. */
static const char *file_word(struct take *t, const char *name)
{
	if (name[0] != '*')
		return name;
	return name[1] ? plan_text(&t->plan, "below-%s", name + 2) : "all";
}

static void take_remote(struct take *t, const char *name, uint32_t bits, struct metabase_property *action)
{
	struct plan_node *block = plan_block(&t->plan, t->server, plan_text(&t->plan, "remote_domain %s", name));
	struct plan_node *outbound;
	struct metabase_property *to = own(t, IIS_RouteActionString);
	bool named = false;
	const char *hosts = "";
	block->comment = plan_text(&t->plan, "%s", t->at->location);
	take_domain_relay(t, block, name, bits, action);
	if (bits & ROUTE_SMART_HOST && to)
		hosts = take_hosts(t, to, to->value, take_wants_auth(t), &named);
	if (hosts[0])
		take_line(t, block, to, REPORT_TAKEN, NULL, "route %s", hosts);
	else if (t->smart_host && !(bits & ROUTE_SMART_HOST))
		take_extra(t, block, "the route of this domain is DNS, not the smart host", "route dns");
	say(t, to, REPORT_NOT, N_("no route"));
	take_etrn(t, block, bits, action);
	tell_asking(t, name, hosts);
	outbound = plan_block(&t->plan, block, "outbound");
	take_outbound(t, outbound, hosts[0] != '\0', named,
		      plan_text(&t->plan, "/etc/mailroot/%s-%s.password", t->name, file_word(t, name)));
	if (bits & ~(uint32_t)ROUTE_KNOWN)
		take_say(t, action, REPORT_NOT, N_("bits 0x%x have no counterpart"), bits & ~(uint32_t)ROUTE_KNOWN);
	say(t, action, REPORT_TAKEN, N_("a remote domain"));
	if (!plan_is_set(block))
		take_extra(t, block, "no rule of its own", "relay no");
}

static void take_one(struct take *t)
{
	struct metabase_property *action = own(t, IIS_RouteAction);
	const char *why = "", *name = take_domain_name(t, span_of(t->at->name), true, &why);
	uint32_t bits = 0;
	bool good = !action || value_number(action->value, &bits);
	if (!name || !good) {
		say(t, action, REPORT_DOUBT,
		    good ? N_("no domain: its name can't be read") : N_("no domain: it is no number"));
		report_todo(&t->report, _("Domain \"%s\" of virtual server %s was left out: %s."), t->at->name, t->name,
			    name ? _("its RouteAction is no number") : why);
		return;
	}
	bool standard = t->default_domain && strcmp(name, t->default_domain) == 0;
	t->default_has_key |= standard;
	bool local = standard || (bits & LOCAL_KINDS && !(bits & ROUTE_ALIAS));
	if (!take_claim(t, 'm', plan_text(&t->plan, "%u %s", t->key->server, name), false)) {
		say(t, action, REPORT_DOUBT, N_("another domain has the same name"));
		return;
	}
	if (name[0] == '*' && (local || bits & ROUTE_ALIAS)) {
		say(t, action, REPORT_DOUBT, N_("a local domain or an alias has one name, not a pattern"));
		return;
	}
	if (local)
		take_local(t, name, action);
	else if (bits & ROUTE_ALIAS)
		take_alias(t, name, action);
	else
		take_remote(t, name, bits, action);
}

/* The drop folder of the default domain, if the metabase has no key of it. */
static void take_default(struct take *t)
{
	struct metabase_property *folder = take_find(t, IIS_DropDirectory);
	if (!folder || t->default_has_key)
		return;
	const char *path = take_path(t, folder, "drop in the folder of the virtual server");
	if (!path)
		return;
	if (!t->default_domain && !folder->told)
		take_say(t, folder, REPORT_DOUBT, N_("not taken, because the name of the default domain is unknown"));
	else if (t->default_domain && !take_claim(t, 'f', path, true))
		take_say(t, folder, REPORT_DOUBT, N_("not taken: another virtual server has this folder"));
	else if (t->default_domain)
		take_line(t, plan_block(&t->plan, t->server, plan_text(&t->plan, "local_domain %s", t->default_domain)),
			  folder, REPORT_TAKEN, NULL, "drop_dir %s", take_word(t, span_of(path)));
}

void take_domains(struct take *t)
{
	for (size_t i = 0; i < t->metabase->count; i++) {
		const struct metabase_key *key = t->metabase->keys[i];
		if (key->server != t->key->server)
			continue;
		t->at = key;
		if (key->level == METABASE_DOMAIN)
			take_one(t);
		else if (key->level == METABASE_SOURCE && key->count)
			report_todo(
				&t->report,
				_("Virtual server %s looked up recipients in a directory (LDAP routing). This was not taken."),
				t->name);
	}
	t->at = t->key;
	take_default(t);
	say(t, take_find(t, IIS_EtrnDays), REPORT_NOT, N_("no domain waits for ETRN"));
}
