/*
 * Splits a command line into verb and arguments. Pure; spans point into the line. A tab counts as a blank, as in
 * Postfix.
 */
#ifndef SMTPD_SESSION_COMMAND_H
#define SMTPD_SESSION_COMMAND_H

#include "common/base/span.h"

enum command_verb {
	COMMAND_UNKNOWN,
	COMMAND_HTTP, /* an HTTP request line: close the connection */
	COMMAND_HELO,
	COMMAND_EHLO,
	COMMAND_MAIL,
	COMMAND_RCPT,
	COMMAND_DATA,
	COMMAND_BDAT,
	COMMAND_STARTTLS,
	COMMAND_AUTH,
	COMMAND_ETRN,
	COMMAND_ATRN,
	COMMAND_XCLIENT,
	COMMAND_RSET,
	COMMAND_NOOP,
	COMMAND_VRFY,
	COMMAND_HELP,
	COMMAND_QUIT,
	COMMAND_COUNT
};

struct command {
	enum command_verb verb;
	struct span line; /* all of it */
	struct span args; /* after the verb, without blanks and tabs at both ends */
	bool clean;       /* only printable ASCII and tabs */
};

/* Always sets a command; an unknown verb is COMMAND_UNKNOWN. LINE is without its line end. */
void command_parse(struct span line, struct command *out);

/*
 * The arguments of MAIL and RCPT after KEYWORD ("FROM:", "TO:"). Blanks around the colon are accepted, as by the
 * Windows service. False: the keyword is missing.
 */
bool command_path(struct span args, struct span keyword, struct span *path);

/* Parses "OCTETS" or "OCTETS LAST", the arguments of BDAT (RFC 3030). False: malformed, or beyond 2^63. */
bool command_chunk(struct span args, uint64_t *octets, bool *last);

/*
 * The part of LINE that may be logged: of AUTH at most the mechanism. AFTER_AUTH: an AUTH came before, so a line that
 * is no command may be the secret of a client that did not wait for our reply. Returns a part of LINE or a constant
 * text.
 */
struct span command_shown(struct span line, bool after_auth);

#endif
