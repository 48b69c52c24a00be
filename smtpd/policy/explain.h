/* What `mailrootctl explain relay` says about a client and a recipient: the decisions of policy.h together. Pure. */
#ifndef SMTPD_POLICY_EXPLAIN_H
#define SMTPD_POLICY_EXPLAIN_H

#include "common/mail/address.h"
#include "common/recipients/alias.h"
#include "smtpd/policy/policy.h"
#include "smtpd/protocol/replies.h"

/* Connection control, then MAIL, then RCPT: each as if no earlier decision had refused the client. */
struct explanation {
	const struct policy_client *client; /* borrowed, like mail and rcpt */
	const struct policy_mail *mail_said;
	const struct address *rcpt_said;
	struct policy_decision connect;
	struct policy_decision mail;
	struct policy_decision relay;  /* policy_relay_decide */
	struct policy_decision rcpt;   /* rules_rcpt_decide */
	struct known_decision known;   /* UNLISTED until explain_known */
	enum alias_result alias;       /* EXPANDED if that is no alias, too */
	struct config_origin alias_at; /* the fault of alias.h, unless EXPANDED or NO_MEMORY */
	bool accepted;
};

/*
 * CLIENT's name is not POLICY_NAME_UNASKED: nothing is looked up here. RCPT may have a domain and nothing else; then no
 * list of recipients has it by its local part.
 */
void explain_decide(const struct config_server *server, const struct policy_client *client,
		    const struct policy_mail *mail, const struct address *rcpt, struct explanation *out);

/* The decisions in their order, up to the first one that refuses. Returns how many. */
enum { EXPLAIN_DECISIONS = 4 };
size_t explain_chain(const struct explanation *e, const struct policy_decision *chain[EXPLAIN_DECISIONS]);

/* The reply to what DECISION refused; REPLY_NONE when it accepted. */
enum reply_id explain_refusal(const struct policy_decision *decision);

/* Adds to *E whether the recipient exists, if it is accepted so far. LISTS as in known_decide. */
void explain_known(const struct config_server *server, const struct known_lists *lists, struct explanation *e);

/* The reply, with its CRLF, that the client would get to its connection, MAIL or RCPT. */
void explain_reply(const struct explanation *e, struct str *to);

#endif
