#include "smtpd/session/alias_rcpt.h"

#include "smtpd/accept/members.h"
#include "smtpd/policy/rcpt_reply.h"
#include "smtpd/session/filtering.h"
#include "smtpd/session/rates.h"

/* The largest message that a member's mailbox can take; 0 after a refusal: one of them has no room. */
static uint64_t ask_mailboxes(struct session *s, const struct alias *alias)
{
	uint64_t most = 0;
	for (const struct alias_address *m = alias_member(alias, NULL); m; m = alias_member(alias, m)) {
		const struct fullness_room room = s->tx.store->room(s->tx.store->context, m->address.domain);
		enum fullness_verdict fit = fullness_judge(&room, s->tx.declared);
		if (fit != FULLNESS_FITS) {
			session_say(s, fit == FULLNESS_NEVER ? REPLY_MAILBOX_TOO_SMALL : REPLY_MAILBOX_FULL);
			return 0;
		}
		most = room.most > most ? room.most : most;
	}
	return most;
}

/* An alias counts as one recipient for the client; its members count towards the limits of later ones. */
static bool has_place(struct session *s, const struct alias *alias, const struct address *rcpt)
{
	const struct recipients *rcpts = &s->tx.rcpts;
	size_t more = members_new(rcpts, alias);
	bool full = rcpts->count >= (size_t)s->config->messages.max_recipients;
	if (more && (full || rcpts->count + more >= ENVELOPE_RCPT_MAX)) {
		session_say(s, REPLY_TOO_MANY_RCPTS);
		return false;
	}
	enum reply_id refusal = filtering_rcpt(s, rcpt);
	if (refusal != REPLY_NONE) {
		session_say(s, refusal);
		return false;
	}
	return !more || rates_recipient(s);
}

static void take_members(struct session *s, const struct alias *alias, const struct address *rcpt,
			 const struct dsn_rcpt *dsn)
{
	uint64_t most = ask_mailboxes(s, alias);
	if (!most || !has_place(s, alias, rcpt))
		return;
	enum recipients_result result = members_add(&s->tx.rcpts, alias, rcpt, dsn, s->tx.sender.len > 0);
	if (result == RECIPIENTS_NO_MEMORY) {
		session_say(s, REPLY_NO_MEMORY);
		return;
	}
	if (result == RECIPIENTS_ADDED)
		alias_log(alias, ALIAS_EXPANDED, s->client_text, str_text(&s->tx.sender), rcpt);
	transaction_mailbox(&s->tx, most);
	s->state = SESSION_RCPT;
	session_reply(s, REPLY_RECIPIENT_OK, rcpt->text, (struct span){0});
}

static void refuse(struct session *s, const struct alias *alias, enum alias_result result, const struct address *rcpt)
{
	if (s->later < LIMIT_LATER_LOGGED)
		alias_log(alias, result, s->client_text, str_text(&s->tx.sender), rcpt);
	session_reply_quietly(s, rcpt_reply_alias(result), rcpt->text, (struct span){0});
}

void alias_rcpt(struct session *s, const struct known_lists *lists, const struct address *rcpt,
		const struct dsn_rcpt *dsn)
{
	struct alias alias;
	enum alias_result result = alias_expand(s->config, lists, rcpt, &alias);
	if (result == ALIAS_EXPANDED)
		take_members(s, &alias, rcpt, dsn);
	else
		refuse(s, &alias, result, rcpt);
	alias_free(&alias);
}
