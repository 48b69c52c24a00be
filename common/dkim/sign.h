/*
 * Signs one message by DKIM in one pass: first its header, then its body in pieces of any size. All selectors of a
 * domain share the pass. The private key is not needed here: dkim_sign_hash gives what is to be signed, dkim_key_sign
 * (in another process, maybe) makes the signature, and dkim_sign_field writes the field that goes in front of the
 * message.
 *
 * The message is signed as dot_writer (common/mail/dot.h) sends it: line ends become CRLF, lines are folded at
 * line_max, and a missing last CRLF is added. The dots in front of lines are not part of it.
 *
 *	struct dkim_sign *s = dkim_sign_begin(&params);
 *	bool good = dkim_sign_header(s, header, &why);
 *	while (good && ...)
 *		dkim_sign_body(s, piece);
 *	for (size_t i = 0; good && i < params.selector_count; i++) {
 *		good = dkim_sign_hash(s, i, hash, &why) && dkim_key_sign(key[i], hash, signature, &len);
 *		if (good)
 *			dkim_sign_field(s, i, (struct span){signature, len}, &fields);
 *	}
 *	dkim_sign_end(s);
 */
#ifndef COMMON_DKIM_SIGN_H
#define COMMON_DKIM_SIGN_H

#include "common/dkim/signature.h"

enum {
	DKIM_HEADER_MAX = 256 * 1024, /* octets; a longer header can't be signed */
	DKIM_SELECTORS_MAX = 8
};

struct dkim_selector {
	const char *name;
	enum dkim_algorithm algorithm; /* of its key */
};

/* All is borrowed until dkim_sign_end. */
struct dkim_params {
	const char *domain; /* in lower case, as A-labels */
	const struct dkim_selector *selectors;
	size_t selector_count; /* at most DKIM_SELECTORS_MAX */
	struct dkim_names names;
	bool oversign;
	enum dkim_canon header, body;
	int64_t now_s;    /* of the wall clock */
	int64_t expire_s; /* how long the signature is valid, in seconds; 0 = for ever */
	size_t line_max;  /* as in struct dot_writer: 0 = lines are not folded */
};

struct dkim_sign;

/* Before a jail without files: has OpenSSL read its configuration. False: no memory. */
bool dkim_sign_prepare(void);

/* NULL: no memory. Free with dkim_sign_end. */
struct dkim_sign *dkim_sign_begin(const struct dkim_params *params);

/*
 * Takes the whole header as it is sent, without the empty line behind it. False with *why, a phrase with "it" (the
 * message): it can't be signed, because the header is longer than DKIM_HEADER_MAX, or dkim_fields_select says so; NULL
 * = no memory, so it can be signed later. Nothing else may then be called but dkim_sign_end.
 */
bool dkim_sign_header(struct dkim_sign *s, struct span header, const char **why);

/* Takes the next piece of what follows the header, which begins with the empty line, unless there is no body. */
void dkim_sign_body(struct dkim_sign *s, struct span piece);

/*
 * After the last piece: gives the hash that selector WHICH signs. False with *why: no empty line followed the header;
 * NULL = no memory.
 */
bool dkim_sign_hash(struct dkim_sign *s, size_t which, uint8_t hash[DKIM_HASH], const char **why);

/*
 * Appends the DKIM-Signature field of selector WHICH, with CRLF: at most DKIM_SIGNATURE_FIELD_MAX octets. SIGNATURE is
 * that of the hash.
 */
void dkim_sign_field(const struct dkim_sign *s, size_t which, struct span signature, struct str *to);

/* NULL is permitted. */
void dkim_sign_end(struct dkim_sign *s);

#endif
