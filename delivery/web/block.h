/*
 * One outbound block with access tokens: its settings and secrets, when to ask (grant.h), what to ask and what the
 * answers mean, and what stands on the page of tokens. Refresh tokens are on disk before the access token that came
 * with them is used: an issuer may take the old one back.
 */
#ifndef DELIVERY_WEB_BLOCK_H
#define DELIVERY_WEB_BLOCK_H

#include "common/ipc/tokens.h"
#include "delivery/web/answer.h"
#include "delivery/web/fetch.h"
#include "delivery/web/grant.h"
#include "delivery/web/secrets.h"

struct block;

enum block_news {
	BLOCK_TOKEN,     /* a token came */
	BLOCK_FAILED,    /* a request for one failed: block->error */
	BLOCK_CODE,      /* a code for the person */
	BLOCK_NO_SIGN_IN /* the sign-in ended without a token: block->error */
};

/* What all blocks of the process share. */
struct web {
	struct fetcher *fetcher;
	struct tokens *page;
	int folder; /* of refresh tokens; -1 = none is needed */
	const char *folder_path;
	int arrivals; /* to the queue */
	/* Tells each mailrootctl that waits for BLOCK. TOKEN and DEVICE go with their news. */
	void (*tell)(void *context, struct block *block, enum block_news news, const struct answer_token *token,
		     const struct answer_device *device);
	void *context;
};

enum { BLOCK_NAME_MAX = 320, BLOCK_TEXT_MAX = TOKENS_WHY_MAX, BLOCK_PLACE_MAX = 300 };

struct block {
	struct web *web;
	/* Copies of the configuration, which may change beneath us. */
	char name[BLOCK_NAME_MAX + 1];                               /* "connector partner" */
	char place[BLOCK_PLACE_MAX];                                 /* where its auth is written: "mailroot.conf:12" */
	char *token_url, *device_url, *client_id, *scope, *username; /* owned; never NULL */
	enum config_auth auth;
	enum config_grant kind;
	enum config_assertion assertion;
	uint64_t identity;
	struct secrets secrets;
	int64_t secret_ends_s;
	char trouble[SECRETS_WHY_MAX]; /* why no token can be asked for; "" = it can */

	unsigned slot; /* of the page */
	struct grant grant;
	uint64_t serial; /* of the token on the page; 0 = none */
	bool was_refused, owes_ready;
	char refresh[ANSWER_REFRESH_MAX + 1]; /* "" = none */
	struct answer_token held;             /* its refresh token is not on disk yet; length 0 = none */
	int64_t held_mono, save_mono;
	char device_code[sizeof(((struct answer_device *)0)->device_code)];
	char error[BLOCK_TEXT_MAX]; /* the last one; "" = none since the last token */
	int64_t error_mono;
};

/* As root: fills *b from a block of the configuration and reads its secrets, which belong to root or OWNER. */
void block_load(struct block *b, struct web *web, const struct config_outbound_block *from, uid_t owner);
void block_free(struct block *b);

/* In the jail, with its slot: takes over what is on the page and on disk. */
void block_start(struct block *b);

/* Does what is due. */
void block_tend(struct block *b);

/* Milliseconds until something is due; GRANT_NEVER. */
int64_t block_until(const struct block *b);

/* It can ask for a token: it has what it proves itself with, and a refresh token if it needs one. */
bool block_can_ask(const struct block *b);

/* The token is for a person. */
bool block_is_of_person(const struct block *b);

/* Asks at once if it waits after a failure. */
void block_ask_again(struct block *b);

/* A host refused the token SERIAL. */
void block_refused(struct block *b, uint64_t serial);

/* A person begins to sign in, or gives it up. */
void block_sign_in(struct block *b);
void block_give_up(struct block *b);

/* Deletes the refresh token; or takes another one and asks for a token at once. 0 or -errno. */
int block_forget(struct block *b);
int block_import(struct block *b, const char *refresh_token);

#endif
