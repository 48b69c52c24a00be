#include "smtpd/protocol/params.h"
#include "smtpd/session/cmd.h"
#include "smtpd/session/filtering.h"
#include "smtpd/session/permits.h"
#include "smtpd/session/rates.h"

/* MAIL FROM:<sender> [SIZE=octets] [BODY=7BIT|8BITMIME] [AUTH=xtext] [RET=FULL|HDRS] [ENVID=xtext] */

static enum reply_id check_state(struct session *s)
{
	if (s->state == SESSION_START)
		return REPLY_HELLO_FIRST;
	if (s->state != SESSION_READY)
		return REPLY_SENDER_TWICE;
	return permits_mail(s, NULL);
}

/* Refuses at MAIL what would be refused at the end of the data. */
static enum reply_id check_room(const struct session *s, uint64_t declared)
{
	const struct config_messages *messages = &s->config->messages;
	const struct store *store = s->tx.store;
	uint64_t session_octets = (uint64_t)messages->max_session_size;
	if (declared > (uint64_t)messages->max_message_size)
		return REPLY_MESSAGE_TOO_BIG;
	if (s->octets >= session_octets || declared > session_octets - s->octets)
		return REPLY_SESSION_TOO_BIG;
	return transaction_reply(store->space(store->context, s->config->free_space_floor, declared));
}

static enum reply_id check_message(struct session *s, const struct policy_mail *mail)
{
	enum reply_id refusal = permits_mail(s, mail);
	if (refusal == REPLY_NONE)
		refusal = check_room(s, mail->size);
	return refusal == REPLY_NONE ? filtering_mail(s, mail->sender) : refusal;
}

/* AUTH= is accepted even where authentication is off: it decides nothing, and refusing it would cost a message. */
static unsigned allowed_params(const struct session *s)
{
	unsigned without = s->config->without;
	return PARAMS_AUTH | (without & WITHOUT_SIZE ? 0 : PARAMS_SIZE) |
	       (without & WITHOUT_8BITMIME ? 0 : PARAMS_BODY) | (without & WITHOUT_DSN ? 0 : PARAMS_RET | PARAMS_ENVID);
}

static void take_sender(struct session *s, const struct address *sender, const struct dsn_message *dsn)
{
	transaction_ask(&s->tx, dsn);
	str_append(&s->tx.sender, sender->text);
	if (sender->text.len && !sender->domain.len)
		str_printf(&s->tx.sender, "@%s", s->config->local_domains[0].name);
	if (s->tx.sender.failed) {
		session_say(s, REPLY_NO_MEMORY);
		session_reset(s);
		return;
	}
	s->state = SESSION_MAIL;
	if (sender->text.len)
		session_reply(s, REPLY_SENDER_OK, str_span(&s->tx.sender), (struct span){0});
	else
		session_reply(s, REPLY_SENDER_OK, SPAN("<>"), (struct span){0});
}

void cmd_mail(struct session *s, const struct command *command)
{
	struct span path, rest;
	struct address sender;
	struct params params;
	const char *why = "write MAIL FROM:<address>";
	enum reply_id refusal = check_state(s);
	if (refusal != REPLY_NONE) {
		session_say(s, refusal);
	} else if (!command_path(command->args, SPAN("FROM:"), &path) ||
		   !address_parse_path(path, &sender, &rest, &why)) {
		session_reply(s, REPLY_BAD_SENDER, span_of(why), (struct span){0});
	} else if (session_params(s, rest, allowed_params(s), &params)) {
		refusal = check_message(s, &(struct policy_mail){&sender, params.size});
		if (refusal != REPLY_NONE) {
			session_say(s, refusal);
			session_reset(s);
			return;
		}
		if (!rates_message(s, params.size)) {
			session_reset(s);
			return;
		}
		s->tx.declared = params.size;
		take_sender(s, &sender, &params.message);
	}
}
