#include "smtpd/pickup/pickup_recipient.h"

#include "smtpd/accept/members.h"
#include "smtpd/policy/policy.h"

/* Adds the members of alias RCPT. */
static enum submission_taken take_members(struct pickup_file *f, const struct address *rcpt, const struct dsn_rcpt *dsn)
{
	struct alias alias;
	enum submission_taken taken = SUBMISSION_TAKEN;
	enum alias_result result = alias_expand(f->server, known_lists(f->known), rcpt, &alias);
	alias_log(&alias, result, f->maildrop ? "sendmail" : "pickup", f->submission.sender, rcpt);
	if (result == ALIAS_NO_MEMORY)
		taken = SUBMISSION_NOT_KEPT;
	else if (result != ALIAS_EXPANDED)
		taken = SUBMISSION_UNDECIDED;
	else if (f->rcpts.count + members_new(&f->rcpts, &alias) >= ENVELOPE_RCPT_MAX)
		taken = SUBMISSION_TOO_MANY;
	else if (members_add(&f->rcpts, &alias, rcpt, dsn, true) == RECIPIENTS_NO_MEMORY)
		taken = SUBMISSION_NOT_KEPT;
	f->undecided = alias.fault;
	alias_free(&alias);
	return taken;
}

enum submission_taken pickup_recipient_take(void *context, const struct address *rcpt, const struct dsn_rcpt *dsn)
{
	static const struct policy_client nobody = {.name_state = POLICY_NAME_UNCONFIRMED};
	struct pickup_file *f = context;
	struct policy_decision decision;
	struct known_decision known;
	char text[ADDRESS_MAX + 1];
	policy_relay_decide(f->server, &nobody, rcpt->domain, &decision);
	struct address stamped = policy_stamp(&decision, rcpt, text);
	known_decide(f->server, known_lists(f->known), &stamped, &known);
	if (known.verdict == KNOWN_TRIED)
		known_log(&known, f->maildrop ? "sendmail" : "pickup", "", &stamped);
	if (known.verdict == KNOWN_NO)
		return SUBMISSION_UNKNOWN;
	f->undecided = known.origin;
	if (known.verdict == KNOWN_LATER)
		return SUBMISSION_UNDECIDED;
	if (known.verdict == KNOWN_LEADS)
		return take_members(f, &stamped, dsn);
	if (recipients_add(&f->rcpts, &stamped, dsn) != RECIPIENTS_NO_MEMORY)
		return SUBMISSION_TAKEN;
	return f->rcpts.count < ENVELOPE_RCPT_MAX ? SUBMISSION_NOT_KEPT : SUBMISSION_TOO_MANY;
}
