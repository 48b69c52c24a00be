#include "smtpd/protocol/refused.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>

/* Replies from 400 on whose command is malformed, or out of order. */
static const enum reply_id syntax[] = {
	REPLY_UNRECOGNIZED,       REPLY_LINE_TOO_LONG, REPLY_BAD_OCTETS,      REPLY_BAD_ARGUMENT,  REPLY_BAD_SENDER,
	REPLY_BAD_RECIPIENT,      REPLY_BAD_CHUNK,     REPLY_AUTH_SYNTAX,     REPLY_CHECK_ONLY,    REPLY_ETRN_SYNTAX,
	REPLY_ATRN_SYNTAX,        REPLY_HELLO_FIRST,   REPLY_SENDER_TWICE,    REPLY_NEED_SENDER,   REPLY_NEED_RECIPIENT,
	REPLY_MIXED_DATA,         REPLY_NO_ARGUMENT,   REPLY_ETRN_IN_MESSAGE, REPLY_UNKNOWN_PARAM, REPLY_BAD_XCLIENT,
	REPLY_XCLIENT_IN_MESSAGE,
};

static bool is_syntax(enum reply_id id)
{
	for (size_t i = 0; i < sizeof(syntax) / sizeof(syntax[0]); i++)
		if (syntax[i] == id)
			return true;
	return false;
}

START_TEST(each_refusal_has_its_reason)
{
	unsigned replies[COUNTER_COUNT] = {0};
	for (enum reply_id id = REPLY_NONE + 1; id < REPLY_ID_COUNT; id++) {
		if (replies_code(id) < 400)
			continue;
		enum counter counter = refused_counter(id);
		ck_assert_int_eq(counters_family(counter), FAMILY_REFUSED);
		ck_assert_msg((counter == COUNTER_REFUSED_SYNTAX) == is_syntax(id), "reply %d counts as %s", (int)id,
			      counters_labels(counter));
		replies[counter]++;
	}
	for (enum counter i = 0; i < COUNTER_COUNT; i++)
		if (counters_family(i) == FAMILY_REFUSED)
			ck_assert_msg(replies[i], "no reply counts as %s", counters_labels(i));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_refused");
	TCase *tc = tcase_create("refused");
	tcase_add_test(tc, each_refusal_has_its_reason);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
