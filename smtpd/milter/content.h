/*
 * The message under way, as it stands in the store: shown to a filter, and written anew with its edits. The new text is
 * the second one of the store (store.h), so nothing of the first is lost before all is written.
 */
#ifndef SMTPD_MILTER_CONTENT_H
#define SMTPD_MILTER_CONTENT_H

#include "common/mail/dot.h"
#include "common/mail/envelope.h"
#include "smtpd/accept/recipients.h"
#include "smtpd/accept/store.h"
#include "smtpd/milter/filter.h"

enum {
	CONTENT_HEAD_MAX = ENVELOPE_MAX + EDITS_HEADER_MAX, /* octets of envelope and header */
	CONTENT_FIELDS_MAX = 5000, /* of a header, with our own Received: a filter takes its time for each */
	CONTENT_PIECE = MILTER_BODY_MAX
};

/* A message before filters have seen it, and as they have made it. */
struct content_message {
	const struct store *store;    /* only read, write, replace_begin and replace_end are called */
	struct recipients *named;     /* as the client has named them; those that filters add become named, too */
	char sender[ADDRESS_MAX + 1]; /* "" = the null sender */
	size_t rcpt_count;
	bool rcpts_added; /* by a filter */
	uint64_t octets;  /* of the text: without envelope lines and our own Received */
};

struct content {
	struct content_message *message;
	const struct store *store; /* that of the message */
	const struct config_server *config;
	struct str head; /* envelope lines, header, and the empty line behind it, if there is one */
	struct arena arena;
	struct envelope envelope; /* points into `head` */
	bool read;                /* the above are those of the text in the store */
	size_t ours;              /* number of our own Received among the fields, from 0 */
	bool replacing;           /* a second text has begun: with the new body of a filter */
	uint64_t new_octets;      /* of the new body so far */
	struct dot_reader lines;  /* its line ends */
	bool in_line;             /* its last line has no end yet; it gets one */
	char *piece;              /* CONTENT_PIECE octets */
};

/* MESSAGE and CONFIG are borrowed. False: no memory. */
bool content_init(struct content *c, struct content_message *message, const struct config_server *config);
void content_free(struct content *c);

/*
 * content_show, content_apply and content_hold read the head when they need it. -EMSGSIZE: its header is larger than
 * EDITS_HEADER_MAX, or has more fields than CONTENT_FIELDS_MAX.
 *
 * Shows the message to F and takes its edits into F->machine.edits, and a new body into the second text. Reads nothing
 * if F wants neither header nor body and sends no new body. Returns the answer of the filter (milter.h):
 * MILTER_CONTINUE, MILTER_ACCEPT, or why not. *ERR is 0, or -errno of the store; then the result does not count. Unless
 * content_apply follows, call content_drop.
 */
enum milter_result content_show(struct content *c, struct filter *f, const struct filter_services *services,
				struct milter_macros macros, int64_t until, int *err);

/*
 * Makes EDITS, those of the filter that was shown the message, in the store and in c->message. 0 or -errno. -ENOENT: no
 * recipient is left; -E2BIG: there are more than ENVELOPE_RCPT_MAX; then content_drop restores the message. After any
 * error but these two the message can't be used.
 */
int content_apply(struct content *c, const struct edits *edits);

/* Adds the line that holds the message for REASON. 0 or -errno; after an error the message can't be used. */
int content_hold(struct content *c, struct span reason);

/*
 * Appends the envelope lines with the edits, and notes them in c->message. Addresses are completed as those of clients
 * are: an address without domain is one of the default domain, and so on. A recipient is removed under its own address.
 * With an alias go its members, except those that the client or a filter has named, too, or that another alias has. The
 * line x-mailroot-expanded of an alias goes with its last member. 0, -ENOMEM, or -ENOENT and -E2BIG as above. For
 * content_apply.
 */
int content_envelope(struct content *c, const struct edits *edits, struct str *to);

/* Forgets the new body. 0 or -errno. */
int content_drop(struct content *c);

#endif
