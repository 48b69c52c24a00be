/* What the resolver tells of DNS lists, with a clock of the test. */
#include "delivery/resolver/list_watch.h"

#include <check.h>
#include <stdio.h>

#include "t/unit/suite.h"

enum { MINUTE = 60 * 1000 };

static struct list_watch watch;
static const struct dnsbl_answer silence = {.answered = false}, unlisted = {.answered = true},
				 listed = {true, 1, {{127, 0, 0, 2}}}, refusal = {true, 1, {{127, 255, 255, 254}}},
				 invention = {true, 1, {{1, 2, 3, 4}}};

static const char *said(int64_t now_ms)
{
	static char text[1 << 16];
	struct str all;
	str_init(&all, sizeof(text) - 1);
	list_watch_describe(&watch, now_ms, &all);
	snprintf(text, sizeof(text), "%s", str_text(&all));
	str_free(&all);
	return text;
}

static bool note(const char *zone, const struct dnsbl_answer *answer, int64_t now_ms)
{
	return list_watch_ask(&watch, span_of(zone), now_ms) && list_watch_note(&watch, span_of(zone), answer, now_ms);
}

START_TEST(silent_for_ten_minutes)
{
	ck_assert(note("a.test", &silence, 1000));
	ck_assert_str_eq(said(1000), "");
	ck_assert_int_eq(list_watch_until(&watch, 1000), 10 * MINUTE);
	for (int64_t now = 1000; now < 1000 + 10 * MINUTE; now += 10 * 1000)
		note("a.test", &silence, now);
	ck_assert_str_eq(said(10 * MINUTE + 999), "");
	ck_assert_ptr_nonnull(strstr(said(10 * MINUTE + 1000), "a.test has not answered for 10 minutes"));
	note("a.test", &unlisted, 11 * MINUTE);
	ck_assert_str_eq(said(11 * MINUTE), "");
	ck_assert_int_eq(list_watch_until(&watch, 11 * MINUTE), -1);
}
END_TEST

/* One answer in between begins the ten minutes anew. */
START_TEST(silent_now_and_then)
{
	note("a.test", &silence, 0);
	note("a.test", &listed, 9 * MINUTE);
	note("a.test", &silence, 9 * MINUTE + 1);
	ck_assert_str_eq(said(11 * MINUTE), "");
	ck_assert_str_ne(said(19 * MINUTE + 1), "");
}
END_TEST

START_TEST(silence_is_logged_once_a_minute)
{
	ck_assert(note("a.test", &silence, 5));
	ck_assert(!note("a.test", &silence, 6));
	ck_assert(note("b.test", &silence, 6));
	ck_assert(!note("a.test", &silence, MINUTE + 4));
	ck_assert(list_watch_note(&watch, SPAN("a.test"), &silence, MINUTE + 5));
	ck_assert(!list_watch_note(&watch, SPAN("a.test"), &unlisted, MINUTE + 6));
	ck_assert(list_watch_note(&watch, SPAN("a.test"), &silence, MINUTE + 7));
}
END_TEST

/* After a minute of silence a list is asked every ten seconds, not for every client, until it answers. */
START_TEST(a_silent_list_is_spared)
{
	unsigned asked = 0;
	note("a.test", &silence, 0);
	for (int64_t now = 0; now < MINUTE; now += 100)
		ck_assert(list_watch_ask(&watch, SPAN("a.test"), now));
	for (int64_t now = MINUTE; now < 2 * MINUTE; now += 100)
		asked += list_watch_ask(&watch, SPAN("a.test"), now);
	ck_assert_uint_ge(asked, 5);
	ck_assert_uint_le(asked, 7);
	ck_assert(list_watch_ask(&watch, SPAN("b.test"), 2 * MINUTE));
	list_watch_note(&watch, SPAN("a.test"), &unlisted, 2 * MINUTE);
	ck_assert(list_watch_ask(&watch, SPAN("a.test"), 2 * MINUTE));
	ck_assert(list_watch_ask(&watch, SPAN("a.test"), 2 * MINUTE));
}
END_TEST

START_TEST(answers_of_no_list)
{
	ck_assert(!note("a.test", &refusal, 0));
	ck_assert_ptr_nonnull(
		strstr(said(0), "your resolver is refused by the DNS list a.test, which answers 127.255.255.254"));
	note("a.test", &unlisted, MINUTE - 1);
	ck_assert_str_ne(said(MINUTE - 1), "");
	note("a.test", &unlisted, MINUTE);
	ck_assert_str_eq(said(MINUTE), "");
	note("a.test", &invention, MINUTE);
	ck_assert_ptr_nonnull(strstr(said(MINUTE), "1.2.3.4 is no answer of a DNS list, but came for a.test"));
	note("b.test", &refusal, MINUTE);
	ck_assert_ptr_nonnull(strstr(said(MINUTE), "b.test"));
	ck_assert_ptr_nonnull(strstr(said(MINUTE), "a.test"));
}
END_TEST

/* A name server that invents another address for each client is one problem, not news for each client. */
START_TEST(inventions_differ)
{
	struct dnsbl_answer other = invention;
	other.at[0][3] = 99;
	note("a.test", &invention, 0);
	note("a.test", &other, 1);
	ck_assert_ptr_nonnull(strstr(said(1), "1.2.3.4 is no answer of a DNS list"));
	note("a.test", &unlisted, MINUTE);
	ck_assert_str_ne(said(MINUTE), "");
	note("a.test", &unlisted, MINUTE + 1);
	ck_assert_str_eq(said(MINUTE + 1), "");
	note("a.test", &other, MINUTE + 2);
	ck_assert_ptr_nonnull(strstr(said(MINUTE + 2), "1.2.3.99 is no answer of a DNS list"));
}
END_TEST

START_TEST(forgotten_after_an_hour)
{
	note("a.test", &refusal, 0);
	ck_assert_int_eq(list_watch_until(&watch, 0), 60 * MINUTE);
	ck_assert_str_ne(said(60 * MINUTE - 1), "");
	ck_assert_str_eq(said(60 * MINUTE), "");
	ck_assert_int_eq(list_watch_until(&watch, 60 * MINUTE), -1);
}
END_TEST

START_TEST(keys_are_hidden)
{
	note("abcdefghij0123456789abcdef.zen.test", &refusal, 0);
	ck_assert_ptr_nonnull(strstr(said(0), "***.zen.test"));
	ck_assert_ptr_null(strstr(said(0), "abcdefghij"));
}
END_TEST

/* A worker that was taken over may ask about any zone: the memory is bounded, and the oldest entry makes room. */
START_TEST(bounded)
{
	char zone[32];
	for (int i = 0; i < 10 * LIST_WATCH_MAX; i++) {
		snprintf(zone, sizeof(zone), "z%d.test", i);
		note(zone, &refusal, i);
	}
	ck_assert_uint_eq(watch.n, LIST_WATCH_MAX);
	ck_assert_ptr_nonnull(strstr(said(1000), zone));
}
END_TEST

static void setup(void)
{
	watch = (struct list_watch){.n = 0};
}

static void teardown(void)
{
}

int main(void)
{
	const TTest *const tests[] = {silent_for_ten_minutes,  silent_now_and_then, silence_is_logged_once_a_minute,
				      a_silent_list_is_spared, answers_of_no_list,  inventions_differ,
				      forgotten_after_an_hour, keys_are_hidden,     bounded};
	return run_tests("resolver_list_watch", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
