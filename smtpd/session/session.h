/*
 * One SMTP session as a state machine without I/O. Whoever drives it (serve.h, tests, fuzzers) feeds it lines and
 * octets as session_wants says, and sends what stands in `out`. Messages go to a store.h.
 *
 *	state     what has happened               moves on by
 *	START     greeted                         HELO EHLO: READY
 *	READY     no transaction                  MAIL: MAIL
 *	MAIL      sender taken                    RCPT: RCPT; RSET HELO EHLO: READY
 *	RCPT      and recipients                  DATA: DATA; BDAT: CHUNK; RSET HELO EHLO: READY
 *	DATA      text up to CRLF . CRLF          its end: READY, message stored or refused
 *	CHUNK     octets of a BDAT chunk          its end: BDAT, or READY when it was the LAST or refused
 *	BDAT      between two chunks              BDAT: CHUNK; RSET HELO EHLO: READY
 *	STARTTLS  the client may begin TLS        session_secured: START
 *	AUTH      a mechanism asks the client     its end: READY
 *	TURNED    the client is the host now      the driver carries octets, then session_close
 *	CLOSED    the last reply has been said
 *
 * What a refusal (a reply from 400 on) leads to:
 *
 *	MAIL, RCPT   the state is as it was
 *	DATA         out of order or malformed: as it was. Otherwise READY, and nothing is stored
 *	BDAT         START stays START. Otherwise READY, and nothing is stored
 *	AUTH         READY, and nobody is authenticated
 *	421, HTTP, bare line end, BDAT whose length can't be told or is beyond LIMIT_SKIP: CLOSED
 */
#ifndef SMTPD_SESSION_SESSION_H
#define SMTPD_SESSION_SESSION_H

#include "common/config/config.h"
#include "smtpd/auth/auth.h"
#include "smtpd/policy/names.h"
#include "smtpd/protocol/limits.h"
#include "smtpd/session/etrn.h"
#include "smtpd/session/transaction.h"

enum session_state {
	SESSION_START,
	SESSION_READY,
	SESSION_MAIL,
	SESSION_RCPT,
	SESSION_DATA,
	SESSION_CHUNK,
	SESSION_BDAT,
	SESSION_STARTTLS,
	SESSION_AUTH,
	SESSION_TURNED,
	SESSION_CLOSED,
	SESSION_STATE_COUNT
};

/* In words for people: "recipients given". */
const char *session_state_words(enum session_state state);

/*
 * How the lines of a session end. With bare_newlines repair a client may end its lines, and the data, with LF alone:
 * all of them, and only when its very first line ended so. Once a client has sent CRLF, a bare LF may come from
 * somebody behind it, who wants to smuggle commands.
 */
enum session_lines { SESSION_LINES_UNSEEN, SESSION_LINES_CRLF, SESSION_LINES_LF };

enum session_wants {
	SESSION_WANTS_LINE,
	SESSION_WANTS_OCTETS,
	SESSION_WANTS_HANDSHAKE, /* what has come in clear is thrown away; then session_secured, or session_close */
	SESSION_WANTS_TURN,      /* what comes and goes is carried by `turn` until it ends; then session_close */
	SESSION_WANTS_CLOSE
};

/* TLS of this connection. Texts are borrowed for the session. */
struct session_tls {
	bool offered; /* there is a certificate, and no TLS yet */
	bool on;
	const char *version; /* "TLSv1.3" */
	const char *cipher;
	int bits;
	bool binding_exporter; /* what the channel binding is; see auth.h */
	unsigned char binding[TLS_BINDING_MAX];
	size_t binding_len;
};

struct session_chunk {
	uint64_t octets; /* as announced */
	uint64_t left;
	bool last;
	enum reply_id refusal; /* REPLY_NONE = its octets belong to the message */
	enum session_state after_refusal;
};

