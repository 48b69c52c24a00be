/*
 * One SMTP session as a state machine without I/O. The driver (serve.h, tests, fuzzers) feeds it lines and octets as
 * session_wants says, and sends the contents of `out`. Messages go to a store.h.
 *
 *	state     after                           next states
 *	PAUSED    the connection (greet_pause)    the greeting: START
 *	START     the greeting                    HELO EHLO: READY
 *	READY     hello, or the end of a message  MAIL: MAIL
 *	MAIL      MAIL                            RCPT: RCPT; RSET HELO EHLO: READY
 *	RCPT      RCPT                            DATA: DATA; BDAT: CHUNK; RSET HELO EHLO: READY
 *	DATA      DATA: text up to CRLF . CRLF    its end: READY, message stored or refused
 *	CHUNK     BDAT: octets of a chunk         its end: BDAT, or READY when it was LAST or refused
 *	BDAT      a chunk that was not LAST       BDAT: CHUNK; RSET HELO EHLO: READY
 *	STARTTLS  STARTTLS: a handshake is due    session_secured: START
 *	AUTH      AUTH, until the exchange ends   its end: READY
 *	ATRN      ATRN: the client gets mail now  the driver carries octets, then session_close
 *	XCLIENT   XCLIENT: another client         its greeting: START, or READY with HELO
 *	CLOSED    the last reply
 *
 * The state after a refusal (a reply from 400 on):
 *
 *	MAIL, RCPT   unchanged
 *	DATA         out of order or malformed: unchanged; otherwise READY, and nothing is stored
 *	BDAT         START stays START; otherwise READY, and nothing is stored
 *	AUTH         READY, not authenticated
 *	421, HTTP, bare line end, BDAT of unknown length or beyond LIMIT_SKIP: CLOSED
 */
#ifndef SMTPD_SESSION_SESSION_H
#define SMTPD_SESSION_SESSION_H

#include "common/config/config.h"
#include "common/recipients/known.h"
#include "smtpd/auth/auth.h"
#include "smtpd/milter/filters.h"
#include "smtpd/policy/listing.h"
#include "smtpd/policy/lists.h"
#include "smtpd/policy/names.h"
#include "smtpd/policy/usage.h"
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
	SESSION_ATRN,
	SESSION_XCLIENT,
	SESSION_CLOSED,
	SESSION_PAUSED,   /* a phase of the worker, as is the next one; no command comes meanwhile */
	SESSION_FILTERED, /* the worker waits for a filter */
	SESSION_STATE_COUNT
};

/* The state for people: "recipients given". */
const char *session_state_words(enum session_state state);

/*
 * The line ends of a session. With bare_newlines repair a client may end its lines, and the data, with LF alone: all of
 * them, and only if its very first line ended so. Once a client has sent CRLF, a bare LF may be smuggled SMTP.
 */
enum session_lines { SESSION_LINES_UNSEEN, SESSION_LINES_CRLF, SESSION_LINES_LF };

enum session_wants {
	SESSION_WANTS_LINE,
	SESSION_WANTS_OCTETS,
	SESSION_WANTS_HANDSHAKE,  /* what came in clear is discarded; then session_secured, or session_close */
	SESSION_WANTS_ATRN_RELAY, /* `atrn` carries the octets until it ends; then session_close */
	SESSION_WANTS_GREETING,   /* the client is another one now: judge and greet it as at its connection */
	SESSION_WANTS_CLOSE
};

/* The TLS parameters of this connection. Texts are borrowed for the session. */
struct session_tls {
	bool offered; /* there is a certificate, and TLS is not in use yet */
	bool on;
	const char *version; /* "TLSv1.3" */
	const char *cipher;
	int bits;
	bool binding_exporter; /* what the channel binding is; see auth.h */
	unsigned char binding[TLS_BINDING_MAX];
	size_t binding_len;
};

struct session_chunk {
	uint64_t octets; /* as declared */
	uint64_t left;
	bool last;
	enum reply_id refusal; /* REPLY_NONE = the octets belong to the message */
	enum session_state after_refusal;
};

/* DNS lists (listed.h): the question, and what came of it. */
struct session_listed {
	int fd;                                /* where the answers come; -1 = none are under way */
	int64_t until_ms;                      /* clock_mono_ms */
	const struct config_server *by;        /* whose lists were asked; NULL = none */
	const struct config_server *judged_by; /* whose scores `verdict` has; NULL = it is not known yet */
	struct listing_verdict verdict;
	char text[DNSBL_TEXT_MAX + 1]; /* if refused: of the list */
};

/* The two ends of the connection beside the client's address, for filters. */
struct session_ends {
	uint16_t client_port; /* 0 = not known, as is all else */
	char daemon[IPADDR_TEXT_MAX];
	uint16_t daemon_port;
};

