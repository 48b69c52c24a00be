/* Asks a running smtpd whether a recipient is an alias, and for its members (mailroot.conf(5), "Recipients"). */
#ifndef CTL_ALIAS_H
#define CTL_ALIAS_H

#include "common/base/str.h"
#include "ctl/cmd.h"

enum { ALIAS_MEMBERS_MAX = 1001 };

struct ctl_alias {
	struct str at;      /* "file:line" of its line; empty: it is no alias, or smtpd did not answer */
	struct str members; /* one address a line */
	size_t n;
	char fault[LINK_TEXT_MAX + 1]; /* why it has no member; "" = it has */
};

/* Asks SERVER about ADDRESS. The caller frees OUT with ctl_alias_free in any case. */
void ctl_alias_ask(struct ctl *ctl, const char *server, const char *address, struct ctl_alias *out);
void ctl_alias_free(struct ctl_alias *alias);

#endif
