/*
 * Mail addresses of the envelope (RFC 5321 4.1.2): mailbox, null path, source route (removed), quoted local part,
 * address literal. Pure; the spans of a result point into the parsed text. No SMTPUTF8: octets above 127 are refused.
 * Wider than RFC 5321 where real addresses are: dots anywhere in an unquoted local part, a dot at the end of the domain
 * (removed), blanks and tabs within the brackets.
 */
#ifndef COMMON_MAIL_ADDRESS_H
#define COMMON_MAIL_ADDRESS_H

#include "common/base/str.h"

enum {
	ADDRESS_LOCAL_MAX =
		256,      /* a whole path (RFC 5321 4.5.3.1.3): VERP and SRS need more than the 64 of 4.5.3.1.1 */
	ADDRESS_MAX = 512 /* local part, @, domain of 255: any local part fits beside any domain of ours */
};

struct address {
	struct span text;   /* "local@domain", "local" without domain, or empty for the null path */
	struct span local;  /* as written, quotes included */
	struct span domain; /* without @; empty when there was none; "[192.0.2.1]" for a literal */
};

/*
 * Parses a path in angle brackets at the start of IN, as after MAIL FROM: and RCPT TO:. Accepts "<>" (text empty); the
 * caller decides whether it is permitted. Accepts a missing domain, too (domain empty). *rest is what follows the '>'.
 * Like the Windows service, takes an address without brackets up to the next blank. On false *why is a short phrase.
 */
bool address_parse_path(struct span in, struct address *out, struct span *rest, const char **why);

/*
 * Parses a bare mailbox and nothing else: for the configuration, envelope lines and the command line. "" is the null
 * path.
 */
bool address_parse(struct span in, struct address *out, const char **why);

/*
 * Appends TEXT, "local@domain" or "local" as in struct address, in a form that other hosts and mail programs accept: a
 * local part whose dots make it no dot-string (a..b) is quoted, which is the same mailbox (RFC 5321 4.1.2). At most 2
 * octets more than TEXT. False: no memory.
 */
bool address_append(struct str *to, struct span text);

/* Whether both are the same mailbox: domain without case, local part exactly. */
bool address_equal(const struct address *a, const struct address *b);

#endif
