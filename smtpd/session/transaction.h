/*
 * One incoming message: envelope, then text, then commit. Knows limits and the store, but not commands and states
 * (session.h). transaction_reset always leads back to the empty transaction, after refusals, RSET, hello and at the end
 * of a session; it removes what the store has.
 */
#ifndef SMTPD_SESSION_TRANSACTION_H
#define SMTPD_SESSION_TRANSACTION_H

#include "common/base/clock.h"
#include "common/mail/domain.h"
#include "common/mail/dot.h"
#include "common/mail/header.h"
#include "smtpd/accept/recipients.h"
#include "smtpd/accept/store.h"
#include "smtpd/policy/rules.h"
#include "smtpd/protocol/replies.h"

/* Octets of text that are processed at a time. */
enum { TRANSACTION_SLICE = 16 * 1024 };

/* Copied from the configuration when the text begins. */
struct transaction_limits {
	uint64_t message_octets;
	uint64_t session_octets; /* octets that this session may still send */
	unsigned hops;
	bool repair;           /* repair bare line feeds instead of refusing them */
	bool lf;               /* and treat each as a line end, so that LF . LF ends the data */
	bool chunked;          /* the text comes by BDAT */
	bool complete;         /* a client of ours: missing header fields are added (completion.h) */
	bool foreign;          /* no client of ours, and ours have DKIM signatures (envelope.h) */
	bool from;             /* keep the fields From */
	enum reply_id too_big; /* the reply to more than message_octets */
};

/* The contents of the Received line beside id and date. */
struct transaction_origin {
	const char *helo;        /* "" = none given */
	const char *client;      /* address as text */
	const char *client_name; /* NULL = not looked up */
	bool client_is_v6;
	const char *fqdn;
	const char *domain; /* the default domain */
	bool esmtp;
	const char *tls_version; /* "TLSv1.3"; NULL = no TLS */
	const char *tls_cipher;  /* "TLS_AES_256_GCM_SHA384" */
	int tls_bits;
	const char *user; /* NULL = not shown */
	bool authenticated;
};

struct transaction {
	const struct store *store;
	struct str sender; /* empty = the null sender */
	enum dsn_ret ret;
	char envid[DSN_ENVID_MAX + 1]; /* "" = none */
	uint64_t declared;             /* SIZE of MAIL, 0 = not declared */
	struct recipients rcpts;
	uint64_t mailbox_octets; /* capacity of the largest mailbox of the recipients; UINT64_MAX = unlimited */
	struct str head;         /* sender line and Received, when the text begins; then the added header fields */
	char *slice;             /* buffer for one processed slice */

	bool open;             /* the store has an open message */
	enum reply_id refusal; /* the reply at the end of the text; the store is empty then */
	char id[MSGID_LEN + 1];
	struct transaction_limits limits;
	uint64_t octets; /* of text as received, without the dots of RFC 5321 4.5.2 */
	struct dot_reader dot;
	struct header header;
	struct str from;           /* the fields From, up to RULES_FROM_MAX; failed: there is more */
	char date[CLOCK_TEXT_MAX]; /* date at which the text began, and the names in use then, for added header fields
				    */
	char fqdn[DOMAIN_MAX + 1];
	char domain[DOMAIN_MAX + 1];
};

bool transaction_init(struct transaction *t, const struct store *store); /* false without memory */
void transaction_free(struct transaction *t);
void transaction_reset(struct transaction *t);

/* The DSN parameters of MAIL; copied. */
void transaction_ask(struct transaction *t, const struct dsn_message *dsn);

/* The mailbox of the recipient added last may hold at most MOST octets. */
void transaction_mailbox(struct transaction *t, uint64_t most);

/* The envelope is complete: begins the message and writes its head. REPLY_NONE, or the refusal. */
enum reply_id transaction_open(struct transaction *t, const struct transaction_limits *limits,
			       const struct transaction_origin *origin);

/*
 * Takes text from the client. Returns how many octets: all, unless the end of DATA was found (t->dot.ended). An error
 * is kept in t->refusal, and the following text is read and discarded.
 */
size_t transaction_text(struct transaction *t, struct span in);

/* The end of the text: the header is complete. Then transaction_commit. */
void transaction_end(struct transaction *t);

/* The message will be refused with this reply, unless there was a reason before; REPLY_NONE: nothing happens. */
void transaction_refuse(struct transaction *t, enum reply_id why);

/*
 * After transaction_end: makes the message durable and hands it to the queue. Returns the reply. The caller resets in
 * either case.
 */
enum reply_id transaction_commit(struct transaction *t);

/* The reply to a result of the store: 0 or -errno. */
enum reply_id transaction_reply(int err);

#endif
