/* mailrootctl oauth: a few links to it, each with one question at a time, which may wait for an issuer or a person. */
#ifndef DELIVERY_WEB_CONSOLE_H
#define DELIVERY_WEB_CONSOLE_H

#include <poll.h>

#include "delivery/web/block.h"

enum { CONSOLE_LINKS = 16 };

struct console_link {
	int fd;              /* -1 = free */
	uint64_t action;     /* enum row_oauth_action that waits for news; 0 = none */
	struct block *block; /* of that */
};

struct console {
	struct console_link links[CONSOLE_LINKS];
	struct block *blocks; /* borrowed */
	size_t block_count;
};

void console_init(struct console *c, struct block *blocks, size_t block_count);
void console_free(struct console *c);

/* Takes the link FD over; it is closed when there are too many. */
void console_add(struct console *c, int fd);

/* Fills FDS, of CONSOLE_LINKS, for poll; then console_tend does what they say. */
void console_poll(const struct console *c, struct pollfd *fds);
void console_tend(struct console *c, const struct pollfd *fds);

/* The `tell` of struct web, with the console as context. */
void console_tell(void *context, struct block *block, enum block_news news, const struct answer_token *token,
		  const struct answer_device *device);

#endif
