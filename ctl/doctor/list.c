#include "ctl/doctor/list.h"

void list_ask(struct ask *ask, const struct ipaddr *ip, const char *zone, struct dnsbl_answer *out)
{
	char name[DOMAIN_MAX + 1];
	struct ask_answer answer;
	*out = (struct dnsbl_answer){.answered = false};
	if (!dnsbl_name(ip, span_of(zone), name))
		return;
	ask_name(ask, name, DNS_A, &answer);
	out->answered = answer.answer.rcode == LOOKUP_NOERROR || answer.answer.rcode == LOOKUP_NXDOMAIN;
	for (size_t i = 0; i < answer.answer.n; i++)
		dnsbl_answer_add(out, answer.answer.rdata[i]);
	ask_free(&answer);
}

void list_ask_test(struct ask *ask, const char *zone, struct list_test *out)
{
	struct ipaddr listed, unlisted;
	ipaddr_parse(SPAN("127.0.0.2"), &listed);
	ipaddr_parse(SPAN("127.0.0.1"), &unlisted);
	list_ask(ask, &listed, zone, &out->listed);
	list_ask(ask, &unlisted, zone, &out->unlisted);
}

bool list_test_good(const struct list_test *test)
{
	return test->listed.answered && test->listed.n && dnsbl_answer_sense(&test->listed) == DNSBL_LISTING &&
	       test->unlisted.answered && !test->unlisted.n;
}
