#include "common/accounts/accounts.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "t/unit/suite.h"

#define HASH   "yescrypt=$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"
#define KEY_A  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B  "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="
#define SCRAM  "scram-sha-256=10000,W22ZaJ0SNY7soEsUEjb6gQ==," KEY_A "," KEY_B
#define CRAM   "cram-md5=" KEY_B
#define TIME   "changed=1700000000000"
#define GOOD   HASH " " SCRAM " " TIME
#define SECRET "X3DX6M94"

struct parsed {
	struct arena arena;
	struct accounts accounts;
	struct str trouble;
};

static struct parsed parse(struct span text)
{
	struct parsed p;
	arena_init(&p.arena, 256 << 20);
	str_init(&p.trouble, 64 << 10);
	ck_assert(accounts_parse(text, &p.arena, &p.accounts, &p.trouble));
	ck_assert(!strstr(str_text(&p.trouble), SECRET));
	return p;
}

static void release(struct parsed *p)
{
	arena_free(&p->arena);
	str_free(&p->trouble);
}

/* The first account of TEXT, parsed and written again. */
static void ck_written(const char *text, const char *expected)
{
	struct parsed p = parse(span_of(text));
	struct str again;
	str_init(&again, ACCOUNT_LINE_MAX);
	ck_assert_msg(p.accounts.n == 1, "%s%s", text, str_text(&p.trouble));
	account_format(&p.accounts.at[0], &again);
	ck_assert_str_eq(str_text(&again), expected);
	ck_assert_str_eq(str_text(&p.trouble), "");
	str_free(&again);
	release(&p);
}

START_TEST(lines_come_back)
{
	ck_written("bob " GOOD "\n", "bob " GOOD "\n");
	ck_written("scan@example.com " HASH " " SCRAM " " CRAM " " TIME "\n",
		   "scan@example.com " HASH " " SCRAM " " CRAM " " TIME "\n");
	ck_written("bob " HASH " changed=0\n", "bob " HASH " changed=0\n");
	ck_written("# nobody but\n\n \tbob\t" TIME "  " SCRAM "\t" HASH " \r\n", "bob " GOOD "\n");
}
END_TEST

START_TEST(fields_are_parsed)
{
	struct parsed p = parse(SPAN("# first\nBob " HASH " " SCRAM " " CRAM " " TIME "\n"));
	const struct account *bob = accounts_find(&p.accounts, SPAN("bOB"));
	ck_assert_ptr_nonnull(bob);
	ck_assert_str_eq(bob->name, "Bob");
	ck_assert_str_eq(bob->yescrypt, &HASH[strlen("yescrypt=")]);
	ck_assert_uint_eq(bob->iterations, 10000);
	ck_assert_uint_eq(bob->salt_len, 16);
	ck_assert_uint_eq(bob->salt[0], 0x5b);
	for (unsigned i = 0; i < ACCOUNT_KEY_OCTETS; i++) {
		ck_assert_uint_eq(bob->stored_key[i], i);
		ck_assert_uint_eq(bob->server_key[i], 255 - i);
		ck_assert_uint_eq(bob->cram[i], 255 - i);
	}
	ck_assert(bob->has_cram);
	ck_assert_int_eq(bob->changed_ms, 1700000000000);
	ck_assert_uint_eq(bob->line, 2);
	release(&p);
}
END_TEST

