#include "delivery/web/report.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "delivery/web/block_parts.h"
#include "delivery/web/expiry.h"

enum { FAILURES_PASSED_OVER = 3 /* of those that pass, while a token is there */ };

static void append_end(const struct block *b, struct str *to)
{
	char what[BLOCK_NAME_MAX + 40];
	int64_t now_s = clock_wall_ms() / 1000;
	snprintf(what, sizeof(what), "%s: the client secret", b->name);
	expiry_append(
		b->secret_ends_s, now_s, what,
		"make a new one at the provider, write it into client_secret_file, set secret_expires, and run mailrootctl reload",
		b->place, to);
	snprintf(what, sizeof(what), "%s: the client certificate", b->name);
	expiry_append(b->secrets.certificate.ends_s, now_s, what,
		      "register a new one at the provider, name it in client_certificate, and run mailrootctl reload",
		      b->place, to);
}

static void append_state(const struct block *b, struct str *to)
{
	const struct grant *g = &b->grant;
	bool usable = grant_usable(g, block_now());
	bool person = block_is_of_person(b) && (!g->signed_in || (g->failures && g->failed_class == GRANT_PERSON));
	const char *said = b->error[0] ? ": " : "";
	if (person)
		str_printf(to, "%s%s: somebody must sign in: mailrootctl oauth login %s%s%s (%s)\n",
			   usable ? "" : "mail waits: ", b->name, b->name, said, b->error, b->place);
	else if (!usable && b->error[0])
		str_printf(to, "mail waits: %s: no access token: %s (%s)\n", b->name, b->error, b->place);
	else if (b->error[0] && (g->failed_class != GRANT_PASSING || g->failures > FAILURES_PASSED_OVER))
		str_printf(to, "%s: the access token can't be renewed: %s (%s)\n", b->name, b->error, b->place);
}

void report_append(const struct block *b, struct str *to)
{
	if (b->trouble[0])
		str_printf(to, "mail waits: %s: %s\n", b->name, b->trouble);
	else
		append_state(b, to);
	append_end(b, to);
}
