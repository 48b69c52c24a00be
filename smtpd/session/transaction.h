/*
 * One message on its way in: envelope, then text, then commit. Knows limits and the store, nothing of commands and
 * states (session.h). transaction_reset is the one way back to nothing, for refusals, RSET, hello and the end of a
 * session; it undoes what stands in the store.
 */
#ifndef SMTPD_SESSION_TRANSACTION_H
#define SMTPD_SESSION_TRANSACTION_H

#include "common/base/clock.h"
#include "common/mail/domain.h"
#include "common/mail/dot.h"
#include "common/mail/header.h"
#include "smtpd/accept/recipients.h"
#include "smtpd/accept/store.h"
#include "smtpd/protocol/replies.h"

/* Octets of text that are worked on at a time. */
enum { TRANSACTION_SLICE = 16 * 1024 };

/* Taken from the configuration when the text begins. */
struct transaction_limits {
	uint64_t message_octets;
	uint64_t session_octets; /* what this session may still send */
	unsigned hops;
	bool repair;   /* bare line feeds, instead of refusing them */
	bool lf;       /* and each of them ends a line, so that LF . LF ends the data */
	bool chunked;  /* comes by BDAT */
	bool complete; /* a client of ours: its header gets what it lacks (completion.h) */
};

/* What the Received line says beside id and date. */
struct transaction_origin {
	const char *helo;        /* "" = none given */
	const char *client;      /* address as text */
	const char *client_name; /* NULL = not looked up */
	bool client_is_v6;
	const char *fqdn;
	const char *domain; /* the default one */
	bool esmtp;
	const char *tls_version; /* "TLSv1.3"; NULL = no TLS */
	const char *tls_cipher;  /* "TLS_AES_256_GCM_SHA384" */
	int tls_bits;
	const char *user; /* shown; NULL = not */
	bool authenticated;
};

struct transaction {
	const struct store *store;
	struct str sender; /* empty = the null sender */
	enum dsn_ret ret;
	char envid[DSN_ENVID_MAX + 1]; /* "" = none */
	uint64_t declared;             /* SIZE of MAIL, 0 = not said */
	struct recipients rcpts;
	uint64_t mailbox_octets; /* what the largest mailbox of them may hold; UINT64_MAX = any */
	struct str head;         /* sender line and Received, when the text begins; then what the header lacks */
	char *slice;             /* room for what one slice becomes */

	bool open;             /* the store has a message of ours */
	enum reply_id refusal; /* why it will be refused at its end; the store has nothing then */
	char id[MSGID_LEN + 1];
	struct transaction_limits limits;
	uint64_t octets; /* of text, as it came, without the dots of RFC 5321 4.5.2 */
	struct dot_reader dot;
	struct header header;
	char date[CLOCK_TEXT_MAX]; /* when the text began; with names of then, for what the header lacks */
	char fqdn[DOMAIN_MAX + 1];
	char domain[DOMAIN_MAX + 1];
};

bool transaction_init(struct transaction *t, const struct store *store); /* false without memory */
void transaction_free(struct transaction *t);
void transaction_reset(struct transaction *t);

/* What MAIL asks of notices; copies it. */
void transaction_ask(struct transaction *t, const struct dsn_message *dsn);

/* The mailbox of the recipient that was added last may hold MOST octets. */
void transaction_mailbox(struct transaction *t, uint64_t most);

/* The envelope is whole: begins the message and writes its head. REPLY_NONE, or why it can't be. */
enum reply_id transaction_open(struct transaction *t, const struct transaction_limits *limits,
			       const struct transaction_origin *origin);

/*
 * The next text from the client; returns how many octets were taken: all, unless the end of DATA was found
 * (t->dot.ended). Trouble is kept in t->refusal, and what follows is read and thrown away.
 */
size_t transaction_text(struct transaction *t, struct span in);

/* The end of the text: makes the message durable and hands it over, or says why not. The caller resets in either case.
 */
enum reply_id transaction_commit(struct transaction *t);

/* The reply to what the store says: 0 or -errno. */
enum reply_id transaction_reply(int error);

#endif
