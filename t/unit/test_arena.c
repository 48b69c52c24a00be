#include <check.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/arena.h"
#include "t/unit/suite.h"

START_TEST(gives_zeroed_aligned_memory_that_does_not_overlap)
{
	struct arena a;
	char *given[600];
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < 600; i++) {
		given[i] = arena_alloc(&a, i);
		ck_assert_ptr_nonnull(given[i]);
		ck_assert_uint_eq((uintptr_t)given[i] % _Alignof(max_align_t), 0);
		for (size_t j = 0; j < i; j++)
			ck_assert_int_eq(given[i][j], 0);
		memset(given[i], (int)i & 0xff, i);
	}
	for (size_t i = 0; i < 600; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_int_eq((unsigned char)given[i][j], i & 0xff);
	arena_free(&a);
}
END_TEST

START_TEST(refuses_beyond_its_limit)
{
	struct arena a;
	arena_init(&a, 100);
	ck_assert_ptr_null(arena_alloc(&a, 101));
	ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
	ck_assert_ptr_nonnull(arena_alloc(&a, 60));
	ck_assert_ptr_null(arena_alloc(&a, 41));
	ck_assert_ptr_nonnull(arena_alloc(&a, 40));
	ck_assert_ptr_null(arena_alloc(&a, 1));
	ck_assert_ptr_null(arena_copy(&a, SPAN("")));
	arena_free(&a);
	ck_assert_ptr_nonnull(arena_alloc(&a, 100));
	arena_free(&a);
	arena_init(&a, SIZE_MAX);
	ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
	ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX - 8));
	arena_free(&a);
}
END_TEST

START_TEST(reset_gives_zeroed_memory_again)
{
	struct arena a;
	arena_init(&a, 1 << 20);
	for (int round = 0; round < 4; round++) {
		size_t size = round % 2 ? 100000 : 5000;
		char *at = arena_alloc(&a, size);
		ck_assert_ptr_nonnull(at);
		for (size_t i = 0; i < size; i++)
			ck_assert_int_eq(at[i], 0);
		memset(at, 0xff, size);
		arena_reset(&a);
		ck_assert_uint_eq(a.used, 0);
	}
	arena_free(&a);
	arena_reset(&a);
}
END_TEST

START_TEST(given_memory_is_all_there_is)
{
	static _Alignas(16) char memory[20000];
	struct arena a;
	arena_init_in(&a, memory, sizeof(memory));
	char *first = arena_alloc(&a, 10000);
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(arena_alloc(&a, 10000));
	char *last = arena_copy(&a, SPAN("abc"));
	ck_assert_str_eq(last, "abc");
	ck_assert(first >= memory);
	ck_assert_uint_ge(arena_extent(&a), (size_t)(last + 4 - memory));
	ck_assert_uint_le(arena_extent(&a), sizeof(memory));
	arena_reset(&a);
	ck_assert_ptr_eq(arena_alloc(&a, 1), first);
	arena_free(&a);
	ck_assert_ptr_null(arena_alloc(&a, 1));
	arena_init_in(&a, memory, 16);
	ck_assert_ptr_null(arena_alloc(&a, 1));
	ck_assert_uint_eq(arena_extent(&a), 0);
}
END_TEST

START_TEST(copies_and_prints)
{
	struct arena a;
	arena_init(&a, 20000);
	ck_assert_str_eq(arena_copy(&a, SPAN("abc")), "abc");
	ck_assert_str_eq(arena_copy(&a, span_of(NULL)), "");
	ck_assert_str_eq(arena_printf(&a, "%d %s", 5, "x"), "5 x");
	char *wide = arena_printf(&a, "%10000d", 7);
	ck_assert_uint_eq(strlen(wide), 10000);
	ck_assert_ptr_null(arena_printf(&a, "%10000d", 7));
	arena_free(&a);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arena");
	TCase *tests = tcase_create("arena");
	tcase_add_test(tests, gives_zeroed_aligned_memory_that_does_not_overlap);
	tcase_add_test(tests, refuses_beyond_its_limit);
	tcase_add_test(tests, reset_gives_zeroed_memory_again);
	tcase_add_test(tests, given_memory_is_all_there_is);
	tcase_add_test(tests, copies_and_prints);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
