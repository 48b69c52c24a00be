/*
 * The account file of access user_file: the users that may authenticate, and the data against which a password is
 * checked. mailrootctl user writes it, smtpd reads it. One account a line, words separated by blanks, # begins a
 * comment:
 *
 * NAME yescrypt=$y$... scram-sha-256=ITERATIONS,SALT,STORED,SERVER [cram-md5=CONTEXT] changed=MS
 *
 * SALT, STORED, SERVER (RFC 5802) and CONTEXT (the MD5 states after the inner and the outer key block, 32 octets; for
 * an attacker they replace the password in CRAM-MD5, so they are stored only on request) are base64; MS is the wall
 * clock of the last change. The words after the name may come in any order; scram-sha-256 may be missing. A line counts
 * only with its LF or CRLF. Pure.
 */
#ifndef COMMON_ACCOUNTS_ACCOUNTS_H
#define COMMON_ACCOUNTS_ACCOUNTS_H

#include "common/base/arena.h"
#include "common/base/str.h"

enum {
	ACCOUNT_NAME_MAX = 255, /* graphic ASCII but # = : and no - in front; case does not matter */
	ACCOUNT_HASH_MAX = 255,
	ACCOUNT_KEY_OCTETS = 32,
	ACCOUNT_SALT_MAX = 64, /* octets */
	ACCOUNT_LINE_MAX = 1024,
	ACCOUNTS_TEXT_MAX = 64 << 20, /* some 200,000 accounts */
	ACCOUNT_ITERATIONS_MIN = 4096,
	ACCOUNT_ITERATIONS_MAX = 1000000
};

struct account {
	const char *name;
	const char *yescrypt; /* "$y$..."; never missing */
	unsigned iterations;  /* of SCRAM; 0 = no such key */
	unsigned char salt[ACCOUNT_SALT_MAX];
	size_t salt_len;
	unsigned char stored_key[ACCOUNT_KEY_OCTETS];
	unsigned char server_key[ACCOUNT_KEY_OCTETS];
	bool has_cram;
	unsigned char cram[ACCOUNT_KEY_OCTETS];
	int64_t changed_ms;
	unsigned line;
};

struct accounts {
	const struct account *at; /* sorted by name */
	size_t n;
};

/*
 * Parses TEXT; everything that *OUT points to is in ARENA. Invalid lines are skipped, and of duplicate names all but
 * the first; *TROUBLE describes them as far as it has room, one line each, "line 7: ...\n" (never with their content).
 * False: no memory.
 */
bool accounts_parse(struct span text, struct arena *arena, struct accounts *out, struct str *trouble);

/* NULL = there is none. */
const struct account *accounts_find(const struct accounts *accounts, struct span name);

/* Whether NAME is valid in the file. */
bool account_name_valid(struct span name);

/* Writes one line with its line end. */
void account_format(const struct account *account, struct str *to);

#endif
