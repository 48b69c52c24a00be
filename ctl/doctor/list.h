/* Questions to DNS lists of addresses (RFC 5782). */
#ifndef CTL_DOCTOR_LIST_H
#define CTL_DOCTOR_LIST_H

#include "common/mail/dnsbl.h"
#include "ctl/doctor/ask.h"

/* The test entries: every list has 127.0.0.2, and none has 127.0.0.1. */
struct list_test {
	struct dnsbl_answer listed, unlisted;
};

void list_ask(struct ask *ask, const struct ipaddr *ip, const char *zone, struct dnsbl_answer *out);
void list_ask_test(struct ask *ask, const char *zone, struct list_test *out);

/* Whether the list works. */
bool list_test_good(const struct list_test *test);

#endif
