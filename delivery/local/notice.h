/*
 * The notice to the sender of a message: a multipart/report (RFC 6522) with a text for people, a delivery status for
 * programs (RFC 3464), and the message or its headers. Pure. The same facts give the same octets, so a notice that is
 * written twice has one name.
 *
 *	notice.c          the message: envelope, header, parts
 *	notice_human.c    the first part; notice_words.c has its texts in each language
 *	notice_report.c   the second part
 *	notice_facts.c    the facts of the journal
 */
#ifndef DELIVERY_LOCAL_NOTICE_H
#define DELIVERY_LOCAL_NOTICE_H

#include "common/config/config.h"
#include "common/recipients/notice_rcpts.h"
#include "delivery/local/notice_facts.h"

enum {
	NOTICE_HEADERS_MAX = 10 * 1024, /* octets of the message's headers that are returned */
	NOTICE_FULL_MAX = 2 << 20,      /* of a message that is returned whole; of a larger one only the headers */
	NOTICE_HUMAN_MAX = 64 * 1024,   /* octets of the list for people, roughly */
	NOTICE_MAX =
		20 << 20 /* as many recipients as an envelope holds; as many, each with its own text, in the report */
};

struct notice {
	const char *fqdn;
	const char *postmaster;
	enum config_language language;
	const struct notice_rcpts *rcpts; /* its recipients */
	struct span id;                   /* of the notice: also tells its time */
	struct span message_id;           /* of the message, as in the log: also has its time */
	const struct envelope *envelope;
	const struct notice_fact
		*facts;      /* one for each recipient of the envelope; those with NOTICE_NOTHING are left out */
	int64_t until_ms;    /* until when delayed ones are tried */
	struct span headers; /* the start of the message proper, at most NOTICE_HEADERS_MAX */
	uint64_t octets;     /* of the message proper */
	bool eight_bit;      /* it has 8-bit text */
};

/* The subject of the notice: the gravest action of its facts. */
enum notice_action notice_action(const struct notice *notice);

/*
 * Whether the whole message is returned: its sender wants that (RET=FULL), a recipient failed, and it is not too large.
 */
bool notice_is_full(const struct notice *notice);

/*
 * Appends the message file, envelope lines first. With notice_is_full the message proper follows unchanged, and then
 * notice_end; the notice has 8-bit text if the message has. Otherwise this is the whole notice, in 7 bits.
 */
void notice_write(const struct notice *notice, struct str *to);
void notice_end(const struct notice *notice, struct str *to);

/* The parts, for notice_write. Appends the message's subject in one line of UTF-8. */
void notice_original_subject(const struct notice *notice, struct str *to);
void notice_write_human(const struct notice *notice, struct str *to);
void notice_write_report(const struct notice *notice, struct str *to);

#endif
