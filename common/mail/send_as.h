/*
 * The header of a message that is sent as another sender (setting send_as): From gets one address, Sender goes, and the
 * address that From had goes to Reply-To. Pure.
 */
#ifndef COMMON_MAIL_SEND_AS_H
#define COMMON_MAIL_SEND_AS_H

#include "common/base/str.h"

enum {
	SEND_AS_HEADER_MAX = 256 * 1024, /* octets of a header that is rewritten; a longer one is sent unchanged */
	SEND_AS_NAME_MAX = 500           /* octets of a name in From that is kept: a line holds 998 */
};

struct send_as {
	struct span address;
	bool keep_name; /* the name in front of the address in From */
	bool reply_to;  /* add Reply-To where there is none */
};

/*
 * Appends HEADER (fields without the empty line behind them) to TO as RULE wants it. An address list in From, a group
 * and what is no address become the one address; further From fields and Sender are left out. A header whose From is
 * that address alone, and that has no Sender, is appended as it is. TO fails when it has no room (str_failed).
 */
void send_as_rewrite(struct span header, const struct send_as *rule, struct str *to);

#endif