static const char *const wrong[] = {
	"bob",
	"bob " TIME,
	"bob " HASH,
	"bob: " GOOD,
	"-bob " GOOD,
	"b=b " GOOD,
	"b\xc3\xb6"
	"b " GOOD,
	"b\x01"
	"b " GOOD,
	"bob secret " GOOD,
	"bob " GOOD " " TIME,
	"bob " GOOD " quota=5",
	"bob " GOOD " " CRAM "=",
	"bob Yescrypt=$y$j9T$abc$def " TIME,
	"bob yescrypt= " TIME,
	"bob yescrypt=$6$abc$def " TIME,
	"bob yescrypt=$y$abc:def " TIME,
	"bob yescrypt " TIME,
	"bob " HASH " changed=",
	"bob " HASH " changed=-1",
	"bob " HASH " changed=01",
	"bob " HASH " changed=1e3",
	"bob " HASH " changed=253402300800000",
	"bob " HASH " changed=99999999999999999999",
	"bob " HASH " cram-md5=AAAA " TIME,
	"bob " HASH " cram-md5=" KEY_A "AAAA " TIME,
	"bob " HASH " scram-sha-256=10000,W22ZaJ0SNY7soEsUEjb6gQ==," KEY_A " " TIME,
	"bob " HASH " scram-sha-256=10000,W22ZaJ0SNY7soEsUEjb6gQ==," KEY_A "," KEY_B "," KEY_A " " TIME,
	"bob " HASH " scram-sha-256=10000,," KEY_A "," KEY_B " " TIME,
	"bob " HASH " scram-sha-256=10000,W22ZaJ0SNY7soEsUEjb6gQ," KEY_A "," KEY_B " " TIME,
	"bob " HASH " scram-sha-256=010000,W22Z," KEY_A "," KEY_B " " TIME,
	"bob " HASH " scram-sha-256=4095,W22Z," KEY_A "," KEY_B " " TIME,
	"bob " HASH " scram-sha-256=1000001,W22Z," KEY_A "," KEY_B " " TIME,
	"bob " HASH " scram-sha-256=10000," KEY_A "AAAA" KEY_A "," KEY_A "," KEY_B " " TIME,
};

/* The error names the line but not its content, and the other lines count. */
START_TEST(wrong_lines_are_left_out)
{
	struct str text;
	str_init(&text, 4096);
	str_printf(&text, "ann %s\n%s\ncat %s\n", GOOD, wrong[_i], GOOD);
	struct parsed p = parse(str_span(&text));
	ck_assert_msg(p.accounts.n == 2, "%s", wrong[_i]);
	ck_assert_ptr_nonnull(accounts_find(&p.accounts, SPAN("ann")));
	ck_assert_ptr_nonnull(accounts_find(&p.accounts, SPAN("cat")));
	ck_assert_msg(strncmp(str_text(&p.trouble), "line 2: ", 8) == 0, "%s", str_text(&p.trouble));
	ck_assert_ptr_eq(strchr(str_text(&p.trouble), '\n'), p.trouble.at + p.trouble.len - 1);
	release(&p);
	str_free(&text);
}
END_TEST

START_TEST(octets_that_no_text_has)
{
	struct parsed p = parse(SPAN("bob\0 " GOOD "\nann " GOOD "\0\ncat yescrypt=$y$\0 " TIME "\n"));
	ck_assert_uint_eq(p.accounts.n, 0);
	release(&p);
}
END_TEST

START_TEST(long_lines_are_none)
{
	char name[ACCOUNT_NAME_MAX + 2];
	struct str text;
	str_init(&text, 1 << 20);
	memset(name, 'x', sizeof(name));
	str_printf(&text, "%.*s %s\n", ACCOUNT_NAME_MAX, name, GOOD);
	str_printf(&text, "%.*sy %s\n", ACCOUNT_NAME_MAX, name, GOOD);
	str_printf(&text, "bob %s%*s\n", GOOD, ACCOUNT_LINE_MAX, TIME);
	str_printf(&text, "yescrypt=$y$%*s\n", 500000, "x");
	struct parsed p = parse(str_span(&text));
	ck_assert_uint_eq(p.accounts.n, 1);
	ck_assert_ptr_nonnull(accounts_find(&p.accounts, (struct span){name, ACCOUNT_NAME_MAX}));
	ck_assert_str_eq(str_text(&p.trouble), "line 2: it does not begin with a name\n"
					       "line 3: it is longer than any account\n"
					       "line 4: it is longer than any account\n");
	release(&p);
	str_free(&text);
}
END_TEST

/* Wherever a file is cut off, an incomplete line admits no user. */
START_TEST(torn_last_line)
{
	struct span text = SPAN("ann " GOOD "\nbob " GOOD "\n");
	size_t first = span_find(text, '\n') + 1;
	for (size_t len = first; len < text.len; len++) {
		struct parsed p = parse((struct span){text.at, len});
		ck_assert_uint_eq(p.accounts.n, 1);
		ck_assert_ptr_null(accounts_find(&p.accounts, SPAN("bob")));
		ck_assert_int_eq(p.trouble.len != 0, len != first);
		release(&p);
	}
}
END_TEST

