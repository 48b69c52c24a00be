/*
 * The header section of a message, field by field (RFC 5322 2.2), once it is in memory; header.h looks at octets that
 * pass. Pure. Lines end in CRLF or LF.
 */
#ifndef COMMON_MAIL_FIELDS_H
#define COMMON_MAIL_FIELDS_H

#include "common/base/span.h"

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

/*
 * Where the header section of TEXT ends: at an empty line, at a line that is no field, or with TEXT when it is WHOLE.
 * False: it goes on behind TEXT. Looks from *at on, 0 at first, and leaves there the offset of the end, or of where to
 * look again when there is more.
 */
bool fields_end(struct span text, bool whole, size_t *at);

#endif
