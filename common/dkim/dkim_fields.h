/*
 * Which header fields a DKIM signature covers (RFC 6376 5.4). Pure.
 *
 * A name in the list stands in h= as often as the header has such fields; a verifier takes the last of them first
 * (5.4.2). An oversigned name stands there once more, so that a field of that name, added on the way, breaks the
 * signature.
 */
#ifndef COMMON_DKIM_DKIM_FIELDS_H
#define COMMON_DKIM_DKIM_FIELDS_H

#include "common/base/str.h"

enum {
	DKIM_FIELDS_MAX = 128,      /* that a signature covers; RFC 5322 3.6 allows one of most names */
	DKIM_FIELDS_NAMES_MAX = 64, /* of a list */
	DKIM_FIELDS_NAME_MAX = 64   /* octets, none of them ';' */
};

/*
 * The names of a list. Every list has From: it is signed first where the list does not name it (RFC 6376 5.4). The
 * standard list has what a mail program shows, and what says how to read the text: never Received, Return-Path, Bcc
 * or X-fields, which change on the way.
 */
struct dkim_names {
	const char *const *at;
	size_t n; /* at most DKIM_FIELDS_NAMES_MAX; 0 = the standard list */
};

/* One entry of h=. */
struct dkim_field {
	const char *name;  /* as in the list; never text of the message, which could end the tag (";") */
	struct span whole; /* in the header: from the name to the last line end; empty = oversigned, there is none */
};

struct dkim_fields {
	struct dkim_field at[DKIM_FIELDS_MAX + DKIM_FIELDS_NAMES_MAX + 1]; /* in the order of h= */
	size_t n;
};

/*
 * Selects the fields of HEADER, all its fields without the empty line behind them; lines end in CRLF. False with *why,
 * a phrase with "it": the message can't be signed, because a line of the header is no field, there is no field From or
 * more than one, or more than DKIM_FIELDS_MAX fields would be signed.
 */
bool dkim_fields_select(struct span header, struct dkim_names names, bool oversign, struct dkim_fields *out,
			const char **why);

/*
 * Appends the domain of the address in From, in lower case, by which the signing domain is chosen (RFC 7489 3.1.1).
 * False with *why, a phrase with "it": there is no field From or more than one, or not exactly one address with a
 * domain is in it. DOMAIN is then of no use. domain->failed: it has no room for the domain, or there is no memory.
 */
bool dkim_fields_from(struct span header, struct str *domain, const char **why);

#endif
