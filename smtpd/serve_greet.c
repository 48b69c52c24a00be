#include <errno.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "smtpd/serve_connection.h"
#include "smtpd/session/listed.h"

enum { STRESS_LOOK_MS = 1000 /* how often a pause looks whether workers are scarce */ };

static bool may_pause(struct connection *c, bool *wants_name)
{
	const struct serve_services *services = c->services;
	return c->session.config->connect.greet_pause && !c->tls->first && services->pause &&
	       !stream_hurried(&c->stream) && listed_stranger(&c->session, wants_name) &&
	       services->pause(services->context);
}

/* The next line may hold a password: the log shows the first one alone, whatever ends it. */
static struct span first_line(struct span octets)
{
	octets.len = span_find(octets, '\n');
	octets.len = span_find(octets, '\r');
	return octets;
}

/*
 * The client talked before it was spoken to, or left, or the service stops. An order to stop that came before the pause
 * has shut no socket, so nothing would end a wait for input.
 */
static void pause_ended(struct connection *c)
{
	struct span octets = {NULL, 0};
	enum stream_result result = STREAM_EOF;
	stream_deadline(&c->stream, 0);
	if (!c->stop->stop)
		result = stream_peek(&c->stream, &octets);
	if (result != STREAM_OK) {
		serve_input_ended(c, result);
		return;
	}
	if (serve_begins_tls(octets)) {
		serve_refuse_tls(c);
		return;
	}
	c->session.line = first_line(octets);
	session_say(&c->session, REPLY_TALKED_FIRST);
	c->session.line = (struct span){NULL, 0};
	session_close(&c->session);
	transcript_event(&c->transcript, &c->session, SPAN("CONNECT"));
}

/* Whether the client says nothing until UNTIL, or until workers are scarce. */
static bool stays_silent(const struct connection *c, int64_t until)
{
	int64_t now = clock_mono_ms();
	int err = -ETIMEDOUT;
	for (; err == -ETIMEDOUT && now < until && !stream_hurried(&c->stream); now = clock_mono_ms())
		err = fd_await(c->stream.fd, now + STRESS_LOOK_MS < until ? now + STRESS_LOOK_MS : until);
	return err == -ETIMEDOUT;
}

/*
 * Lets a stranger wait for the greeting. If the name of the client could make it no stranger, it is looked up
 * meanwhile.
 */
static void pause_greeting(struct connection *c)
{
	bool wants_name;
	int64_t until = clock_mono_ms() + c->session.config->connect.greet_pause;
	if (!may_pause(c, &wants_name))
		return;
	if (wants_name) {
		session_learn_name(&c->session);
		if (!listed_stranger(&c->session, &wants_name))
			return;
	}
	c->stop->waiting_fd = c->stream.fd;
	bool silent = !c->stop->stop && !stream_pending(&c->stream) && stays_silent(c, until);
	c->stop->waiting_fd = -1;
	if (!silent)
		pause_ended(c);
}

static bool admit(struct connection *c)
{
	if (session_admits(&c->session))
		return true;
	transcript_event(&c->transcript, &c->session, SPAN("CONNECT"));
	return false;
}

/* TLS ended at the load balancer. */
static void take_tls(struct connection *c, const struct proxy_tls *tls)
{
	if (!*tls->version)
		return;
	log_info("client=%s version=%s cipher=%s status=tls-at-proxy believed=%s", c->session.client_text, tls->version,
		 tls->cipher, c->session.config->proxy_tls ? "yes" : "no");
	if (c->session.config->proxy_tls)
		session_secured(&c->session,
				&(struct session_tls){.on = true, .version = tls->version, .cipher = tls->cipher});
}

/* The client may speak SMTP now. */
static void welcome(struct connection *c)
{
	listed_begin(&c->session);
	pause_greeting(c);
	if (session_wants(&c->session) == SESSION_WANTS_CLOSE)
		return;
	session_greet(&c->session);
	if (session_wants(&c->session) == SESSION_WANTS_CLOSE) /* a filter refuses the client */
		transcript_event(&c->transcript, &c->session, SPAN("CONNECT"));
}

/* A client that may not connect gets no handshake, and without one no reply; the log has the reason. */
void serve_greet(struct connection *c)
{
	if (!admit(c)) {
		if (c->tls->first)
			str_clear(&c->session.out);
		return;
	}
	if (c->tls->first)
		serve_shake_hands(c);
	else
		c->session.tls.offered = c->tls->context;
	if (c->proxied && !c->tls->first)
		take_tls(c, &c->proxied->tls);
	if (session_wants(&c->session) != SESSION_WANTS_CLOSE)
		welcome(c);
}

/* Whether the new client is within the limits of `client`. If not, the reply is ready, and the session is over. */
static bool fits(struct connection *c)
{
	const struct serve_services *services = c->services;
	struct str about;
	str_init(&about, LIMIT_LINE);
	enum reply_id refusal =
		services->admit ? services->admit(services->context, &c->session.client.ip, &about) : REPLY_NONE;
	if (refusal != REPLY_NONE) {
		session_reply_quietly(&c->session, refusal, span_of(c->session.config->fqdn), str_span(&about));
		transcript_event(&c->transcript, &c->session, SPAN("CONNECT"));
	}
	str_free(&about);
	return refusal == REPLY_NONE;
}

void serve_become(struct connection *c)
{
	c->transcript.ends = (struct session_ends){0};
	if (fits(c) && admit(c))
		welcome(c);
	if (session_wants(&c->session) != SESSION_WANTS_CLOSE)
		transcript_event(&c->transcript, &c->session, SPAN("XCLIENT"));
}
