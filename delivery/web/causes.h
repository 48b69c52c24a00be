/* Why an issuer refuses a token, in words, and what to do; and how soon to ask again. Pure. */
#ifndef DELIVERY_WEB_CAUSES_H
#define DELIVERY_WEB_CAUSES_H

#include "common/base/str.h"
#include "delivery/web/answer.h"
#include "delivery/web/grant.h"

struct cause {
	uint64_t number;
	const char *error;
	const char *words, *remedy;
};

/* That of ERROR's number, else of its word; NULL = none is known. */
const struct cause *causes_find(const struct answer_error *error);

/*
 * How soon to ask again, by the HTTP status and the word alone. PERSON: the token is for a person, who may sign in
 * again.
 */
enum grant_class causes_class(long status, const char *error, bool person);

/* Appends words, remedy and what the issuer says, one line: "the client secret is wrong: write ... (AADSTS7000215:
 * ...)" */
void causes_append(const struct answer_error *error, struct str *to);

/*
 * Appends by how much OURS_S differs from THEIRS_S, the Date of an answer, if that is too much for a signed assertion:
 * "; the clock of this machine is 7m fast". THEIRS_S 0 = the answer has no date.
 */
void causes_append_clock(int64_t ours_s, int64_t theirs_s, struct str *to);

#endif
