#include <check.h>
#include <string.h>

#include "common/mail/msgid.h"
#include "t/unit/suite.h"

static const unsigned char zeros[MSGID_RANDOM];
static const unsigned char ones[MSGID_RANDOM] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
static const unsigned char counting[MSGID_RANDOM] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23};

START_TEST(ids_are_time_and_randomness)
{
	char id[MSGID_LEN + 1];
	msgid_make(0, zeros, id);
	ck_assert_str_eq(id, "000000000000000000000000");
	msgid_make(999, ones, id);
	ck_assert_str_eq(id, "00000000ZZZZZZZZZZZZZZZZ");
	msgid_make(-5, counting, id);
	ck_assert_str_eq(id, "0000000004HMASW9NF6YY093");
	msgid_make(1795255200000, zeros, id);
	ck_assert_int_eq(msgid_time(id), 1795255200);
	ck_assert(msgid_valid(span_of(id)));
}
END_TEST

START_TEST(every_random_octet_counts)
{
	char first[MSGID_LEN + 1];
	msgid_make(0, zeros, first);
	for (size_t i = 0; i < MSGID_RANDOM; i++) {
		for (int bit = 0; bit < 8; bit++) {
			unsigned char random[MSGID_RANDOM] = {0};
			char id[MSGID_LEN + 1];
			random[i] = (unsigned char)(1 << bit);
			msgid_make(0, random, id);
			ck_assert_str_ne(id, first);
			ck_assert_int_eq(msgid_time(id), 0);
		}
	}
}
END_TEST

START_TEST(ids_sort_by_age)
{
	char older[MSGID_LEN + 1];
	char newer[MSGID_LEN + 1];
	for (int64_t ms = 1000; ms < (int64_t)1 << 48; ms *= 3) {
		msgid_make(ms, ones, older);
		msgid_make(ms + 1000, zeros, newer);
		ck_assert_int_lt(strcmp(older, newer), 0);
		ck_assert_int_eq(msgid_time(older), ms / 1000);
	}
}
END_TEST

START_TEST(ids_have_one_alphabet)
{
	ck_assert(msgid_valid(SPAN("0123456789ABCDEFGHJKMNPQ")));
	ck_assert(msgid_valid(SPAN("RSTVWXYZ0000000000000000")));
	ck_assert(!msgid_valid(SPAN("")));
	ck_assert(!msgid_valid(SPAN("00000000000000000000000")));
	ck_assert(!msgid_valid(SPAN("0000000000000000000000000")));
	static const char wrong[] = "ILOUilouaz./-_, \n";
	for (size_t i = 0; i < sizeof(wrong); i++) {
		char id[] = "000000000000000000000000";
		id[i] = wrong[i];
		ck_assert_msg(!msgid_valid((struct span){id, MSGID_LEN}), "%d", wrong[i]);
	}
}
END_TEST

START_TEST(names_go_both_ways)
{
	static const struct {
		const char *text;
		uint64_t size;
		bool eight_bit;
	} cases[] = {
		{"0123456789ABCDEFGHJKMNPQ,S=0.eml", 0, false},
		{"0123456789ABCDEFGHJKMNPQ,S=1234.eml", 1234, false},
		{"0123456789ABCDEFGHJKMNPQ,S=8,8.eml", 8, true},
		{"0123456789ABCDEFGHJKMNPQ,S=18446744073709551615,8.eml", UINT64_MAX, true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msgname name;
		char again[MSGNAME_MAX];
		ck_assert_msg(msgname_parse(span_of(cases[i].text), &name), "%s", cases[i].text);
		ck_assert_str_eq(name.id, "0123456789ABCDEFGHJKMNPQ");
		ck_assert_uint_eq(name.size, cases[i].size);
		ck_assert_int_eq(name.eight_bit, cases[i].eight_bit);
		msgname_format(&name, again);
		ck_assert_str_eq(again, cases[i].text);
	}
}
END_TEST

#define ID "0123456789ABCDEFGHJKMNPQ"

START_TEST(names_have_one_spelling)
{
	static const struct span wrong[] = {
		SPAN(""),
		SPAN("."),
		SPAN(".."),
		SPAN(ID),
		SPAN(ID ".eml"),
		SPAN(ID ",S=.eml"),
		SPAN(ID ",S=5"),
		SPAN(ID ",S=5.EML"),
		SPAN(ID ",S=5.eml "),
		SPAN(ID ",S=5.eml\0"),
		SPAN(ID ",S=05.eml"),
		SPAN(ID ",S=+5.eml"),
		SPAN(ID ",S=-5.eml"),
		SPAN(ID ",S=5,.eml"),
		SPAN(ID ",S=5,9.eml"),
		SPAN(ID ",S=5,8,8.eml"),
		SPAN(ID ",s=5.eml"),
		SPAN(ID ",S=18446744073709551616.eml"),
		SPAN("0" ID ",S=5.eml"),
		SPAN("/" ID ",S=5.eml"),
		SPAN("../56789ABCDEFGHJKMNPQRS,S=5.eml"),
		SPAN(ID ",S=5.eml/../x"),
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct msgname name;
		ck_assert_msg(!msgname_parse(wrong[i], &name), "%s", wrong[i].at);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("msgid");
	TCase *tests = tcase_create("msgid");
	tcase_add_test(tests, ids_are_time_and_randomness);
	tcase_add_test(tests, every_random_octet_counts);
	tcase_add_test(tests, ids_sort_by_age);
	tcase_add_test(tests, ids_have_one_alphabet);
	tcase_add_test(tests, names_go_both_ways);
	tcase_add_test(tests, names_have_one_spelling);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
