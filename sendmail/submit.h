/*
 * One message on its way to the folder: collects its header, then begins the file, then passes the text through. The
 * same for a message on standard input and for one of an SMTP dialogue.
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
	const char *full_name; /* for From, where it is missing; NULL = the caller's, unless another sender was given */
	struct compose compose;
	bool from_header;       /* add the recipients of the header */
	struct dsn_rcpt notify; /* for these */
	struct text_reader text;
	struct str header;
	size_t header_at; /* see fields_end */
	bool begun;       /* the header is complete, and the file is open */
	bool blank;       /* the empty line after the header may follow */
	uint64_t octets;
	struct failure failure;
	char slice[2 * SUBMIT_SLICE + TEXT_EXTRA];
};

/* Begins an empty message; recipients go to s->compose. DROP and CALLER are borrowed. */
void submit_init(struct submit *s, struct drop *drop, const struct caller *caller, const char *full_name);
void submit_free(struct submit *s);

/* Removes what was begun; the next message may follow. */
void submit_reset(struct submit *s, enum text_dots dots);

/* Takes the result of a compose_ function over into s->failure. */
bool submit_composed(struct submit *s, enum compose_result result);

/*
 * Takes text as the program wrote it. Returns how many octets: all, unless the end was found (s->text.ended). After a
 * failure, which is in s->failure, the rest is read and discarded.
 */
size_t submit_text(struct submit *s, struct span in);

/* Ends the message and makes it durable. False: see s->failure; nothing is left. */
bool submit_commit(struct submit *s);

#endif
