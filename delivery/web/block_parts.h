/* What the files of block.h share. */
#ifndef DELIVERY_WEB_BLOCK_PARTS_H
#define DELIVERY_WEB_BLOCK_PARTS_H

#include "delivery/web/block.h"

struct grant_clock block_now(void);
unsigned block_jitter(void);

/* Puts TOKEN, whose end is that of the grant, on the page; or leaves the one there, with the last error. */
void block_publish(struct block *b, const struct answer_token *token);
void block_publish_why(struct block *b);

/* The answers to requests (fetch_post). */
void block_on_token(void *context, const struct fetch_result *r);
void block_on_code(void *context, const struct fetch_result *r);

/* The request could not even be sent. */
void block_cannot_ask(struct block *b, const char *why);

/* Stores the refresh token, then uses the token that is held. */
void block_save(struct block *b);

#endif
