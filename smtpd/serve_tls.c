#include "common/base/log.h"
#include "smtpd/serve_connection.h"

/* Whether OCTETS, which are no command, begin a TLS handshake (RFC 8446 5.1: a record of type 22, version 3.x). */
bool serve_begins_tls(struct span octets)
{
	return octets.len > 1 && octets.at[0] == 0x16 && octets.at[1] == 0x03;
}

/* The client expects a handshake from the start, so it could not read a reply. */
void serve_refuse_tls(struct connection *c)
{
	log_info(
		"client=%s status=refused reason=\"the client began with TLS, and this listener expects STARTTLS\" remedy=\"listen with tls, or STARTTLS at the client\"",
		c->session.client_text);
	session_close(&c->session);
	transcript_event(&c->transcript, &c->session, SPAN("LINE"));
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
void serve_shake_hands(struct connection *c)
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
void serve_start_tls(struct connection *c)
{
	if (stream_flush(&c->stream) != STREAM_OK) {
		session_close(&c->session);
		return;
	}
	if (stream_pending(&c->stream))
		log_discarded(c);
	stream_discard(&c->stream);
	transcript_flush(&c->transcript);
	serve_shake_hands(c);
}
