/* Which passwords are cached, for how long, and for which user. */
#include "smtpd/auth/passcache.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "smtpd/auth/passcheck.h"
#include "t/unit/auth_memory.h"
#include "t/unit/suite.h"

static struct passcache *cache;
static unsigned char tag[PASSCACHE_TAG];

static void setup(void)
{
	cache = passcache_new();
	ck_assert(cache != NULL);
}

static void teardown(void)
{
	passcache_free(cache);
}

static unsigned char *tag_of(const char *name, int64_t changed_ms, const char *password)
{
	ck_assert(passcache_tag(cache, span_of(name), changed_ms, span_of(password), tag));
	return tag;
}

START_TEST(test_what_is_known)
{
	ck_assert(!passcache_find(cache, tag_of("alice", 1, "secret"), 1000, NULL));
	passcache_add(cache, tag_of("alice", 1, "secret"), 1000, "alice");
	ck_assert(passcache_find(cache, tag_of("alice", 1, "secret"), 1000, NULL));
	ck_assert(passcache_find(cache, tag_of("alice", 1, "secret"), 1000 + PASSCACHE_MS - 1, NULL));
	ck_assert(!passcache_find(cache, tag_of("alice", 1, "secret"), 1000 + PASSCACHE_MS, NULL));
	ck_assert(!passcache_find(cache, tag_of("alice", 1, "secret"), 999, NULL)); /* overwritten */
	ck_assert(!passcache_find(cache, tag_of("alice", 2, "secret"), 1000, NULL));
	ck_assert(!passcache_find(cache, tag_of("alic", 1, "esecret"), 1000, NULL));
	ck_assert(!passcache_find(cache, tag_of("alice", 1, "Secret"), 1000, NULL));
	ck_assert(!passcache_find(cache, tag_of("alice", 1, ""), 1000, NULL));
}
END_TEST

/* Another service has different tags. */
START_TEST(test_secret)
{
	unsigned char first[PASSCACHE_TAG];
	memcpy(first, tag_of("alice", 1, "secret"), sizeof(first));
	teardown();
	setup();
	ck_assert(memcmp(first, tag_of("alice", 1, "secret"), sizeof(first)) != 0);
}
END_TEST

/* The table has a fixed size; the latest entry is in it. */
START_TEST(test_flood)
{
	for (uint32_t i = 1; i < 100000; i++) {
		memset(tag, 0, sizeof(tag));
		memcpy(tag, &i, sizeof(i));
		passcache_add(cache, tag, i, "alice");
		ck_assert(passcache_find(cache, tag, i, NULL));
	}
}
END_TEST

START_TEST(test_prepare)
{
	char to[PASSCHECK_MAX + 1], text[2 * PASSCHECK_MAX];
	ck_assert(passcheck_prepare(SPAN("p\xc3\xa4ss"), to) && strcmp(to, "p\xc3\xa4ss") == 0);
	ck_assert(passcheck_prepare(SPAN("pa\xcc\x88ss"), to) && strcmp(to, "p\xc3\xa4ss") == 0);
	ck_assert(passcheck_prepare(SPAN("a\xc2\xa0z"), to) && strcmp(to, "a z") == 0);
	ck_assert(!passcheck_prepare(SPAN(""), to));
	ck_assert(!passcheck_prepare(SPAN("\xc2\xad"), to)); /* a soft hyphen is ignored */
	ck_assert(!passcheck_prepare(SPAN("a\0z"), to));
	ck_assert(!passcheck_prepare(SPAN("a\x07z"), to));
	ck_assert(!passcheck_prepare(SPAN("p\xe4ss"), to));
	memset(text, 'x', sizeof(text));
	ck_assert(passcheck_prepare((struct span){text, PASSCHECK_MAX}, to));
	ck_assert(!passcheck_prepare((struct span){text, PASSCHECK_MAX + 1}, to));
}
END_TEST

START_TEST(test_matches)
{
	struct auth_memory memory;
	auth_memory_users(&memory);
	auth_memory_add(&memory, "alice", "secret", 1);
	const char *hash = memory.accounts.at[0].yescrypt;
	ck_assert(passcheck_matches("secret", hash));
	ck_assert(!passcheck_matches("Secret", hash));
	ck_assert(!passcheck_matches("", hash));
	ck_assert(!passcheck_matches("secret", ""));
	ck_assert(!passcheck_matches("secret", "*0"));
	ck_assert(!passcheck_matches("secret", "$y$"));
	ck_assert(passcheck_processors() >= 1);
	auth_memory_free(&memory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_passcache");
	TCase *tcase = tcase_create("cache");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_what_is_known);
	tcase_add_test(tcase, test_secret);
	tcase_add_test(tcase, test_flood);
	tcase_add_test(tcase, test_prepare);
	tcase_add_test(tcase, test_matches);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
