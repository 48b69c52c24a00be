/*
 * The filters of one session, asked in the order of the configuration: at the commands of the client, and at the end of
 * a message with its content. Each sees the edits of those before it. SMTP sessions, pickup and `filter test` call the
 * same functions. Functions block, within the time limits of each filter, and within FILTERS_CONTENT_MS for the content
 * of a message. The log says what a filter did.
 *
 * A filter that can't be reached, breaks the protocol or takes too long is down. Then its when_down decides about the
 * message, and nothing that it asked for is done. At the next message it is asked anew. A failure inside
 * Mailroot (DIAL_OURS, no memory) is always TEMPFAIL.
 */
#ifndef SMTPD_MILTER_FILTERS_H
#define SMTPD_MILTER_FILTERS_H

#include "common/mail/envelope.h"
#include "smtpd/milter/content.h"
#include "smtpd/milter/macros.h"

enum {
	/* All filters together, for the content of a message: clients wait 10 minutes (RFC 5321 4.5.3.2.6). */
	FILTERS_CONTENT_MS = 8 * 60 * 1000,
	FILTERS_REASON_MAX = ENVELOPE_HOLD_MAX,
	FILTERS_ARGS_MAX = 24 /* of MAIL and RCPT: the address and its parameters */
};

enum filters_verdict {
	FILTERS_PASS,
	FILTERS_DISCARD,   /* 250, but no recipient gets the message; after the content alone */
	FILTERS_REJECT,    /* 5xx */
	FILTERS_TEMPFAIL,  /* 4xx */
	FILTERS_REPLY,     /* filters_reply */
	FILTERS_SHUTDOWN,  /* 421 */
	FILTERS_STOPPED,   /* an order to stop ended the wait: 421 */
	FILTERS_TOO_LARGE, /* the header is too large (content.h): 552 */
	FILTERS_STORE      /* the store failed: f->error */
};

/* Zeroed and initialized by filters_init. */
struct filters {
	const struct filter_services *services; /* NULL = no filter is asked */
	enum config_mail_source source;
	const struct config_server *config; /* whose filters `list` has; NULL = none yet */
	struct filter *list;
	size_t count;
	int64_t deadline;                  /* clock_mono_ms: no answer is awaited longer; at first INT64_MAX */
	bool message;                      /* they have seen MAIL */
	bool discarded;                    /* one of them has discarded the message */
	char hold[FILTERS_REASON_MAX + 1]; /* why the message is held; "" = it is not */
	const struct filter *decider;      /* asked last, so that of a verdict other than PASS; NULL = none was */
	int error;                         /* of FILTERS_STORE: -errno */
};

/* Allocates nothing. SERVICES are borrowed. */
void filters_init(struct filters *f, const struct filter_services *services, enum config_mail_source source);

/* Ends the session with each filter. */
void filters_end(struct filters *f);

/* Whether a filter of CONFIG would be asked about a session of CLIENT: then its name should be known. */
bool filters_concern(const struct filters *f, const struct config_server *config, const struct policy_client *client);

/*
 * Events. FACTS: all that is known at this moment. ARGS of mail and rcpt: "<address>" and the parameters as the client
 * sent them. After connect and hello a verdict other than PASS ends the session; a filter that is down is PASS there.
 */
enum filters_verdict filters_connect(struct filters *f, const struct macros_facts *facts);
enum filters_verdict filters_hello(struct filters *f, const struct macros_facts *facts);
enum filters_verdict filters_mail(struct filters *f, const struct macros_facts *facts, const struct span *args,
				  size_t n);
enum filters_verdict filters_rcpt(struct filters *f, const struct macros_facts *facts, const struct span *args,
				  size_t n);
enum filters_verdict filters_data(struct filters *f, const struct macros_facts *facts);
enum filters_verdict filters_unknown(struct filters *f, const struct macros_facts *facts, struct span line);

/*
 * A recipient that was refused before (facts->refusal): for filters that want to see these, too. FILTERS_PASS,
 * FILTERS_SHUTDOWN or FILTERS_STOPPED: another refusal by a filter changes nothing.
 */
enum filters_verdict filters_refused_rcpt(struct filters *f, const struct macros_facts *facts, const struct span *args,
					  size_t n);

/*
 * The whole MESSAGE is in its store. With PASS, it has the edits, in the store and in *MESSAGE. After FILTERS_STORE
 * nothing may be left of it.
 */
enum filters_verdict filters_content(struct filters *f, const struct macros_facts *facts,
				     struct content_message *message);

/* The message is over: acknowledged, refused or forgotten. Harmless when there is none. */
void filters_abort(struct filters *f);

/* The reply that the filter wants, with FILTERS_REPLY. */
const struct milter_reply *filters_reply(const struct filters *f);

#endif
