/*
 * Reads the headers of an archive of `queue export`, which is not trusted: regular files only, with the names that an
 * export gives them, of sizes within bounds, a journal right before its message. Pure.
 */
#ifndef CTL_UNPACK_H
#define CTL_UNPACK_H

#include "common/mail/msgid.h"
#include "ctl/ustar.h"

struct unpack {
	uint64_t message_max;       /* octets of the largest message file */
	bool begun;                 /* the first header was read */
	char log_of[MSGID_LEN + 1]; /* a journal was read, whose message must follow; "" = none */
	struct ustar entry;         /* the last header; its name is printable also when it was refused */
	struct msgname name;        /* UNPACK_MESSAGE, UNPACK_LOG: the id; the rest: UNPACK_MESSAGE */
};

enum unpack_kind {
	UNPACK_HEAD,    /* the entry with the number of the export */
	UNPACK_LOG,     /* a journal */
	UNPACK_MESSAGE, /* a message */
	UNPACK_END,
	UNPACK_BAD /* *why has the reason */
};

/* Takes the next header. After UNPACK_END and UNPACK_BAD there is no further call. */
enum unpack_kind unpack_header(struct unpack *unpack, const char block[USTAR_BLOCK], const char **why);

/* Watches the octets of a message file: only lines with CRLF may be sent. */
struct unpack_text {
	char last;
	bool bare, eight_bit;
};
void unpack_text(struct unpack_text *seen, struct span piece);
static inline bool unpack_text_good(const struct unpack_text *seen)
{
	return !seen->bare && seen->last == '\n';
}

#endif
