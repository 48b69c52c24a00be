/*
 * Parses the command line of sendmail, mailq and newaliases. Pure but for getopt's own state. sendmail(8) has the list.
 */
#ifndef SENDMAIL_OPTIONS_H
#define SENDMAIL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/mail/dsn.h"

enum options_mode {
	OPTIONS_SEND,    /* a message on standard input */
	OPTIONS_SMTP,    /* -bs: SMTP on standard input and output */
	OPTIONS_LIST,    /* -bp, mailq: list the queue */
	OPTIONS_FLUSH,   /* -q: try the queue now */
	OPTIONS_NOTHING, /* -bi, newaliases: there are no aliases to build */
	OPTIONS_HELP
};

enum { OPTIONS_WHY_MAX = 200 };

struct options {
	enum options_mode mode;
	bool from_header;              /* -t: recipients of To, Cc and Bcc, too */
	bool dot_is_text;              /* -i */
	const char *sender;            /* -f, -r; NULL = the calling user; "" = the null sender */
	const char *full_name;         /* -F; NULL = the user's */
	const char *config;            /* -C; NULL = the usual file */
	const char *flush;             /* -qR, -qI: a domain or an id; NULL = all */
	bool flush_id;                 /* -qI */
	struct dsn_rcpt notify;        /* -N */
	enum dsn_ret ret;              /* -R */
	char envid[DSN_ENVID_MAX + 1]; /* -V, as xtext; "" = none */
	char *const *recipients;       /* borrowed from argv */
	size_t recipient_count;
};

/* Options come before recipients. False with WHY, of OPTIONS_WHY_MAX octets. */
bool options_parse(int argc, char **argv, struct options *out, char *why);

#endif
