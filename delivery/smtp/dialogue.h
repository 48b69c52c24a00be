/*
 * The SMTP client as a state machine without I/O (RFC 5321, 2920, 1870, 6152, 3207, 4954). It is fed the lines that the
 * host sent and says what to do next; what is to be sent stands in `out`. The state is the reply that is waited for:
 *
 *	state      on                      does                                              then
 *	SECURING   dialogue_secured       before the greeting (implicit)                    GREETING
 *	                                   after STARTTLS: forgets what it can, sends EHLO   EHLO
 *	           dialogue_broken        no fallback here: the owner decides (tls_failed)  CLOSED
 *	GREETING   2xx                     sends EHLO (or HELO)                              EHLO, HELO
 *	           other                   QUIT; the next host may do better                 CLOSED
 *	EHLO       2xx                     notes what the host can; goes on (below)
 *	           5xx                     sends HELO                                        HELO
 *	           other                   QUIT                                              CLOSED
 *	HELO       2xx                     goes on (below)
 *	           other                   QUIT                                              CLOSED
 *	goes on    clear, TLS is wanted and offered      sends STARTTLS                      STARTTLS
 *	           clear, TLS is a must                  QUIT                                CLOSED
 *	           credentials, may not go here          QUIT                                CLOSED
 *	           credentials                           sends AUTH                          AUTH
 *	           otherwise                                                                 READY
 *	STARTTLS   2xx                     the handshake                                     SECURING
 *	           4xx 5xx                 QUIT; with opportunistic tls_failed is set        CLOSED
 *	AUTH       334                     answers; gives up after 10                        AUTH, CLOSED
 *	           2xx                     has the host proved itself? (QUIT if not)         READY, CLOSED
 *	           4xx 5xx                 QUIT; delayed in any case: it is our password     CLOSED
 *	READY      dialogue_begin          too large: decides without asking                 READY
 *	                                   sends MAIL; with PIPELINING RCPT and DATA too     MAIL
 *	MAIL       2xx                     sends RCPT                                        RCPT
 *	           4xx 5xx                 decides for all; takes the replies under way      RCPT, DATA, READY
 *	RCPT       2xx                     accepted; next RCPT, after the last one DATA      RCPT, DATA
 *	           4xx 5xx                 decides for this recipient (452 after accepted    RCPT, DATA, RSET
 *	                                   ones: it waits for another transaction)
 *	MAIL       530 and its like        it is not us it takes mail from: QUIT, the next host or wait          CLOSED
 *	RCPT, DATA 530 and its like        as 4xx: a host may want authentication for some recipients only
 *	DATA       354, some accepted      the message is to be sent                         BODY
 *	           354, none accepted      sends the single dot                              DOT
 *	           4xx 5xx                 decides for the accepted, RSET                    RSET, READY
 *	BODY       dialogue_sent                                                             FINAL
 *	           4xx 5xx                 decides for the accepted                          CLOSED
 *	FINAL      2xx 4xx 5xx             decides for the accepted; "relayed" those who     READY
 *	                                   want to hear of success from a host without DSN
 *	DOT, RSET  any                                                                       READY
 *	any        a line that is no       passed over; with several replies under way nobody can tell which of them it
 *	           reply                   was meant to be: as loss. An empty line is always passed over
 *	any        421, time-out, loss     before FINAL open recipients stay open: nothing was handed over, so
 *	                                   another host may be tried; in FINAL the accepted are delayed        CLOSED
 *
 * A recipient still open at CLOSED may be tried with another host; when there is none it gets `failure`.
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

/* What to do next, after `out` has been sent. */
enum dialogue_next {
	DIALOGUE_READ,      /* read a line */
	DIALOGUE_HANDSHAKE, /* throw away what came in clear, begin TLS; then dialogue_secured or dialogue_broken */
	DIALOGUE_SEND_BODY, /* send message and final dot, then dialogue_sent; or dialogue_line if the host interrupts
			     */
	DIALOGUE_IDLE,      /* READY: begin a transaction, or dialogue_quit */
	DIALOGUE_HANG_UP    /* CLOSED */
};

/* How a connection ends without a reply. */
enum dialogue_break {
	DIALOGUE_LOST,      /* closed or reset */
	DIALOGUE_TIMEOUT,   /* no reply in time */
	DIALOGUE_GARBLED,   /* what came is no reply, or too long; what it was stands in `reply` */
	DIALOGUE_UNTRUSTED, /* the handshake failed, or the certificate is not the one; TEXT says why */
	DIALOGUE_OURS       /* we can't go on: the message file can't be read */
};

