/*
 * The header section of a message in memory, field by field (RFC 5322 2.2); header.h handles a stream. Pure. Lines end
 * in CRLF or LF.
 *
 * A text need not begin with a header, and a header may end without an empty line, at the first line that is no field.
 * A byte order mark and lines of a mailbox file ("From a@b Mon Jan 1 ...", with any number of ">" in front) may precede
 * it; they are not part of the message. The mailbox lines are kept as fields, as by Postfix.
 */
#ifndef COMMON_MAIL_FIELDS_H
#define COMMON_MAIL_FIELDS_H

#include "common/base/str.h"

/* Octets in front of the colon: a field with more does not fit into a line (RFC 5322 2.1.1). */
enum { FIELD_NAME_MAX = 998 };

enum fields_line {
	FIELDS_LINE_MORE,   /* more of the line is needed; at the end of the text it is no field */
	FIELDS_LINE_FIELD,  /* a name and a colon */
	FIELDS_LINE_FOLDED, /* continues the field before it, if there is one */
	FIELDS_LINE_EMPTY,
	FIELDS_LINE_TEXT
};

/*
 * Classifies the line that begins with START. *name is the text in front of the colon, printable ASCII, without the
 * blanks that may follow it (RFC 5322 4.5). FIELD_NAME_MAX + 1 octets always suffice.
 */
enum fields_line fields_line(struct span start, struct span *name);

/* The byte order mark of UTF-8. */
#define FIELDS_BOM SPAN("\xEF\xBB\xBF")

/* Whether LINE is a separator line of mailbox files, which is no field. */
bool fields_mailbox_line(struct span line);
#define FIELDS_MAILBOX SPAN("X-Mailbox-Line: ")

/*
 * The maximum of them: one for each mailbox file that a message may have gone through. Each grows when it becomes a
 * field; further ones are text.
 */
enum { FIELDS_MAILBOX_MAX = 8 };

/* How many octets of TEXT, the front of a message, precede its header section. Incomplete lines don't count. */
size_t fields_preamble(struct span text);

/* Writes its mailbox lines, each as a field. */
void fields_keep_preamble(struct span preamble, struct str *to);

struct field {
	struct span name;  /* without colon and blanks */
	struct span value; /* after the colon: folded lines unchanged, without blanks and line ends at both ends */
	struct span whole; /* from the name to the last line end */
};

/*
 * Takes the next field off *head. False, and nothing taken, at the empty line, at a line that is no field, or at the
 * end.
 */
bool field_next(struct span *head, struct field *out);

/* Why TEXT, a message whose header ends at END, can't be sent, as a phrase with "it"; NULL: it can. */
const char *fields_fault(struct span text, size_t end);

bool field_is(const struct field *field, const char *name);

/* The value of the first field of that name in HEAD. */
bool field_find(struct span head, const char *name, struct span *value);

/*
 * Finds the end of TEXT's header section: at an empty line, at a line that is no field, or, if TEXT is WHOLE, at its
 * end. False: the header continues after TEXT. *at is 0 at first; it receives the offset of the end, or where to
 * continue when there is more text.
 */
bool fields_end(struct span text, bool whole, size_t *at);

#endif
