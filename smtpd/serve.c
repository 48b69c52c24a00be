#include "smtpd/serve.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"
#include "smtpd/atrn_relay.h"
#include "smtpd/policy/naming.h"
#include "smtpd/protocol/refused.h"
#include "smtpd/proxy/proxied.h"
#include "smtpd/serve_connection.h"
#include "smtpd/session/ends.h"

void serve_input_ended(struct connection *c, enum stream_result result)
{
	if (result == STREAM_TIMEOUT)
		session_say(&c->session, REPLY_TIMEOUT);
	else if (result == STREAM_EOF && session_revoked(&c->session))
		session_say(&c->session, REPLY_ACCOUNT_CHANGED);
	else if (result == STREAM_EOF && c->stop->stop)
		session_say(&c->session, REPLY_STOPPING);
	else {
		count(COUNTER_CONNECTION_LOST_IN);
		session_close(&c->session);
	}
	transcript_event(&c->transcript, &c->session, result == STREAM_TIMEOUT ? SPAN("TIMEOUT") : SPAN("STOP"));
}

/* A response of an authentication is not logged, not even in the transaction log, and is wiped from memory. */
static void take_whole_line(struct connection *c, struct span line, bool bare)
{
	bool response = c->session.state == SESSION_AUTH;
	session_line(&c->session, line, bare);
	if (response)
		transcript_event(&c->transcript, &c->session, SPAN("AUTH"));
	else
		transcript_command(&c->transcript, &c->session, line);
	if (c->session.after_auth)
		stream_wipe(&c->stream);
}

static void take_line(struct connection *c)
{
	struct span line = {0};
	bool bare = false;
	c->text_since = 0;
	stream_deadline(&c->stream, c->session.config->connection_timeout);
	c->stop->waiting_fd = c->stream.fd;
	enum stream_result result = STREAM_EOF;
	if (!c->stop->stop && !session_revoked(&c->session))
		result = stream_line(&c->stream, session_line_max(&c->session), &line, &bare);
	c->stop->waiting_fd = -1;
	c->session.config = live_server(c->live);
	transcript_heard(&c->transcript);
	if (serve_begins_tls(result == STREAM_OK ? line : stream_received(&c->stream))) {
		serve_refuse_tls(c);
	} else if (result == STREAM_OK) {
		take_whole_line(c, line, bare);
	} else if (result == STREAM_TOO_LONG) {
		session_line_too_long(&c->session);
		transcript_event(&c->transcript, &c->session, SPAN("LINE"));
	} else {
		serve_input_ended(c, result);
	}
}

int64_t serve_text_time_left(int64_t elapsed_ms, uint64_t octets, bool stress)
{
	int64_t left =
		(stress ? LIMIT_STRESS_MS : LIMIT_TEXT_MS) + (int64_t)(octets / LIMIT_TEXT_RATE) * 1000 - elapsed_ms;
	return left > 0 ? left : 1;
}

static void set_text_deadline(struct connection *c)
{
	int64_t now = clock_mono_ms();
	if (!c->text_since) {
		c->text_since = now;
		c->text_octets = 0;
	}
	stream_deadline(&c->stream,
			serve_text_time_left(now - c->text_since, c->text_octets, stream_hurried(&c->stream)));
}

static void take_octets(struct connection *c)
{
	struct span octets;
	set_text_deadline(c);
	enum stream_result result = stream_peek(&c->stream, &octets);
	if (result != STREAM_OK) {
		serve_input_ended(c, result);
		return;
	}
	enum session_state before = c->session.state;
	transcript_heard(&c->transcript);
	size_t taken = session_octets(&c->session, octets);
	c->text_octets += taken;
	transcript_text(&c->transcript, &c->session, before, c->text_octets);
	stream_taken(&c->stream, taken);
}

/* Not under stress: workers are scarce then. A signal to stop ends the pause. */
static void pause_before_reply(struct connection *c)
{
	int64_t ms = c->session.pause_ms;
	c->session.pause_ms = 0;
	if (ms && !c->stop->stop && !stream_hurried(&c->stream))
		poll(NULL, 0, (int)ms);
}

