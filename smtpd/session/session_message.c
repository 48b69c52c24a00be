#include "smtpd/session/session.h"

#include "common/base/log.h"
#include "common/ipc/counters.h"
#include "smtpd/session/filtering.h"
#include "smtpd/session/permits.h"
#include "smtpd/session/rates.h"

/* The client's name for Received; NULL = none. */
static const char *received_name(struct session *s)
{
	if (!s->config->reverse_dns)
		return NULL;
	session_learn_name(s);
	return s->client.name_state == POLICY_NAME_CONFIRMED ? s->client.name : "unverified";
}

enum reply_id session_message_begin(struct session *s, bool chunked)
{
	const struct config_messages *messages = &s->config->messages;
	uint64_t session_octets = (uint64_t)messages->max_session_size;
	bool completes = s->config->add_missing_headers, signs = s->config->dkim_count > 0;
	bool ours = (completes || signs) && permits_is_ours(s);
	struct transaction_limits limits = {
		.message_octets = (uint64_t)messages->max_message_size,
		.session_octets = session_octets > s->octets ? session_octets - s->octets : 0,
		.hops = (unsigned)s->config->delivery.max_hops,
		.repair = s->config->bare_newlines == CONFIG_BARE_REPAIR,
		.lf = session_speaks_lf(s),
		.chunked = chunked,
		.complete = completes && ours,
		.foreign = signs && !ours,
		.too_big = REPLY_MESSAGE_TOO_BIG,
	};
	struct transaction_origin origin = {
		.helo = s->helo,
		.client = s->client_text,
		.client_name = received_name(s),
		.client_is_v6 = !ipaddr_is_v4(&s->client.ip),
		.fqdn = s->config->fqdn,
		.domain = s->config->local_domains[0].name,
		.esmtp = s->esmtp,
		.authenticated = s->client.user != NULL,
		.user = s->config->access.auth_in_received ? s->client.user : NULL,
		.tls_version = s->tls.on ? s->tls.version : NULL,
		.tls_cipher = s->tls.cipher,
		.tls_bits = s->tls.bits,
	};
	permits_limits(s, &limits);
	enum reply_id refusal = transaction_open(&s->tx, &limits, &origin);
	return refusal == REPLY_NONE ? filtering_data(s) : refusal;
}

/* MESSAGE: as it is stored. */
static void message_taken(struct session *s, const struct content_message *message)
{
	s->errors = s->later = s->idle = s->over = 0;
	rates_octets(s, s->tx.octets);
	s->octets += s->tx.octets;
	s->messages++;
	session_reply(s, REPLY_QUEUED, span_of(s->tx.id), span_of(s->config->fqdn));
	if (filtering_discards(s)) /* the log has its own line about that */
		return;
	count(COUNTER_RECEIVED_SMTP);
	count_by(COUNTER_RECEIVED_OCTETS_SMTP, message->octets);
	count_by(COUNTER_RECEIVED_RCPTS_SMTP, message->rcpt_count);
	log_info("id=%s client=%s helo=%s from=<%s> nrcpt=%zu size=%llu%s%s%s%s%s%s status=accepted", s->tx.id,
		 s->client_text, s->helo, message->sender, message->rcpt_count, (unsigned long long)message->octets,
		 s->client.user ? " user=" : "", s->client.user ? s->client.user : "", s->tls.on ? " tls=" : "",
		 s->tls.on ? s->tls.version : "", s->tls.on ? ":" : "", s->tls.on ? s->tls.cipher : "");
}

void session_message_end(struct session *s)
{
	struct content_message message;
	transaction_end(&s->tx);
	transaction_refuse(&s->tx, permits_from(s));
	transaction_refuse(&s->tx, filtering_message(s, &message));
	enum reply_id refusal = filtering_discards(s) ? s->tx.refusal : transaction_commit(&s->tx);
	if (refusal == REPLY_NONE)
		message_taken(s, &message);
	else
		session_say(s, refusal);
	session_reset(s);
}
