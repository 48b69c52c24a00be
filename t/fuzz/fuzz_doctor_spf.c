/* Any SPF records, reached by any names: an evaluation ends, within the limits of RFC 7208, with a result and a reason.
 */
#include <string.h>

#include "ctl/doctor/spf.h"
#include "ctl/doctor/spf_macro.h"
#include "t/fuzz/must.h"

enum { ASKED_MAX = 1000, STRING_MAX = 255 };

struct world {
	struct span rest; /* lines: the answers to come, over and over */
	struct span all;
	unsigned asked;
};

static struct span next_line(struct world *w)
{
	struct span line = {NULL, 0};
	if (!span_line(&w->rest, &line)) {
		w->rest = w->all;
		span_line(&w->rest, &line);
	}
	return line;
}

/* A TXT record is made well-formed; all others are as they come. */
static int ask(void *context, const char *name, enum dns_type type, void (*take)(void *to, struct span rdata), void *to)
{
	struct world *w = context;
	char text[2 + STRING_MAX];
	struct span line = next_line(w);
	MUST(++w->asked < ASKED_MAX && strlen(name) <= DOMAIN_MAX);
	if (line.len && line.at[0] == '!')
		return LOOKUP_NXDOMAIN;
	if (line.len && line.at[0] == '?')
		return LOOKUP_NO_ANSWER;
	if (type == DNS_TXT && line.len <= STRING_MAX) {
		text[0] = (char)line.len;
		if (line.len)
			memcpy(text + 1, line.at, line.len);
		take(to, (struct span){text, 1 + line.len});
	} else {
		take(to, line);
	}
	return LOOKUP_NOERROR;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span all = {(const char *)data, size};
	struct world world = {.rest = all, .all = all};
	const struct spf_dns dns = {.ask = ask, .context = &world};
	struct spf_query query = {.domain = "example.com", .sender = "a.b-c@example.com", .helo = "mail.example.com"};
	struct spf_verdict verdict;
	ipaddr_parse(size % 2 ? SPAN("192.0.2.1") : SPAN("2001:db8::1"), &query.ip);
	spf_evaluate(&dns, &query, &verdict);
	MUST(verdict.lookups <= SPF_LOOKUPS_MAX + 1);
	MUST((verdict.result == SPF_TEMPERROR || verdict.result == SPF_PERMERROR) == (verdict.why[0] != '\0'));
	MUST(strlen(verdict.why) < sizeof(verdict.why) && strlen(verdict.term) < sizeof(verdict.term));
	return 0;
}
