/*
 * The SMTP client as a state machine without I/O (RFC 5321, 2920, 1870, 6152, 3207, 4954). The caller feeds it the
 * lines of the host. It returns what to do next, and `out` has what to send. The state is the awaited reply:
 *
 *	state      event                   action                                            next state
 *	SECURING   dialogue_secured        before the greeting (implicit)                    GREETING
 *	                                   after STARTTLS: forgets the greeting, sends EHLO  EHLO
 *	           dialogue_broken         no fallback here: the caller decides (tls_failed) CLOSED
 *	GREETING   2xx                     sends EHLO (or HELO)                              EHLO, HELO
 *	           other                   QUIT; the caller tries the next host              CLOSED
 *	EHLO       2xx                     notes the extensions, and continues (below)
 *	           5xx                     sends HELO                                        HELO
 *	           other                   QUIT                                              CLOSED
 *	HELO       2xx                     continues (below)
 *	           other                   QUIT                                              CLOSED
 *	continues  in clear, TLS is wanted and offered   sends STARTTLS                      STARTTLS
 *	           in clear, TLS is required             QUIT                                CLOSED
 *	           credentials, not permitted here       QUIT                                CLOSED
 *	           credentials                           sends AUTH                          AUTH
 *	           otherwise                                                                 READY
 *	STARTTLS   2xx                     the handshake                                     SECURING
 *	           4xx 5xx                 QUIT; with opportunistic tls_failed is set        CLOSED
 *	AUTH       334                     answers; cancels after 10                         AUTH, CLOSED
 *	           2xx                     has the host authenticated itself? (else QUIT)    READY, CLOSED
 *	           4xx 5xx                 QUIT; always delayed: the credentials are ours    CLOSED
 *	READY      dialogue_begin          too large: decides locally                        READY
 *	                                   sends MAIL; with PIPELINING RCPT and DATA too     MAIL
 *	MAIL       2xx                     sends RCPT                                        RCPT
 *	           4xx 5xx                 decides for all; takes the outstanding replies    RCPT, DATA, READY
 *	           530 and the like        the host refuses us, not the message: QUIT        CLOSED
 *	RCPT       2xx                     accepted; next RCPT, after the last one DATA      RCPT, DATA
 *	           4xx 5xx                 decides for this recipient (452 after accepted    RCPT, DATA, RSET
 *	                                   ones: it waits for another transaction)
 *	RCPT, DATA 530 and the like        as 4xx: only some recipients may require authentication
 *	DATA       354, some accepted      sends the message                                 BODY
 *	           354, none accepted      sends the single dot                              DOT
 *	           4xx 5xx                 decides for the accepted, RSET                    RSET, READY
 *	BODY       dialogue_sent                                                             FINAL
 *	           4xx 5xx                 decides for the accepted                          CLOSED
 *	FINAL      2xx 4xx 5xx             decides for the accepted; "relayed" if they want  READY
 *	                                   a notice of success and the host has no DSN
 *	DOT, RSET  any                                                                       READY
 *	any        an invalid reply line   ignored; with several outstanding replies, for one of which it may have been
 *	                                   meant, as a lost connection. An empty line is always ignored
 *	any        421, time-out, loss     before FINAL open recipients stay open: nothing was handed over, and another
 *	                                   host may be tried; in FINAL the accepted are delayed                CLOSED
 *
 * A recipient still open at CLOSED may be tried with another host. When no host is left it gets `failure`.
 */
#ifndef DELIVERY_SMTP_DIALOGUE_H
#define DELIVERY_SMTP_DIALOGUE_H

#include "common/base/str.h"
#include "common/config/config.h"
#include "common/mail/reply.h"
#include "delivery/auth/sasl.h"
#include "delivery/report/outcome.h"
#include "delivery/smtp/capabilities.h"

enum dialogue_state {
	DIALOGUE_GREETING,
	DIALOGUE_EHLO,
	DIALOGUE_HELO,
	DIALOGUE_STARTTLS,
	DIALOGUE_SECURING,
	DIALOGUE_AUTH,
	DIALOGUE_READY,
	DIALOGUE_MAIL,
	DIALOGUE_RCPT,
	DIALOGUE_DATA,
	DIALOGUE_BODY,
	DIALOGUE_FINAL,
	DIALOGUE_DOT,
	DIALOGUE_RSET,
	DIALOGUE_CLOSED,
	DIALOGUE_STATE_COUNT
};

/* What the caller does next, after sending `out`. */
enum dialogue_next {
	DIALOGUE_READ,      /* read a line */
	DIALOGUE_HANDSHAKE, /* discard what came in clear, begin TLS; then dialogue_secured or dialogue_broken */
	DIALOGUE_SEND_BODY, /* send message and final dot, then dialogue_sent; or dialogue_line if the host interrupts
			     */
	DIALOGUE_IDLE,      /* READY: begin a transaction, or dialogue_quit */
	DIALOGUE_HANG_UP    /* CLOSED */
};

/* How a connection ends without a reply. */
enum dialogue_break {
	DIALOGUE_LOST,      /* closed or reset */
	DIALOGUE_TIMEOUT,   /* no reply in time */
	DIALOGUE_GARBLED,   /* an invalid reply, or one too long; `reply` has what came */
	DIALOGUE_UNTRUSTED, /* the handshake failed, or the certificate does not match; TEXT has the reason */
	DIALOGUE_OURS       /* a local failure: the message file can't be read */
};