enum {
	DIALOGUE_WINDOW = 128,        /* RCPT whose replies are outstanding: the replies fit any receive buffer */
	DIALOGUE_OUT_MAX = 128 * 1024 /* DIALOGUE_WINDOW commands of ADDRESS_MAX, DSN_ORCPT_MAX and a little */
};

/* What a connection must be before it gets mail, and what it is. */
struct dialogue_security {
	enum config_tls tls; /* encrypt and verify: no mail in clear */
	enum config_tls_missing missing;
	bool dane;               /* it is DNS that wants this, not the configuration */
	bool implicit;           /* TLS before the greeting */
	const struct sasl *sasl; /* NULL = no authentication */
	struct span credentials; /* the block whose user that is, for texts */
	bool authenticated;      /* as that user */
	bool found;              /* the host is one of those that see no user */
	bool auth_unverified;    /* credentials go over any connection */
	bool secured, verified;  /* what the connection has become */
};

struct dialogue_mail {
	struct span sender;
	uint64_t size; /* octets of the message proper */
	bool eight_bit;
	bool return_eight_bit;  /* when the host does not offer 8BITMIME; else it goes as it is */
	struct dsn_message dsn; /* what was asked of notices */
	struct span written;    /* the block whose hosts these are, for texts */
};

struct dialogue {
	enum dialogue_state state;
	bool use_helo;
	struct dialogue_security security;
	struct span name; /* ours, for EHLO */
	struct span host; /* theirs, as outcomes show it */
	struct span tls;  /* how the connection is secured, as outcomes show it; empty = in clear */
	bool tls_failed;  /* CLOSED over the beginning of opportunistic TLS: clear may do, on a new connection */
	struct capabilities can;
	struct reply reply; /* being collected */
	struct str out;     /* to be sent; the caller clears it */
	struct str initial; /* answer in AUTH that waits for the first challenge */
	unsigned rounds;    /* challenges answered */
	/* The transaction. */
	const struct dialogue_mail *mail;
	struct outcomes *outcomes;
	size_t sent, answered; /* of outcomes->rcpts: these were sent, and answered */
	unsigned outstanding;  /* replies to RCPT */
	size_t accepted;
	bool data_sent;
	bool refused; /* MAIL was */
	/* What open recipients get when no other host is left. */
	struct outcome failure;
	char failure_text[REPLY_TEXT_MAX + 1];
};

/* Once, before the first connection, and at the end. */
void dialogue_init(struct dialogue *d, struct span name);
void dialogue_free(struct dialogue *d);

/* A connection to HOST (borrowed) stands: waits for the greeting, or wants a handshake before. d->security says what is
 * asked for. */
enum dialogue_next dialogue_start(struct dialogue *d, struct span host, bool use_helo);

/* The handshake is done; VERIFIED: the host is the one that is meant. TLS (borrowed) describes it for logs. Where
 * d->security asks for verify and VERIFIED is false, call dialogue_broken instead. */
enum dialogue_next dialogue_secured(struct dialogue *d, bool verified, struct span tls);

/* In READY: tries all open recipients. MAIL and OUTCOMES are borrowed until IDLE or HANG_UP. */
enum dialogue_next dialogue_begin(struct dialogue *d, const struct dialogue_mail *mail, struct outcomes *outcomes);

/* The host sent LINE (without line end). */
enum dialogue_next dialogue_line(struct dialogue *d, struct span line);

/* No more will come, and the host sent TEXT, which has no line end: for the words of dialogue_broken. */
void dialogue_remnant(struct dialogue *d, struct span text);

/* In BODY: all of the message and the final dot have been sent. */
enum dialogue_next dialogue_sent(struct dialogue *d);

/* No more replies will come. TEXT says why, for DIALOGUE_OURS; otherwise it may be empty. */
enum dialogue_next dialogue_broken(struct dialogue *d, enum dialogue_break how, struct span text);

/* OUTCOME becomes `failure`: a host could not even be reached. Its host is borrowed, its text copied. */
void dialogue_note_failure(struct dialogue *d, struct outcome outcome);

/* In READY: puts QUIT into `out`; its reply needs no waiting for. */
void dialogue_quit(struct dialogue *d);

/* What is waited for, in words: "the reply to EHLO". */
const char *dialogue_waits_for(const struct dialogue *d);

/* How long the reply (or in BODY the next block) may take, in ms: RFC 5321 4.5.3.2. */
int64_t dialogue_timeout(const struct dialogue *d);

#endif
