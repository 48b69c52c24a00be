/*
 * The header section of a message as its octets pass from a client to the store: it is made a header that ends where
 * the text begins (fields.h), its fields are counted and, for a client of ours, completed (completion.h). Pure;
 * constant memory; what needs no change is not copied.
 */
#ifndef COMMON_MAIL_HEADER_H
#define COMMON_MAIL_HEADER_H

#include "common/mail/completion.h"
#include "common/mail/fields.h"

struct header {
	int state;                     /* zeroed = before the first octet */
	char held[FIELD_NAME_MAX + 1]; /* the start of a line, until it can be told what the line is */
	size_t held_len;
	bool dropping;     /* the field in hand is taken off */
	bool fields;       /* there was one */
	unsigned mailbox;  /* mailbox lines kept as fields */
	unsigned received; /* Received fields, for the hop limit (RFC 5321 6.3) */
	struct completion seen;
	bool done; /* the header is over: the caller may store what follows as it is */
};

/* Where the octets go. */
struct header_sink {
	void (*put)(void *context, struct span text);
	void *context;
	const struct completion_values *complete; /* NULL = nothing is added or taken off */
	struct str *room;                         /* for what is added: COMPLETION_MAX octets; emptied first */
};

/* Takes the next piece of a message, of any size. */
void header_pass(struct header *h, struct span piece, const struct header_sink *sink);

/* The message is over, and so is its header if it was not. Nothing follows it, not even an empty line. */
void header_end(struct header *h, const struct header_sink *sink);

#endif
