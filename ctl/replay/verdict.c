#include "ctl/replay/verdict.h"

#include "common/base/language.h"
#include "smtpd/policy/explain.h"

/* The name of any account: no client rule names it. */
static const char some_user[] = "a user";

/* One possible client. */
struct world {
	const char *user; /* NULL = it does not authenticate */
	bool tls;
	enum outcome outcome;    /* unknowable: it depends on the name */
	struct policy_step step; /* the rule that decided it, or the list that wants the name */
	bool for_all;
};

static struct policy_step last_step(const struct policy_decision *decision)
{
	return decision->steps[decision->step_count - 1];
}

/* A list that wants the client's name decides by being asked, at the place where it is written. */
static struct policy_step wanting_step(const struct config_server *server, const struct explanation *e)
{
	bool connect = e->connect.wants_name;
	if (!connect && e->mail.wants_name)
		return last_step(&e->mail);
	const struct config_clients *list = connect ? &server->connect.list : &server->relay.list;
	const struct config_origin *origin = connect ? &server->connect.list_at : &server->relay.list_at;
	for (size_t i = 0; i < list->n; i++)
		if (list->at[i].name)
			origin = &list->at[i].origin;
	return (struct policy_step){.rule = connect ? POLICY_CONNECT_LISTED : POLICY_RELAY_LISTED, .origin = origin};
}

/* By the rules up to the last one that is not about the client. */
static bool is_for_all(const struct policy_decision *relay)
{
	return relay->accepted && last_step(relay).rule < POLICY_AUTHENTICATED;
}

static void decide_world(const struct config_server *server, const struct facts *facts, const struct address *rcpt,
			 struct world *world)
{
	struct policy_client client = {.ip = facts->client, .user = world->user, .tls = world->tls};
	const struct policy_mail mail = {.sender = facts->sender};
	struct explanation e;
	explain_decide(server, &client, &mail, rcpt, &e);
	const struct policy_decision *decisions[EXPLAIN_DECISIONS] = {&e.connect, &e.mail, &e.relay, &e.rcpt};
	bool wants_name = false;
	world->outcome = OUTCOME_ACCEPTED;
	world->for_all = is_for_all(&e.relay);
	for (size_t i = 0; i < EXPLAIN_DECISIONS; i++) {
		wants_name |= decisions[i]->wants_name;
		if (decisions[i]->accepted || decisions[i]->wants_name)
			continue;
		world->outcome = OUTCOME_REFUSED;
		world->step = last_step(decisions[i]);
		return;
	}
	if (!wants_name) {
		world->step = last_step(&e.relay);
		return;
	}
	world->outcome = OUTCOME_UNKNOWABLE;
	world->step = wanting_step(server, &e);
}

static bool is_of_client_rule(const struct policy_step *step)
{
	return (step->rule >= POLICY_CLIENT_RULE && step->rule <= POLICY_CLIENT_SIZE) ||
	       step->rule == POLICY_CLIENT_RECIPIENT;
}

/* The rule is the one about the fact: what refuses without it, else what decides with it. */
static void differ(const struct world *with, const struct world *without, enum depends depends, struct verdict *out)
{
	bool by_mail = without->outcome == OUTCOME_REFUSED &&
		       (without->step.rule < POLICY_DEFAULT_DOMAIN || is_of_client_rule(&without->step));
	out->outcome = OUTCOME_UNKNOWABLE;
	out->depends = depends;
	out->step = by_mail ? without->step : with->step;
}

/* Whether a client with USER and TLS has another verdict than the likely one; then *out is set. */
static bool is_other(const struct config_server *server, const struct facts *facts, const struct address *rcpt,
		     const struct world *likely, const char *user, bool tls, struct verdict *out)
{
	struct world other = {.user = user, .tls = tls};
	decide_world(server, facts, rcpt, &other);
	if (other.outcome == likely->outcome)
		return false;
	if (user != likely->user)
		differ(likely, &other, DEPENDS_USER, out);
	else
		differ(&other, likely, DEPENDS_TLS, out);
	return true;
}

/* The same for each user that the client may be. One user of each client rule stands for all of them. */
static bool depends_on_client(const struct config_server *server, const struct facts *facts, const struct address *rcpt,
			      const struct world *likely, bool tls, struct verdict *out)
{
	bool users = likely->user != NULL;
	if ((users && is_other(server, facts, rcpt, likely, NULL, tls, out)) ||
	    (tls != likely->tls && is_other(server, facts, rcpt, likely, likely->user, tls, out)))
		return true;
	for (size_t i = 0; users && i < server->client_rule_count; i++) {
		const struct config_words *named = &server->client_rules[i].users;
		if (named->n && is_other(server, facts, rcpt, likely, named->at[0], tls, out))
			return true;
	}
	return false;
}

void verdict_decide(const struct config_server *server, const struct facts *facts, const struct address *rcpt,
		    struct verdict *out)
{
	bool may_log_in = facts->authenticated && server->access.auth;
	bool has_tls = server->access.tls_certificate.n > 0;
	struct world likely = {.user = may_log_in ? some_user : NULL, .tls = has_tls && facts->tls};
	decide_world(server, facts, rcpt, &likely);
	*out = (struct verdict){.outcome = likely.outcome, .step = likely.step, .for_all = likely.for_all};
	if (depends_on_client(server, facts, rcpt, &likely, likely.tls, out) ||
	    (has_tls && !facts->tls && depends_on_client(server, facts, rcpt, &likely, true, out)))
		return;
	out->depends = out->outcome == OUTCOME_UNKNOWABLE ? DEPENDS_NAME : DEPENDS_NOTHING;
}

const char *verdict_word(enum outcome outcome)
{
	static const char *const words[] = {"accepted", "refused", "unknowable"};
	return words[outcome];
}

void verdict_invalid(const char *fault, struct verdict *out)
{
	*out = (struct verdict){.outcome = OUTCOME_REFUSED, .fault = fault};
}

static void format_rule(const struct verdict *verdict, struct str *to)
{
	const char *rule = verdict->step.text;
	if (verdict->depends == DEPENDS_NAME)
		str_printf(to, _("client_rule %s has names in list, and the log has no names of clients"), rule);
	else if (verdict->depends == DEPENDS_USER)
		str_printf(
			to,
			_("the user decides whether client_rule %s holds, and the log does not say which user it will be here"),
			rule);
	else
		str_printf(to,
			   _("client_rule %s has require tls, and the log does not say whether the client can use TLS"),
			   rule);
}

void verdict_format(const struct config_server *server, const struct verdict *verdict, struct str *to)
{
	if (verdict->fault) {
		str_printf(to, _("501 5.1.3 Invalid address: %s"), _(verdict->fault));
		return;
	}
	if (verdict->depends != DEPENDS_NOTHING && is_of_client_rule(&verdict->step)) {
		format_rule(verdict, to);
		return;
	}
	switch (verdict->depends) {
	case DEPENDS_NAME:
		str_append_text(to, verdict->step.rule == POLICY_CONNECT_LISTED
					    ? _("connect list has names, and the log has no names of clients")
					    : _("relay list has names, and the log has no names of clients"));
		break;
	case DEPENDS_USER:
		str_append_text(
			to,
			verdict->step.rule == POLICY_NOT_ANONYMOUS
				? _("access anonymous is no; the client authenticated before, and must do so here")
				: _("relay authenticated is yes; the client authenticated before, and may relay if it does so here"));
		break;
	case DEPENDS_TLS:
		str_append_text(
			to, _("access tls_required is yes, and the log does not say whether the client can use TLS"));
		break;
	default:
		policy_step_format(server, &verdict->step, to);
	}
}
