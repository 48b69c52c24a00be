#include <check.h>
#include <stdlib.h>

#include "delivery/smtp/fallback.h"
#include "t/unit/suite.h"

static struct ipaddr address(unsigned char last)
{
	return (struct ipaddr){{[10] = 0xff, 0xff, 192, 0, 2, last}};
}

START_TEST(knows_for_a_while)
{
	struct fallback f = {0};
	struct ipaddr one = address(1), two = address(2), none = {{0}};
	ck_assert(!fallback_known(&f, &none, 0, 0));
	ck_assert(!fallback_known(&f, &one, 25, 0));
	fallback_note(&f, &one, 25, 1000);
	ck_assert(fallback_known(&f, &one, 25, 1000));
	ck_assert(fallback_known(&f, &one, 25, 1000 + FALLBACK_MS - 1));
	ck_assert(!fallback_known(&f, &one, 25, 1000 + FALLBACK_MS));
	ck_assert(!fallback_known(&f, &one, 587, 1000));
	ck_assert(!fallback_known(&f, &two, 25, 1000));
}
END_TEST

/* The newest are kept. */
START_TEST(is_bounded)
{
	struct fallback f = {0};
	for (unsigned char i = 0; i < FALLBACK_MAX + 5; i++) {
		struct ipaddr ip = address(i);
		fallback_note(&f, &ip, 25, 0);
	}
	for (unsigned char i = 0; i < FALLBACK_MAX + 5; i++) {
		struct ipaddr ip = address(i);
		ck_assert_int_eq(fallback_known(&f, &ip, 25, 1), i >= 5);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fallback");
	TCase *all = tcase_create("all");
	tcase_add_test(all, knows_for_a_while);
	tcase_add_test(all, is_bounded);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
