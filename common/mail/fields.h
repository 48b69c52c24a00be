/*
 * The header section of a message, field by field (RFC 5322 2.2), once it is in memory; header.h looks at octets that
 * pass. Pure. Lines end in CRLF or LF.
 *
 * A text need not begin with a header, and a header may end without an empty line: at the first line that is no field.
 * In front of it may stand what is no part of the message: a byte order mark, and lines of a mailbox file ("From a@b
 * Mon Jan 1 ...", with any number of ">" in front). These lines are kept as fields, as Postfix keeps them.
 */
#ifndef COMMON_MAIL_FIELDS_H
#define COMMON_MAIL_FIELDS_H

#include "common/base/str.h"

/* Octets in front of the colon: no field fits into a line (RFC 5322 2.1.1) with more. */
enum { FIELD_NAME_MAX = 998 };

enum fields_line {
	FIELDS_LINE_MORE,   /* more of the line is needed to tell; what ends here is no field */
	FIELDS_LINE_FIELD,  /* a name and a colon */
	FIELDS_LINE_FOLDED, /* goes on with the field before it, if there is one */
	FIELDS_LINE_EMPTY,
	FIELDS_LINE_TEXT
};

/*
 * What the line that begins with START is; *name is the name in front of the colon, printable ASCII, without the blanks
 * that may follow it (RFC 5322 4.5). FIELD_NAME_MAX + 1 octets always tell.
 */
enum fields_line fields_line(struct span start, struct span *name);

/* The byte order mark of UTF-8. */
#define FIELDS_BOM SPAN("\xEF\xBB\xBF")

/* A line that is no field, and that mailbox files have in front of each message. */
bool fields_mailbox_line(struct span line);
#define FIELDS_MAILBOX SPAN("X-Mailbox-Line: ")

/* So many of them at most: one for each mailbox file that a message may have gone through. Each grows when it becomes a
 * field; further ones are text. */
enum { FIELDS_MAILBOX_MAX = 8 };

/* How many octets of TEXT, the front of a message, stand before its header section. Lines without end don't count. */
size_t fields_preamble(struct span text);

/* The mailbox lines of that, each as a field. */
void fields_keep_preamble(struct span preamble, struct str *to);

struct field {
	struct span name;  /* without colon and blanks */
	struct span value; /* behind the colon: folded lines as they are, blanks and line ends at both ends off */
	struct span whole; /* from the name to the last line end */
};

/* Takes the next field off *head. False, and nothing taken, at the empty line, at a line that is no field, at the end.
 */
bool field_next(struct span *head, struct field *out);

/* Why TEXT, a message whose header ends at END, can't be sent, as a phrase with "it"; NULL: nothing is in the way. */
const char *fields_fault(struct span text, size_t end);

bool field_is(const struct field *field, const char *name);

/* The value of the first field of that name in HEAD. */
bool field_find(struct span head, const char *name, struct span *value);

/*
 * Where the header section of TEXT ends: at an empty line, at a line that is no field, or with TEXT when it is WHOLE.
 * False: it goes on behind TEXT. Looks from *at on, 0 at first, and leaves there the offset of the end, or of where to
 * look again when there is more.
 */
bool fields_end(struct span text, bool whole, size_t *at);

#endif
