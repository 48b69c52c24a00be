/* A command line as verb and arguments. Pure; spans point into the line. A tab is as good as a blank, as in Postfix. */
#ifndef SMTPD_SESSION_COMMAND_H
#define SMTPD_SESSION_COMMAND_H

#include "common/base/span.h"

enum command_verb {
	COMMAND_UNKNOWN,
	COMMAND_HTTP, /* a web client, or one that was made to speak to us: hang up */
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
	struct span args; /* behind the verb, blanks and tabs at both ends taken off */
	bool clean;       /* printable ASCII and tabs, nothing else */
};

/* Always gives a command; what is none is COMMAND_UNKNOWN. LINE is without its line end. */
void command_parse(struct span line, struct command *out);

/*
 * The arguments of MAIL and RCPT behind KEYWORD ("FROM:", "TO:"); blanks around the colon are tolerated, as the Windows
 * service did. False when the keyword is not there.
 */
bool command_path(struct span args, struct span keyword, struct span *path);

/* "OCTETS" or "OCTETS LAST", the arguments of BDAT (RFC 3030). False for anything else, and beyond 2^63. */
bool command_chunk(struct span args, uint64_t *octets, bool *last);

/*
 * What of LINE may be logged: of AUTH the mechanism at most. AFTER_AUTH: there was an AUTH before it, so that what is
 * no command may be the secret of a client that did not wait for our answer. A part of LINE, or a text of ours.
 */
struct span command_shown(struct span line, bool after_auth);

#endif