/* Ends the session when there is no memory for a reply, because the client would wait for that reply. */
static bool send_replies(struct connection *c)
{
	bool whole = !c->session.out.failed;
	struct span text = whole ? str_span(&c->session.out) : SPAN("421 4.3.0 Out of memory, try again later\r\n");
	pause_before_reply(c);
	enum stream_result result = stream_write(&c->stream, text);
	str_clear(&c->session.out);
	if (!whole)
		stream_flush(&c->stream);
	return whole && result == STREAM_OK;
}

static void converse(struct connection *c)
{
	serve_greet(c);
	while (send_replies(c)) {
		if (!stream_pending(&c->stream))
			transcript_flush(&c->transcript);
		if (c->watch->moved)
			c->watch->moved(c->watch->context, &c->session);
		switch (session_wants(&c->session)) {
		case SESSION_WANTS_LINE:
			take_line(c);
			break;
		case SESSION_WANTS_OCTETS:
			take_octets(c);
			break;
		case SESSION_WANTS_HANDSHAKE:
			serve_start_tls(c);
			break;
		case SESSION_WANTS_GREETING:
			serve_become(c);
			break;
		case SESSION_WANTS_ATRN_RELAY:
			atrn_relay(&c->stream, &c->session, c->stop);
			session_close(&c->session);
			return;
		default:
			stream_flush(&c->stream);
			return;
		}
	}
	session_close(&c->session);
}

/* Reads on for a moment: a close with unread input sends a reset, which may overtake the last reply. */
static void linger(struct connection *c)
{
	struct span octets;
	size_t taken = 0;
	shutdown(c->stream.fd, SHUT_WR);
	stream_deadline(&c->stream, LIMIT_LINGER_MS);
	while (taken < LIMIT_LINGER_OCTETS && stream_peek(&c->stream, &octets) == STREAM_OK) {
		taken += octets.len;
		stream_taken(&c->stream, octets.len);
	}
}

void serve(int fd, const struct ipaddr *client, const struct proxy_header *proxied, const struct serve_tls *tls,
	   struct live *live, const struct serve_services *services, struct serve_stop *stop,
	   const struct serve_watch *watch)
{
	struct connection c = {
		.proxied = proxied, .tls = tls, .live = live, .stop = stop, .services = services, .watch = watch};
	const struct config_server *config = live_server(live);
	if (stream_init(&c.stream, fd, config->connection_timeout)) {
		stream_hurry(&c.stream, services->stress, LIMIT_STRESS_MS);
		if (session_init(&c.session, config, services->store, client)) {
			c.session.names = services->names;
			c.session.lists = services->lists;
			c.session.auth = services->auth;
			c.session.etrn = services->etrn;
			c.session.usage = services->usage;
			c.session.known = services->known;
			c.session.filters = &c.filters;
			filters_init(&c.filters, services->filters, SOURCE_SMTP);
			stop->session = &c.session;
			transcript_begin(&c.transcript, watch->records, fd);
			if (proxied)
				c.session.ends = proxied_ends(proxied);
			else if ((services->filters && config->filter_count) ||
				 naming_permits(&config->xclient_list, client))
				ends_of_socket(&c.session.ends, fd);
			converse(&c);
			transcript_flush(&c.transcript);
			filters_end(&c.filters);
			tls_channel_close(&c.channel);
			if (!c.session.quit && !c.stream.failed)
				linger(&c);
			count_by(COUNTER_OCTETS_IN_RECEIVED, c.stream.received);
			count_by(COUNTER_OCTETS_IN_SENT, c.stream.sent);
		}
		stop->session = NULL;
		session_free(&c.session);
		stream_free(&c.stream);
	}
	close(fd);
}

void serve_refusal(int fd, const struct serve_tls *tls, const struct config_server *config, enum reply_id id,
		   struct span about)
{
	bool enhanced = !(config->without & WITHOUT_ENHANCEDSTATUSCODES);
	char header[PROXY_HEADER_MAX];
	struct str text;
	str_init(&text, LIMIT_LINE);
	count(refused_counter(id));
	if (!tls->first)
		replies_append(&text, id, enhanced, span_of(config->fqdn), about);
	/* The header of a load balancer: a close with unread input would destroy the reply. */
	(void)!recv(fd, header, sizeof(header), MSG_DONTWAIT);
	if (text.len)
		send(fd, text.at, text.len, MSG_NOSIGNAL | MSG_DONTWAIT); /* for a client that still listens */
	str_free(&text);
	close(fd);
}
