#include "smtpd/session/session.h"

#include "common/base/clock.h"
#include "smtpd/session/filtering.h"

static const struct span nothing = {NULL, 0};

bool session_admits(struct session *s)
{
	struct policy_decision decision;
	policy_connect_decide(s->config, &s->client, &decision);
	if (decision.wants_name) {
		session_learn_name(s);
		policy_connect_decide(s->config, &s->client, &decision);
	}
	if (decision.accepted)
		return true;
	s->line = SPAN("(connects)");
	session_reply(s, REPLY_MAY_NOT_CONNECT, span_of(s->client_text), nothing);
	s->line = nothing;
	session_close(s);
	return false;
}

/* Whether the filters let the client in, and the name that XCLIENT gave for it. */
static bool filters_admit(struct session *s)
{
	enum reply_id refusal = filtering_connect(s);
	if (refusal == REPLY_NONE && s->helo[0])
		refusal = filtering_hello(s);
	if (refusal == REPLY_NONE)
		return true;
	s->line = SPAN("(connects)");
	session_reply(s, refusal, span_of(refusal == REPLY_FILTER_NO_CLIENT ? s->client_text : s->config->fqdn),
		      nothing);
	s->line = nothing;
	session_close(s);
	return false;
}

void session_greet(struct session *s)
{
	char date[CLOCK_TEXT_MAX];
	if (!filters_admit(s))
		return;
	if (s->state == SESSION_XCLIENT)
		s->state = s->helo[0] ? SESSION_READY : SESSION_START;
	const struct store *store = s->tx.store;
	clock_rfc5322(store->wall_ms(store->context), date);
	if (s->config->banner && s->config->banner[0])
		session_reply(s, REPLY_BANNER_OWN, span_of(s->config->fqdn), span_of(s->config->banner));
	else
		session_reply(s, REPLY_BANNER, span_of(s->config->fqdn), span_of(date));
}