START_TEST(first_account_of_a_name_counts)
{
	struct parsed p = parse(SPAN("bob " HASH " changed=1\nann " HASH " changed=2\nBOB " HASH " changed=3\n"
				     "bob " HASH " changed=4\n"));
	ck_assert_uint_eq(p.accounts.n, 2);
	ck_assert_int_eq(accounts_find(&p.accounts, SPAN("Bob"))->changed_ms, 1);
	ck_assert_str_eq(str_text(&p.trouble), "line 3: line 1 has the same name already\n"
					       "line 4: line 1 has the same name already\n");
	release(&p);
}
END_TEST

START_TEST(names)
{
	static const char *const good[] = {"a", "scan@example.com", "SCAN", "a-b", "x!$%&'*+/?^_`{|}~", "\"q\"@x", "1"};
	static const char *const bad[] = {"",    "-a",  "a b", "a\tb", "a#b",      "#",
					  "a=b", "a:b", "a\n", "\x7f", "\xc3\xbc", "a\x1b"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(account_name_valid(span_of(good[i])), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!account_name_valid(span_of(bad[i])), "%s", bad[i]);
	ck_assert(!account_name_valid((struct span){"a\0b", 3}));
}
END_TEST

START_TEST(unknown_names_are_not_found)
{
	struct accounts none = {0};
	ck_assert_ptr_null(accounts_find(&none, SPAN("bob")));
	struct parsed p = parse(SPAN("bob " GOOD "\n"));
	static const char *const others[] = {"", "b", "bo", "bobb", "boc", "a", "z", "b\x4f"};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(!accounts_find(&p.accounts, span_of(others[i])), "%s", others[i]);
	ck_assert_ptr_null(accounts_find(&p.accounts, (struct span){"bob\0", 4}));
	release(&p);
}
END_TEST

START_TEST(small_arena_is_no_memory)
{
	struct accounts accounts;
	struct arena arena;
	struct str trouble;
	str_init(&trouble, 100);
	for (size_t limit = 0; limit < sizeof(struct account) + 50; limit += 7) {
		arena_init(&arena, limit);
		ck_assert(!accounts_parse(SPAN("bob " GOOD "\n"), &arena, &accounts, &trouble));
		ck_assert_uint_eq(accounts.n, 0);
		arena_free(&arena);
	}
	str_free(&trouble);
}
END_TEST

START_TEST(hundred_thousand)
{
	enum { N = 100000 };
	struct str text;
	char name[64];
	str_init(&text, ACCOUNTS_TEXT_MAX);
	for (unsigned i = 0; i < N; i++) /* 7919 is coprime to N: every number once, unordered */
		str_printf(&text, "user%u@example.com %s\n", i * 7919U % N, GOOD);
	int64_t began = clock_mono_ms();
	struct parsed p = parse(str_span(&text));
	int64_t parsed = clock_mono_ms();
	ck_assert_uint_eq(p.accounts.n, N);
	for (unsigned i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "USER%u@example.com", i);
		const struct account *account = accounts_find(&p.accounts, span_of(name));
		ck_assert_ptr_nonnull(account);
		ck_assert_int_eq(strcasecmp(account->name, name), 0);
	}
	printf("%u accounts: %zu octets of text, %zu of memory, parsed in %lld ms, all found in %lld ms\n", N, text.len,
	       p.arena.used, (long long)(parsed - began), (long long)(clock_mono_ms() - parsed));
	release(&p);
	str_free(&text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("accounts");
	TCase *tests = tcase_create("accounts");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, lines_come_back);
	tcase_add_test(tests, fields_are_parsed);
	tcase_add_loop_test(tests, wrong_lines_are_left_out, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tests, octets_that_no_text_has);
	tcase_add_test(tests, long_lines_are_none);
	tcase_add_test(tests, torn_last_line);
	tcase_add_test(tests, first_account_of_a_name_counts);
	tcase_add_test(tests, names);
	tcase_add_test(tests, unknown_names_are_not_found);
	tcase_add_test(tests, small_arena_is_no_memory);
	tcase_add_test(tests, hundred_thousand);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
