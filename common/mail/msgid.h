/*
 * Message ids and the names of message files (mailroot-spool(5)). An id is 24 characters of Crockford's base 32: 8 of
 * time (so that names sort by age), then 16 of randomness (80 bits: an id can't be guessed). A message file is
 * "ID,S=<octets>.eml", or "ID,S=<octets>,8.eml" when the content has octets above 127. Pure.
 */
#ifndef COMMON_MAIL_MSGID_H
#define COMMON_MAIL_MSGID_H

#include "common/base/span.h"

enum {
	MSGID_LEN = 24,
	MSGID_RANDOM = 10, /* random octets for msgid_make */
	MSGNAME_MAX = 64   /* longest message file name, with NUL */
};

struct msgname {
	char id[MSGID_LEN + 1];
	uint64_t size; /* octets of the whole file, including the envelope lines */
	bool eight_bit;
};

/* Makes an id from the time and MSGID_RANDOM random octets; TO holds MSGID_LEN + 1. */
void msgid_make(int64_t wall_ms, const unsigned char *random, char *to);

/* When the id was made, in seconds since 1970 (40 bits of seconds last 34,000 years). */
int64_t msgid_time(const char *id);

/* Exactly MSGID_LEN characters of the alphabet. */
bool msgid_valid(struct span id);

/* TO holds MSGNAME_MAX. */
void msgname_format(const struct msgname *name, char *to);

/* Parses only what msgname_format writes; any other spelling is refused. */
bool msgname_parse(struct span text, struct msgname *out);

#endif
