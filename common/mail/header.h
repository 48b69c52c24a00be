/*
 * The header section of a message in a stream from a client to the store: makes it a header that ends where the text
 * begins (fields.h), counts its fields and, for one of our clients, completes it (completion.h). Pure; constant memory;
 * unchanged text is not copied.
 */
#ifndef COMMON_MAIL_HEADER_H
#define COMMON_MAIL_HEADER_H

#include "common/mail/completion.h"
#include "common/mail/fields.h"

struct header {
	int state;                     /* zeroed = before the first octet */
	char held[FIELD_NAME_MAX + 1]; /* the start of a line, until its kind is known */
	size_t held_len;
	bool dropping;     /* the current field is being removed */
	bool noting;       /* the current field is a From that sink->from receives */
	bool fields;       /* there was a field */
	unsigned mailbox;  /* mailbox lines kept as fields */
	unsigned received; /* Received fields, for the hop limit (RFC 5321 6.3) */
	struct completion seen;
	bool done; /* the header is over: the caller may store the rest unchanged */
};

/* Where the octets go. */
struct header_sink {
	void (*put)(void *context, struct span text);
	void *context;
	const struct completion_values *complete; /* NULL = nothing is added or removed */
	struct str *room;                         /* buffer for added fields: COMPLETION_MAX octets; cleared first */
	struct str *from; /* receives all fields From, with names and line ends; NULL = not wanted */
};

/* Takes the next piece of a message, of any size. */
void header_pass(struct header *h, struct span piece, const struct header_sink *sink);

/* Ends the message, and its header if that was not over. Nothing follows, not even an empty line. */
void header_end(struct header *h, const struct header_sink *sink);

#endif
