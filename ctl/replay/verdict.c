#include "ctl/replay/verdict.h"

#include "common/base/language.h"
#include "smtpd/policy/explain.h"

/* The name of any account: the policy only asks whether there is one. */
static const char some_user[] = "a user";

/* One possible client. */
struct world {
	bool user, tls;
	enum outcome outcome;    /* unknowable: it depends on the name */
	struct policy_step step; /* the rule that decided it, or the list that wants the name */
	bool for_all;
};

static struct policy_step last_step(const struct policy_decision *decision)
{
	return decision->steps[decision->step_count - 1];
}

/* A list that wants the client's name decides by being asked, at the place where it is written. */
static struct policy_step wanting_step(const struct config_server *server, bool connect)
{
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

static void decide_world(const struct config_server *server, const struct facts *facts, struct span domain,
			 struct world *world)
{
	struct policy_client client = {.ip = facts->client, .tls = world->tls};
	struct explanation e;
	client.user = world->user ? some_user : NULL;
	explain_decide(server, &client, domain, &e);
	world->outcome = OUTCOME_REFUSED;
	world->for_all = is_for_all(&e.relay);
	if (!e.connect.accepted && !e.connect.wants_name) {
		world->step = last_step(&e.connect);
	} else if (!e.mail.accepted) {
		world->step = last_step(&e.mail);
	} else if (!e.relay.accepted && !e.relay.wants_name) {
		world->step = last_step(&e.relay);
	} else if (e.connect.wants_name || e.relay.wants_name) {
		world->outcome = OUTCOME_UNKNOWABLE;
		world->step = wanting_step(server, e.connect.wants_name);
	} else {
		world->outcome = OUTCOME_ACCEPTED;
		world->step = last_step(&e.relay);
	}
}

/* With the fact the client is accepted, or may be: the rule is the one about the fact. */
static void differ(const struct world *with, const struct world *without, enum depends depends, struct verdict *out)
{
	bool by_mail = without->outcome == OUTCOME_REFUSED && without->step.rule < POLICY_DEFAULT_DOMAIN;
	out->outcome = OUTCOME_UNKNOWABLE;
	out->depends = depends;
	out->step = by_mail ? without->step : with->step;
}

void verdict_decide(const struct config_server *server, const struct facts *facts, struct span domain,
		    struct verdict *out)
{
	const struct config_access *access = &server->access;
	bool may_log_in = facts->authenticated && access->auth;
	bool has_tls = access->tls_certificate.n > 0;
	struct world likely = {.user = may_log_in, .tls = has_tls && facts->tls}, other;
	decide_world(server, facts, domain, &likely);
	*out = (struct verdict){.outcome = likely.outcome, .step = likely.step, .for_all = likely.for_all};
	if (may_log_in) {
		other = (struct world){.user = false, .tls = likely.tls};
		decide_world(server, facts, domain, &other);
		if (other.outcome != likely.outcome) {
			differ(&likely, &other, DEPENDS_USER, out);
			return;
		}
	}
	if (has_tls && !facts->tls) {
		other = (struct world){.user = likely.user, .tls = true};
		decide_world(server, facts, domain, &other);
		if (other.outcome != likely.outcome) {
			differ(&other, &likely, DEPENDS_TLS, out);
			return;
		}
	}
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

void verdict_format(const struct config_server *server, const struct verdict *verdict, struct str *to)
{
	if (verdict->fault) {
		str_printf(to, _("501 5.1.3 Invalid address: %s"), _(verdict->fault));
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
