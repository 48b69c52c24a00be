/* Hash values of FNV-1a as its authors publish them, and those of texts that differ in case. */
#include "common/base/hash.h"
#include "t/unit/suite.h"

static const struct {
	struct span text;
	uint64_t hash;
} published[] = {
	{SPAN(""), 0xcbf29ce484222325},
	{SPAN("a"), 0xaf63dc4c8601ec8c},
	{SPAN("foobar"), 0x85944171f73967e8},
};

START_TEST(as_published)
{
	ck_assert_uint_eq(hash_span(HASH_START, published[_i].text), published[_i].hash);
	ck_assert_uint_eq(hash_span_nocase(HASH_START, published[_i].text), published[_i].hash);
}
END_TEST

START_TEST(piece_by_piece)
{
	uint64_t hash = hash_octet(hash_span(HASH_START, SPAN("foo")), 'b');
	ck_assert_uint_eq(hash_span(hash, SPAN("ar")), hash_span(HASH_START, SPAN("foobar")));
}
END_TEST

/* '@' and '[' are next to the capitals, and differ from '`' and '{' only in the case bit. */
START_TEST(case_of_letters_alone)
{
	ck_assert_uint_eq(hash_span_nocase(HASH_START, SPAN("@AZ[\xc4")), hash_span(HASH_START, SPAN("@az[\xc4")));
	ck_assert_uint_ne(hash_span_nocase(HASH_START, SPAN("@")), hash_span_nocase(HASH_START, SPAN("`")));
	ck_assert_uint_ne(hash_span(HASH_START, SPAN("A")), hash_span(HASH_START, SPAN("a")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hash");
	TCase *tests = tcase_create("hash");
	tcase_add_loop_test(tests, as_published, 0, sizeof(published) / sizeof(published[0]));
	tcase_add_test(tests, piece_by_piece);
	tcase_add_test(tests, case_of_letters_alone);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
