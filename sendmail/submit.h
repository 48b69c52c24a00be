/*
 * One message on its way into the door: its header is collected, then the file is begun, then the text goes through.
 * The same for a message on standard input and for one of an SMTP dialogue.
 */
#ifndef SENDMAIL_SUBMIT_H
#define SENDMAIL_SUBMIT_H

#include "sendmail/caller.h"
#include "sendmail/compose.h"
#include "sendmail/drop.h"
#include "sendmail/options.h"
#include "sendmail/text.h"

enum { SUBMIT_SLICE = 16 * 1024 };

struct submit {
	struct drop *drop;
	const struct caller *caller;
	const char *full_name; /* of From, where it is missing; NULL = the caller's, if he named no other sender */
	struct compose compose;
	bool from_header;       /* recipients of the header, too */
	struct dsn_rcpt notify; /* of those */
	struct text_reader text;
	struct str header;
	size_t header_at; /* see fields_end */
	bool begun;       /* the header is over, the file is open */
	bool blank;       /* an empty line may follow that ended the header */
	uint64_t octets;
	struct failure failure;
	char slice[2 * SUBMIT_SLICE + TEXT_EXTRA];
};

/* An empty message for the recipients that s->compose gets; DROP and CALLER are borrowed. */
void submit_init(struct submit *s, struct drop *drop, const struct caller *caller, const char *full_name);
void submit_free(struct submit *s);

/* Undoes what was begun; the next message may follow. */
void submit_reset(struct submit *s, enum text_dots dots);

/* What compose_... said, as s->failure. */
bool submit_composed(struct submit *s, enum compose_result result);

/*
 * The next text as the program wrote it; returns how many octets were taken: all, unless the end was found
 * (s->text.ended). After a failure, which s->failure keeps, the rest is taken and forgotten.
 */
size_t submit_text(struct submit *s, struct span in);

/* The end: makes the message durable. False: s->failure says why, and nothing is left. */
bool submit_commit(struct submit *s);

#endif