enum {
	DIALOGUE_WINDOW = 128,        /* RCPT with outstanding replies: the replies fit any receive buffer */
	DIALOGUE_OUT_MAX = 128 * 1024 /* room for DIALOGUE_WINDOW commands of ADDRESS_MAX, DSN_ORCPT_MAX and a little */
};

/* The security that a connection needs before it gets mail, and the security that it has. */
struct dialogue_security {
	enum config_tls tls; /* encrypt and verify: no mail in clear */
	enum config_tls_missing missing;
	bool dane;               /* DNS demands it, not the configuration */
	bool implicit;           /* TLS before the greeting */
	const struct sasl *sasl; /* NULL = no authentication */
	struct span credentials; /* the block of that user, for texts */
	bool authenticated;      /* the host accepted that user */
	bool refused;            /* the host refused its password or access token */
	bool found;              /* the host was found by MX and gets no credentials */
	bool auth_unverified;    /* credentials may go over any connection */
	bool secured, verified;  /* what the connection has */
};

struct dialogue_mail {
	struct span sender;
	uint64_t size; /* octets of the message proper */
	bool eight_bit;
	bool return_eight_bit;  /* return it when the host does not offer 8BITMIME; otherwise send it as it is */
	struct dsn_message dsn; /* the DSN parameters */
	struct span written;    /* the block that names these hosts, for texts */
};

struct dialogue {
	enum dialogue_state state;
	bool use_helo;
	struct dialogue_security security;
	struct span name; /* our name, for EHLO */
	struct span host; /* the host's name for outcomes */
	struct span tls;  /* TLS parameters for outcomes; empty = in clear */
	bool tls_failed;  /* opportunistic TLS failed to start: the caller may try in clear, on a new connection */
	struct capabilities can;
	struct reply reply; /* being collected */
	struct str out;     /* to be sent; the caller clears it */
	struct str initial; /* the initial answer of AUTH, sent after the first challenge */
	unsigned rounds;    /* challenges answered */
	/* The transaction. */
	const struct dialogue_mail *mail;
	struct outcomes *outcomes;
	size_t sent, answered; /* of outcomes->rcpts: number sent, and number answered */
	unsigned outstanding;  /* replies to RCPT */
	size_t accepted;
	bool data_sent;
	bool refused; /* the host refused MAIL */
	/* The outcome of open recipients when no other host is left. */
	struct outcome failure;
	char failure_text[REPLY_TEXT_MAX + 1];
};

/* Call once before the first connection, and at the end. */
void dialogue_init(struct dialogue *d, struct span name);
void dialogue_free(struct dialogue *d);

/*
 * A connection to HOST (borrowed) is open: waits for the greeting, or first for a handshake. d->security says what is
 * required.
 */
enum dialogue_next dialogue_start(struct dialogue *d, struct span host, bool use_helo);

/*
 * The handshake is done; VERIFIED: the certificate matches the host. TLS (borrowed) describes it for logs. Where
 * d->security requires verification and VERIFIED is false, call dialogue_broken instead.
 */
enum dialogue_next dialogue_secured(struct dialogue *d, bool verified, struct span tls);

/* In READY: tries all open recipients. MAIL and OUTCOMES are borrowed until IDLE or HANG_UP. */
enum dialogue_next dialogue_begin(struct dialogue *d, const struct dialogue_mail *mail, struct outcomes *outcomes);

/* The host sent LINE (without line end). */
enum dialogue_next dialogue_line(struct dialogue *d, struct span line);

/* The connection is closing, and the host's last text, TEXT, has no line end: dialogue_broken quotes it. */
void dialogue_remnant(struct dialogue *d, struct span text);

/* In BODY: all of the message and the final dot have been sent. */
enum dialogue_next dialogue_sent(struct dialogue *d);

/* No more replies will come. TEXT is the reason for DIALOGUE_OURS; otherwise it may be empty. */
enum dialogue_next dialogue_broken(struct dialogue *d, enum dialogue_break how, struct span text);

/* OUTCOME becomes `failure`, when a host could not be reached. Its host is borrowed, its text copied. */
void dialogue_note_failure(struct dialogue *d, struct outcome outcome);

/* In READY: appends QUIT to `out`. Its reply need not be awaited. */
void dialogue_quit(struct dialogue *d);

/* What the dialogue waits for: "the reply to EHLO". */
const char *dialogue_waits_for(const struct dialogue *d);

/* How long the reply (or in BODY the next block) may take, in ms: RFC 5321 4.5.3.2. */
int64_t dialogue_timeout(const struct dialogue *d);

/* --- between dialogue.c and dialogue_send.c --- */

/* Appends MAIL with the parameters that the host knows. */
void dialogue_say_mail(struct dialogue *d);

/* Appends the RCPT and DATA that may be sent now: with PIPELINING ahead of the replies, otherwise one at a time. */
void dialogue_send_ahead(struct dialogue *d);

/* The host can't take the message as it is: decides for all recipients before anything is sent. */
bool dialogue_decided_locally(struct dialogue *d);

#endif
