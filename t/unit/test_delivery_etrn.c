/* The meaning of replies to ETRN, and how the extension is recognized. */
#include "delivery/smtp/etrn.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_meaning)
{
	static const struct {
		int code;
		bool agreed;
		const char *status;
	} rows[] = {
		{250, true, "asked"},    {251, true, "nothing-waits"}, {252, true, "asked"},    {253, true, "asked"},
		{458, false, "refused"}, {459, false, "refused"},      {500, false, "refused"}, {502, false, "refused"},
		{501, false, "refused"}, {421, false, "refused"},      {530, false, "refused"}, {220, false, "refused"},
		{354, false, "refused"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct etrn_meaning meaning = etrn_meaning(rows[i].code);
		ck_assert_msg(meaning.agreed == rows[i].agreed && !strcmp(meaning.status, rows[i].status), "%d",
			      rows[i].code);
		ck_assert_msg(meaning.agreed == !meaning.advice, "%d: a refusal says what to do, and nothing else does",
			      rows[i].code);
	}
	ck_assert_ptr_nonnull(strstr(etrn_meaning(502).advice, "etrn_request"));
}
END_TEST

START_TEST(test_capability)
{
	struct capabilities can = {0};
	capabilities_add(&can, SPAN("ETRNX"));
	capabilities_add(&can, SPAN("XETRN"));
	ck_assert(!can.etrn);
	capabilities_add(&can, SPAN("etrn"));
	ck_assert(can.etrn);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("etrn of delivery");
	TCase *all = tcase_create("all");
	tcase_add_test(all, test_meaning);
	tcase_add_test(all, test_capability);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
