/* Questions to name servers, and the meaning of their answers. */
#include "ctl/hostcheck.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/suite.h"

START_TEST(a_question_has_the_labels_of_the_name)
{
	static const unsigned char wanted[] = "\x12\x34\x01\0\0\1\0\0\0\0\0\0\4mail\7example\0\0\x1c\0\1";
	unsigned char question[HOSTCHECK_QUESTION_MAX];
	char name[400] = "a";
	size_t len = hostcheck_question(0x1234, "mail.example", 28, question);
	ck_assert_uint_eq(len, sizeof(wanted) - 1);
	ck_assert_int_eq(memcmp(question, wanted, len), 0);
	ck_assert_uint_eq(hostcheck_question(1, "a..b", 1, question), 0);
	ck_assert_uint_eq(hostcheck_question(1, "", 1, question), 12 + 5);
	while (strlen(name) < 300)
		strcat(name, ".bcdefgh");
	ck_assert_uint_eq(hostcheck_question(1, name, 1, question), 0);
	memset(name, 'x', 64);
	name[64] = '\0';
	ck_assert_uint_eq(hostcheck_question(1, name, 1, question), 0);
}
END_TEST

/* Flags, code and number of records of the answer to question 0x0102, and its meaning. */
static const struct {
	unsigned char packet[13];
	enum hostcheck_result result;
} answers[] = {
	{"\1\2\x81\x80\0\1\0\1\0\0\0\0", HOSTCHECK_FOUND},      {"\1\2\x81\x80\0\1\0\0\0\0\0\0", HOSTCHECK_MISSING},
	{"\1\2\x81\x83\0\1\0\0\0\0\0\0", HOSTCHECK_MISSING},    {"\1\2\x81\x82\0\1\0\0\0\0\0\0", HOSTCHECK_UNANSWERED},
	{"\1\2\x81\x85\0\1\0\0\0\0\0\0", HOSTCHECK_UNANSWERED}, {"\1\3\x81\x80\0\1\0\1\0\0\0\0", HOSTCHECK_UNANSWERED},
	{"\1\2\x01\x80\0\1\0\1\0\0\0\0", HOSTCHECK_UNANSWERED},
};

START_TEST(an_answer_is_judged)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		ck_assert_int_eq(hostcheck_judge((struct span){(const char *)answers[i].packet, 12}, 0x0102),
				 answers[i].result);
	ck_assert_int_eq(hostcheck_judge((struct span){(const char *)answers[0].packet, 11}, 0x0102),
			 HOSTCHECK_UNANSWERED);
}
END_TEST

START_TEST(names_of_the_hosts_file_are_found)
{
	struct span text = SPAN("127.0.0.1 localhost\n# 10.0.0.9 off\n10.0.0.1\tPrinter printer.example # old\n");
	ck_assert(hostcheck_in_hosts(text, SPAN("printer.example")));
	ck_assert(hostcheck_in_hosts(text, SPAN("printer")));
	ck_assert(hostcheck_in_hosts(text, SPAN("localhost")));
	ck_assert(!hostcheck_in_hosts(text, SPAN("off")));
	ck_assert(!hostcheck_in_hosts(text, SPAN("old")));
	ck_assert(!hostcheck_in_hosts(text, SPAN("example")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hostcheck");
	TCase *tc = tcase_create("hostcheck");
	tcase_add_test(tc, a_question_has_the_labels_of_the_name);
	tcase_add_test(tc, an_answer_is_judged);
	tcase_add_test(tc, names_of_the_hosts_file_are_found);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
