/*
 * The access tokens (OAuth 2.0) of one virtual server: a page of shared memory that mailroot-web alone writes and SMTP
 * clients read, without packets or system calls. Master makes it once and keeps it, so that a token outlives the
 * process that fetched it.
 */
#ifndef COMMON_IPC_TOKENS_H
#define COMMON_IPC_TOKENS_H

#include <stdint.h>

#include "common/base/span.h"

enum {
	TOKENS_SLOTS = 64,        /* blocks with a token in one virtual server */
	TOKENS_TOKEN_MAX = 12000, /* octets: what fits into a line of AUTH (RFC 4954 4) is shorter still */
	TOKENS_WHY_MAX = 480,
	TOKENS_LEAST_MS = 60 * 1000 /* a token that ends sooner is not used any more */
};

struct tokens;

struct token {
	uint64_t identity; /* config_oauth_identity; 0 = the slot is free */
	uint64_t serial;   /* of this token: another one has another; never 0 with a token */
	int64_t until_ms;  /* it ends then, by the wall clock */
	size_t length;     /* octets; 0 = there is no token, and `why` says why */
	char why[TOKENS_WHY_MAX];
	char octets[TOKENS_TOKEN_MAX + 1]; /* VSCHAR (RFC 6749 A.12) alone, NUL-terminated */
};

/* Master: makes an empty page. 0 or -errno. */
int tokens_create(int *write_fd, int *read_fd);

/* Maps the page of FD, which stays open; NULL on failure. Excluded from core dumps. */
struct tokens *tokens_map_writable(int fd);
const struct tokens *tokens_map(int fd);

/* mailroot-web: the slot of IDENTITY, which is 0 for a free one; TOKENS_SLOTS = there is none. */
unsigned tokens_slot(const struct tokens *page, uint64_t identity);

/* Whose slot it is; 0 = it is free. */
uint64_t tokens_identity(const struct tokens *page, unsigned slot);

/* mailroot-web: replaces slot SLOT, less than TOKENS_SLOTS. Texts that are too long are cut. */
void tokens_write(struct tokens *page, unsigned slot, const struct token *token);

/*
 * The slot of IDENTITY as a whole, never half of two. False: there is none, or PAGE is NULL, or its writer keeps
 * writing. The caller wipes *out.
 */
bool tokens_read(const struct tokens *page, uint64_t identity, struct token *out);

/* The token can be used at NOW_MS (wall clock). */
bool token_usable(const struct token *token, int64_t now_ms);

void token_wipe(struct token *token);

#endif
