#include "smtpd/serve.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"
#include "common/net/stream.h"
#include "common/tls/channel.h"
#include "smtpd/atrn_relay.h"
#include "smtpd/protocol/refused.h"
#include "smtpd/proxy/proxied.h"
#include "smtpd/session/ends.h"
#include "smtpd/session/listed.h"
#include "smtpd/session/transcript.h"

enum { STRESS_LOOK_MS = 1000 /* how often a pause looks whether workers are scarce */ };

struct connection {
	struct stream stream;
	const struct proxy_header *proxied; /* NULL = the connection is direct */
	const struct serve_tls *tls;
	struct tls_channel channel;
	struct session session;
	struct filters filters;
	struct live *live;
	struct serve_stop *stop;
	const struct serve_services *services;
	const struct serve_watch *watch;
	struct transcript transcript;
	int64_t text_since;   /* when the text under way began; 0 = none is under way */
	uint64_t text_octets; /* octets of that text */
};

static void input_ended(struct connection *c, enum stream_result result)
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

/* Whether OCTETS, which are no command, begin a TLS handshake (RFC 8446 5.1: a record of type 22, version 3.x). */
static bool begins_tls(struct span octets)
{
	return octets.len > 1 && octets.at[0] == 0x16 && octets.at[1] == 0x03;
}

/* The client expects a handshake from the start, so it could not read a reply. */
static void refuse_tls(struct connection *c)
{
	log_info(
		"client=%s status=refused reason=\"the client began with TLS, and this listener expects STARTTLS\" remedy=\"listen with tls, or STARTTLS at the client\"",
		c->session.client_text);
	session_close(&c->session);
	transcript_event(&c->transcript, &c->session, SPAN("LINE"));
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
	if (begins_tls(result == STREAM_OK ? line : stream_received(&c->stream))) {
		refuse_tls(c);
	} else if (result == STREAM_OK) {
		take_whole_line(c, line, bare);
	} else if (result == STREAM_TOO_LONG) {
		session_line_too_long(&c->session);
		transcript_event(&c->transcript, &c->session, SPAN("LINE"));
	} else {
		input_ended(c, result);
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
		input_ended(c, result);
		return;
	}
	enum session_state before = c->session.state;
	transcript_heard(&c->transcript);
	size_t taken = session_octets(&c->session, octets);
	c->text_octets += taken;
	transcript_text(&c->transcript, &c->session, before, c->text_octets);
	stream_taken(&c->stream, taken);
}

static void log_discarded(const struct connection *c)
{
	log_warning(
		"client=%s status=discarded reason=\"the client sent more in clear behind STARTTLS: this may be an attempt to inject commands\"",
		c->session.client_text);
}

static void secured(struct connection *c)
{
	struct tls_facts facts;
	struct session_tls tls;
	tls_channel_facts(&c->channel, &facts);
	log_info("client=%s version=%s cipher=%s bits=%d resumed=%s status=tls", c->session.client_text, facts.version,
		 facts.cipher, facts.bits, facts.resumed ? "yes" : "no");
	tls = (struct session_tls){
		.on = true,
		.version = facts.version,
		.cipher = facts.cipher,
		.bits = facts.bits,
		.binding_exporter = true,
	};
	tls.binding_len = tls_channel_binding(&c->channel, true, tls.binding);
	if (!tls.binding_len) {
		tls.binding_exporter = false;
		tls.binding_len = tls_channel_binding(&c->channel, false, tls.binding);
	}
	session_secured(&c->session, &tls);
}

/*
 * The worker serves only this client meanwhile, so the whole handshake has one deadline, and an order to stop ends it.
 */
static void shake_hands(struct connection *c)
{
	int64_t idle = c->session.config->connection_timeout;
	char why[TLS_WHY_MAX] = "out of memory", shown[TLS_WHY_MAX];
	enum tls_result result = TLS_FAILED;
	stream_deadline(&c->stream, idle < LIMIT_HANDSHAKE_MS ? idle : LIMIT_HANDSHAKE_MS);
	c->stop->waiting_fd = c->stream.fd;
	if (!c->stop->stop && tls_channel_init(&c->channel, c->tls->context, &c->stream))
		result = tls_channel_accept(&c->channel, why);
	c->stop->waiting_fd = -1;
	if (result == TLS_OK) {
		secured(c);
		return;
	}
	span_quotable(c->stop->stop ? SPAN("the service stops") : span_of(why), shown, sizeof(shown));
	log_info("client=%s status=tls-failed reason=\"%s\"", c->session.client_text, shown);
	tls_channel_close(&c->channel);
	session_close(&c->session);
}

/* After the reply to STARTTLS. Discards what the client sent in clear behind the command (CVE-2011-0411). */
static void start_tls(struct connection *c)
{
	if (stream_flush(&c->stream) != STREAM_OK) {
		session_close(&c->session);
		return;
	}
	if (stream_pending(&c->stream))
		log_discarded(c);
	stream_discard(&c->stream);
	transcript_flush(&c->transcript);
	shake_hands(c);
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
		input_ended(c, result);
		return;
	}
	if (begins_tls(octets)) {
		refuse_tls(c);
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
	bool silent = !c->stop->stop && stays_silent(c, until);
	c->stop->waiting_fd = -1;
	if (!silent)
		pause_ended(c);
}

/* A client that may not connect gets no handshake, and without one no reply; the log has the reason. */
static bool admit(struct connection *c)
{
	if (session_admits(&c->session))
		return true;
	if (c->tls->first)
		str_clear(&c->session.out);
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

static void greet(struct connection *c)
{
	if (!admit(c))
		return;
	if (c->tls->first)
		shake_hands(c);
	else
		c->session.tls.offered = c->tls->context;
	if (c->proxied && !c->tls->first)
		take_tls(c, &c->proxied->tls);
	if (session_wants(&c->session) == SESSION_WANTS_CLOSE)
		return;
	listed_begin(&c->session);
	pause_greeting(c);
	if (session_wants(&c->session) == SESSION_WANTS_CLOSE)
		return;
	session_greet(&c->session);
	if (session_wants(&c->session) == SESSION_WANTS_CLOSE) /* a filter refuses the client */
		transcript_event(&c->transcript, &c->session, SPAN("CONNECT"));
}

static void converse(struct connection *c)
{
	greet(c);
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
			start_tls(c);
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
			else if (services->filters && config->filter_count)
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
