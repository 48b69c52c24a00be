/*
 * The dialogue with one filter in one SMTP session: the state machine of our side of the milter protocol, as Postfix
 * speaks it. Pure: the caller writes m->out to the filter, reads its octets, and keeps the time.
 *
 *	state     event                      answers, beside those of every event: c a d r t y 4 p
 *	new       milter_init: O             O
 *	session   connect, helo              f (connect only)
 *	message   mail, rcpt, data
 *	content   header, eoh, body, eom     s (body only); before the answer to eom: h i m b + 2 - e q
 *	passed    no event is sent: of the session after `a` to connect or helo; of the message after `a`, `d` or a
 *	          refusal later, but for the refusal of one recipient
 *	refused   no event is sent: after r t y f to connect or helo, and after 4
 *	down      no event is sent: after a fault
 *
 * An event is sent along with the macros of its stage, unless the filter does not want it. Nothing is sent in vain: a
 * caller need not ask for the state.
 */
#ifndef SMTPD_MILTER_MILTER_H
#define SMTPD_MILTER_MILTER_H

#include "smtpd/milter/edits.h"
#include "smtpd/milter/milter_wire.h"

enum {
	MILTER_BODY_MAX = MILTER_DATA_MAX, /* octets of a piece of the body: Postfix sends as many */
	MILTER_OUT_FLUSH = 64 << 10,       /* write m->out, at the latest, when it has as many */
	MILTER_OUT_MAX = 512 << 10,
	MILTER_WORDS_MAX = 200,
	MILTER_LISTS_MAX = 8 << 10 /* octets of a filter's own lists of macros */
};

enum milter_state {
	MILTER_NEW,
	MILTER_SESSION,
	MILTER_MESSAGE,
	MILTER_CONTENT,
	MILTER_PASSED_MESSAGE,
	MILTER_PASSED,
	MILTER_REFUSED,
	MILTER_DOWN
};

/* What a packet of the filter says. */
enum milter_result {
	MILTER_MORE,      /* no whole packet: read more */
	MILTER_PROGRESS,  /* the filter is still at it: the time limit begins anew */
	MILTER_EDIT,      /* it was noted in m->edits: read on */
	MILTER_BODY,      /* m->piece is a piece of the new body: store it, read on */
	MILTER_READY,     /* the negotiation is over */
	MILTER_CONTINUE,  /* and all that follow: the answer to the event */
	MILTER_ACCEPT,    /* see above */
	MILTER_SKIP,      /* no more of the body is wanted */
	MILTER_DISCARD,   /* 250, and no recipient gets the message */
	MILTER_REJECT,    /* 550 5.7.1 */
	MILTER_TEMPFAIL,  /* 451 4.7.1 */
	MILTER_REPLY,     /* m->reply */
	MILTER_SHUTDOWN,  /* 421 */
	MILTER_CONN_FAIL, /* the connection is refused */
	MILTER_FAULT      /* the filter broke the protocol: close its connection; m->words says how */
};

/* A macro as Postfix names it, "j" or "{daemon_name}", and its value, which may be empty. */
struct milter_macro {
	const char *name;
	struct span value;
};

/* The macros known at an event; the machine sends those of its stage that the filter wants. */
struct milter_macros {
	const struct milter_macro *at;
	size_t n;
};

struct milter_client {
	struct span name;    /* "client.example"; empty if it has none: then "[address]" is sent, as by Postfix */
	char family;         /* '4', '6', 'L' for a local socket, 'U' for unknown: without port and address */
	uint16_t port;       /* in host order */
	struct span address; /* without brackets */
};

struct milter {
	enum milter_state state;
	struct str out;     /* to be written to the filter: take it and str_clear; `failed`: no memory, give up */
	uint32_t version;   /* chosen by the filter, as are the next two */
	uint32_t actions;   /* MILTER_ADD_FIELDS ... */
	uint32_t protocol;  /* MILTER_NO_CONNECT ... */
	char awaited;       /* letter of the event that waits for an answer; 0: none does */
	bool skip;          /* no more of the body is wanted */
	bool header_macros; /* those of the header were sent in this message */
	bool body_macros;   /* and those of the body */
	bool body_over;     /* the filter has sent something else after the new body */
	struct edits edits; /* of the message */
	struct span piece;  /* of the new body, within the octets given to milter_take */
	struct milter_reply reply;
	/* Of a fault; without one, of what had no effect since the event was sent. "" = nothing. */
	char words[MILTER_WORDS_MAX];
	struct span lists[MILTER_STAGE_COUNT];
	struct arena arena; /* of the lists */
};

/* Begins: m->out has the negotiation, and its answer is awaited. */
void milter_init(struct milter *m);
void milter_free(struct milter *m);

/*
 * Events. Each appends packets to m->out and returns whether the filter will answer: then write m->out, and call
 * milter_take until it returns an answer. On false m->out may wait for the next event. ARGS of mail and rcpt:
 * "<sender@domain>", then the ESMTP parameters, as the client sent them. What does not fit a packet is left out.
 */
bool milter_connect(struct milter *m, const struct milter_client *client, struct milter_macros macros);
bool milter_helo(struct milter *m, struct span name, struct milter_macros macros);
bool milter_mail(struct milter *m, const struct span *args, size_t n, struct milter_macros macros);
bool milter_rcpt(struct milter *m, const struct span *args, size_t n, struct milter_macros macros);
bool milter_data(struct milter *m, struct milter_macros macros);
bool milter_unknown(struct milter *m, struct span line);

/* FIELD: from the name to its last line end. Leave out our own Received, wherever it stands. A field beyond 64 K is
 * shown cut. */
bool milter_header(struct milter *m, struct span field, struct milter_macros macros);
bool milter_eoh(struct milter *m, struct milter_macros macros);
/* PIECE: at most MILTER_BODY_MAX octets, line ends CRLF. Fill it up: a packet has its price in the filter. */
bool milter_body(struct milter *m, struct span piece, struct milter_macros macros);
bool milter_eom(struct milter *m, struct milter_macros macros);

/* Whether milter_header or milter_body may send anything at all: otherwise the message need not be read for it. */
bool milter_wants_header(const struct milter *m);
bool milter_wants_body(const struct milter *m);

/* Whether there is a point in milter_eom: false if the message is not shown to the filter, or no longer. */
bool milter_wants_message(const struct milter *m);

/*
 * The message is over: call it after RSET, a refused MAIL or message, and after a message that was accepted;
 * milter_mail and milter_helo call it themselves. The filter gives no answer. m->edits is reset.
 */
void milter_abort(struct milter *m);

/* The session is over, and with it a message. No answer either; close the connection after m->out was written. */
void milter_quit(struct milter *m);

/*
 * Takes one packet off IN, what was read and not yet taken; *taken is its size, 0 with MILTER_MORE, which needs
 * MILTER_PACKET_MAX octets at most. Octets that are left over after an answer were not asked for: give them to
 * milter_take before the next event, and it is a MILTER_FAULT.
 *
 * The edits of a message count after MILTER_CONTINUE or MILTER_ACCEPT to milter_eom, and only then; m->edits has them
 * until the next milter_mail or milter_abort. The new body is of any line ends, and its last line may lack one: pass it
 * through a dot_reader with `plain` and `repair`.
 */
enum milter_result milter_take(struct milter *m, struct span in, size_t *taken);

/* After a time-out, an error or the end of the connection: the fault WHAT, as a phrase like "did not answer", is noted
 * in m->words along with the event that waits. */
void milter_down(struct milter *m, const char *what);

#endif
