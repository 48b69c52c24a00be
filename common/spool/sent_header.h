/* The header of a message file as it is sent, with another sender (common/mail/send_as.h). */
#ifndef COMMON_SPOOL_SENT_HEADER_H
#define COMMON_SPOOL_SENT_HEADER_H

#include <stdint.h>

#include "common/mail/send_as.h"

struct message_text {
	int fd;           /* the message file */
	struct span head; /* its first octets, if they are in memory */
	uint64_t at;      /* offset of the message proper */
	uint64_t size;    /* octets of the file */
};

/*
 * Appends the header of TEXT to TO, which is initialized here and freed by the caller, and moves text->at behind the
 * header. It is rewritten by RULE, unless that has no address. 0, or -errno with TO empty: -EFBIG = the header has more
 * than SEND_AS_HEADER_MAX octets, -EPIPE = the file is shorter than its size.
 */
int sent_header(struct message_text *text, const struct send_as *rule, struct str *to);

#endif
