/*
 * What an issuer of access tokens answers (RFC 6749 5, RFC 8628 3.2 and 3.5), within bounds. The issuer is trusted with
 * our secret, but not with our memory or our lines of SMTP. Pure.
 */
#ifndef DELIVERY_WEB_ANSWER_H
#define DELIVERY_WEB_ANSWER_H

#include "common/ipc/tokens.h"

enum {
	ANSWER_BODY_MAX = 64 * 1024, /* octets */
	ANSWER_REFRESH_MAX = 12000,
	ANSWER_LIFE_S = 3600,      /* of a token where the issuer does not say it */
	ANSWER_LIFE_MIN_S = 61,    /* in its last 60 s a token is not used */
	ANSWER_LIFE_MAX_S = 86400, /* a longer life is cut */
	ANSWER_WHY_MAX = 160
};

struct answer_token {
	size_t length;
	char octets[TOKENS_TOKEN_MAX + 1];
	char refresh_token[ANSWER_REFRESH_MAX + 1]; /* "" = none came */
	int64_t life_s;
};

/* False with WHY, for an administrator, without a part of BODY. The caller wipes *out, after false, too. */
bool answer_token(struct span body, struct answer_token *out, char why[ANSWER_WHY_MAX]);

struct answer_device {
	char device_code[2048];        /* a secret: with it a token is fetched */
	char user_code[64], url[1001]; /* for the person */
	int64_t life_s, interval_s;
};
bool answer_device(struct span body, struct answer_device *out, char why[ANSWER_WHY_MAX]);

struct answer_error {
	char error[65];  /* the word of the standard: "invalid_client" */
	char text[301];  /* what the issuer says, one line of printable ASCII; may be "" */
	uint64_t number; /* of Microsoft: AADSTS7000215; 0 = none */
};

/* False: BODY is no such answer. */
bool answer_error(struct span body, struct answer_error *out);

#endif
