/*
 * The DKIM signatures of a message: the block dkim is chosen by the domain in From, which is what DMARC compares (RFC
 * 7489 3.1), and each of its selectors gives one signature. The signer has the keys (delivery/auth/signer.h).
 */
#ifndef DELIVERY_SMTP_SIGN_H
#define DELIVERY_SMTP_SIGN_H

#include "delivery/auth/signer.h"
#include "delivery/report/outcome.h"

enum { SIGN_MS = 10 * 1000 /* for the signer to answer */, SIGN_NAMES_MAX = 320 };

/* What an SMTP client signs with. */
struct signing {
	const struct signer *signer;
	int link; /* of this client to the signer */
};

struct sign_text {
	const struct signing *signing;
	struct span id;     /* of the message, for the log */
	struct span header; /* as it is sent, without the empty line behind it */
	size_t line_max;    /* as in struct dot_writer */
	uint64_t at, size;  /* in the message file: offset of that empty line, and the end */
	/* The file from AT on, some octets of it; empty: it can't be read, errno, EPIPE = it is shorter. */
	struct span (*read)(void *context, uint64_t at);
	void *context;
};

/*
 * Sets *WHY: the mail waits for the reason TEXT, a copy of which lasts until the next call. Its code keeps the queue
 * from taking the next hop for one that is down: only this mail waits. Returns false.
 */
bool sign_must_wait(struct outcome *why, struct enhanced enhanced, const char *text);

/*
 * Appends the fields DKIM-Signature of TEXT to FIELDS, and writes what signed it to SIGNED_BY (SIGN_NAMES_MAX).
 * Both stay empty if no block dkim has the domain in From, or if no verifier would accept a signature of TEXT, which is
 * logged. False: the message must wait; *why has the reason, until the next call.
 */
bool sign_message(const struct sign_text *text, struct str *fields, char *signed_by, struct outcome *why);

#endif