struct session {
	const struct config_server *config; /* borrowed; may change before each command, never within one */
	enum session_state state;
	struct str out;            /* replies not yet sent */
	const struct names *names; /* borrowed; NULL = names are not looked up */
	const struct lists *lists; /* borrowed; NULL = DNS lists are not asked */
	struct filters *filters;   /* borrowed; NULL = filters are not asked */
	bool filter_refused;       /* the current RCPT */
	struct session_ends ends;
	struct session_listed listed;
	struct session_tls tls;
	struct auth *auth;              /* borrowed; NULL = no authentication */
	struct auth_peer peer;          /* of the exchange */
	struct auth_exchange *exchange; /* in AUTH; of `auth` */
	enum auth_method method;        /* of the exchange */
	struct auth_identity identity;  /* the authenticated user; client.user points into it */
	unsigned auth_failures;
	bool after_auth; /* AUTH was sent: the following lines may be secrets */
	struct policy_client client;
	char client_text[IPADDR_TEXT_MAX];
	char helo[LIMIT_HELO + 1];
	bool esmtp;
	enum session_lines lines;  /* UNSEEN again after a handshake: lines in clear may be forged */
	bool quit;                 /* the client sent QUIT */
	unsigned errors;           /* 5xx replies since the last accepted message */
	unsigned later;            /* 4xx replies since then */
	unsigned idle;             /* commands since then that do not advance a message */
	unsigned over;             /* MAIL commands since then that were over a limit of `client` */
	int64_t pause_ms;          /* for the driver: how long to wait before `out` is sent */
	struct usage *usage;       /* borrowed; NULL = nothing is counted for the client */
	const struct known *known; /* borrowed; NULL = no lists of recipients are there */
	uint64_t octets;           /* message text received in this session */
	uint64_t messages;
	struct span line;            /* the current command, for the log */
	const struct etrn *etrn;     /* borrowed; NULL = no ETRN, no ATRN */
	unsigned etrns;              /* number of ETRN and ATRN commands */
	struct etrn_connection atrn; /* in ATRN; owned */
	struct transaction tx;
	struct session_chunk chunk;
};

/* False: no memory. CONFIG and STORE are borrowed. */
bool session_init(struct session *s, const struct config_server *config, const struct store *store,
		  const struct ipaddr *client);

/* Ends the session or its connection: a message that was not acknowledged is removed. */
void session_free(struct session *s);

/* Whether this client may connect. If not, the reply is ready, and the session is over. */
bool session_admits(struct session *s);

/* Greets a client that session_admits, at its connection or after XCLIENT. */
void session_greet(struct session *s);
enum session_wants session_wants(const struct session *s);

/* The maximum length in octets of the next line. */
size_t session_line_max(const struct session *s);

/* Takes a line without its line end. BARE: it did not end in CRLF, or holds a CR. See enum session_lines. */
void session_line(struct session *s, struct span line, bool bare);
void session_line_too_long(struct session *s);

/* Sends reply ID with its arguments. From 400 on it is logged, from 500 on counted; a 421 closes. */
void session_reply(struct session *s, enum reply_id id, struct span first, struct span second);

/*
 * The same with our name as $1, or that of the client rule that refuses, for all replies without another argument. The
 * driver uses it for time-outs and the like.
 */
void session_say(struct session *s, enum reply_id id);

/*
 * The user of this session may no longer authenticate: 421 before the next command. Safe in a signal handler while the
 * session waits for a line.
 */
bool session_revoked(struct session *s);

/*
 * The handshake is done: the session is as after the greeting, and forgets all that came before (RFC 3207 4.2). On a
 * listener with `tls`, call it before session_greet.
 */
void session_secured(struct session *s, const struct session_tls *tls);

/* Takes octets of a message. Returns how many: all, unless the message or chunk ended before. */
size_t session_octets(struct session *s, struct span octets);

/* --- for the commands (cmd.h) --- */

struct params;

/* Parses what follows a path. False: refused, with the reply sent. ALLOWED: enum params_allowed. */
bool session_params(struct session *s, struct span text, unsigned allowed, struct params *out);

/* Looks up the client's name, once a session. */
void session_learn_name(struct session *s);

/* Whether LF alone ends lines and the data in this session. */
bool session_speaks_lf(const struct session *s);

/* Forgets what the client has said: hello, user and transaction. The state is as after session_reset. */
void session_forget(struct session *s);

/* Undoes the transaction. The next state is READY, or START before hello; CLOSED stays. */
void session_reset(struct session *s);

/* The same as session_reply and session_say without a log line: the caller has written one. */
void session_reply_quietly(struct session *s, enum reply_id id, struct span first, struct span second);
void session_say_quietly(struct session *s, enum reply_id id);

/* Closes the session: no more replies, no more input. */
void session_close(struct session *s);

/* The text is complete: commits it, sends the result, and resets. */
void session_message_end(struct session *s);

/* Begins the message in the store. REPLY_NONE, or the refusal. */
enum reply_id session_message_begin(struct session *s, bool chunked);

#endif
