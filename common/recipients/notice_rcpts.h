/*
 * The recipients of a notice of ours: the sender of the message, and where there are copies, the addresses of
 * ndr_copy_to; each once. An alias leads to its members (alias.h). One that can't be expanded stays as it is, so that
 * its notice is in the drop folder and not lost.
 */
#ifndef COMMON_RECIPIENTS_NOTICE_RCPTS_H
#define COMMON_RECIPIENTS_NOTICE_RCPTS_H

#include "common/base/arena.h"
#include "common/recipients/known.h"

struct notice_rcpts {
	struct span *at; /* in the arena, as the texts are */
	size_t n;        /* 1 to ENVELOPE_RCPT_MAX */
	struct arena arena;
};

/*
 * Finds those of notice ID (for the log) about a message of SENDER. COPIES: those of ndr_copy_to, too. LISTS as
 * known_lists returns them. Initializes *OUT; the caller frees it, whatever the result. False: no memory.
 */
bool notice_rcpts_find(const struct config_server *server, const struct known_lists *lists, struct span id,
		       struct span sender, bool copies, struct notice_rcpts *out);
void notice_rcpts_free(struct notice_rcpts *rcpts);

#endif