struct session {
	const struct config_server *config; /* borrowed; may be another one before each command, never within one */
	enum session_state state;
	struct str out;            /* replies not yet sent */
	const struct names *names; /* borrowed; NULL = nobody knows names */
	struct session_tls tls;
	struct auth *auth;              /* borrowed; NULL = nobody can authenticate */
	struct auth_peer peer;          /* of the exchange */
	struct auth_exchange *exchange; /* in AUTH; of `auth` */
	struct auth_identity identity;  /* who has authenticated; client.user points into it */
	unsigned auth_failures;
	bool after_auth; /* an AUTH was said: what comes may be a secret */
	struct policy_client client;
	char client_text[IPADDR_TEXT_MAX];
	char helo[LIMIT_HELO + 1];
	bool esmtp;
	enum session_lines lines; /* unseen also after a handshake: what was said in clear may be somebody else's */
	bool quit;                /* the client has said so */
	unsigned errors;          /* replies 5xx since the last message taken */
	unsigned idle;            /* commands since then that bring no message nearer */
	uint64_t octets;          /* message text taken in this session */
	uint64_t messages;
	struct span line;        /* the command in hand, for the log */
	const struct etrn *etrn; /* borrowed; NULL = no mail can be asked for */
	unsigned etrns;          /* ETRN and ATRN said */
	struct etrn_turn turn;   /* in TURNED; owned */
	struct transaction tx;
	struct session_chunk chunk;
};

/* False without memory. CONFIG and STORE are borrowed. */
bool session_init(struct session *s, const struct config_server *config, const struct store *store,
		  const struct ipaddr *client);

/* The connection is gone, or the session is over: what was not acknowledged is undone. */
void session_free(struct session *s);

/* This client may connect; otherwise it is said, and the session is over. */
bool session_admits(struct session *s);

/* Greets whom session_admits. */
void session_greet(struct session *s);
enum session_wants session_wants(const struct session *s);

/* Octets of a line that may come now. */
size_t session_line_max(const struct session *s);

/* A line without its line end; BARE: it did not end in CRLF, or holds a CR. See enum session_lines. */
void session_line(struct session *s, struct span line, bool bare);
void session_line_too_long(struct session *s);

/* Says ID with its arguments; from 400 on it is logged, from 500 on counted, and a 421 closes. */
void session_reply(struct session *s, enum reply_id id, struct span first, struct span second);

/* The same with our name as $1: for all replies that have no other argument. Of the driver: time-outs and the like. */
void session_say(struct session *s, enum reply_id id);

/* Whoever has authenticated here may no longer do so: as good as a 421 before the next command. Harmless in a signal
 * handler while the session waits for a line. */
bool session_revoked(struct session *s);

/* The handshake is done: the session is as after the greeting, and nothing that was said before it counts
 * (RFC 3207 4.2). Before session_greet for a listener with `tls`. */
void session_secured(struct session *s, const struct session_tls *tls);

/* Octets of a message; returns how many were taken: all, unless the message or chunk ended before. */
size_t session_octets(struct session *s, struct span octets);

/* --- for the commands (cmd.h) --- */

struct params;

/* Parses what follows a path; false when it has been refused with a reply. ALLOWED: enum params_allowed. */
bool session_params(struct session *s, struct span text, unsigned allowed, struct params *out);

/* The client's name is known afterwards, or that it has none: looked up once a session. */
void session_learn_name(struct session *s);

/* Undoes the transaction; READY, or START before hello, or still CLOSED. */
void session_reset(struct session *s);

/* Says ID with our name as $1, without a line in the log: the caller has written one. */
void session_say_quietly(struct session *s, enum reply_id id);

/* Says no more and wants no more. */
void session_close(struct session *s);

/* The text is complete: commits, says so or why not, and resets. */
void session_message_end(struct session *s);

/* Begins the message in the store. REPLY_NONE, or why it can't be. */
enum reply_id session_message_begin(struct session *s, bool chunked);

#endif
