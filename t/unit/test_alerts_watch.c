#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/alerts/notice.h"
#include "ctl/alerts/saved.h"
#include "t/unit/suite.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, ROUND = 10 * SECOND };

static struct watch watch;
static struct throttle throttle;
static int64_t now; /* the fake clock */

static void begin(void)
{
	memset(&watch, 0, sizeof(watch));
	memset(&throttle, 0, sizeof(throttle));
	now = 1000000000000;
}

static void see(enum alert_kind kind, enum watch_level level, int64_t hold_ms, const char *object)
{
	struct watch_sight sight = {kind, level, hold_ms, "default", object, "connection refused"};
	watch_see(&watch, &sight, now);
}

static void see_hop(enum watch_level level)
{
	see(ALERT_NEXT_HOP_DOWN, level, 10 * MINUTE, "mx.example");
}

/* One round of the watch in which a next hop is LEVEL; then the time of the next round comes. */
static void hop_round(enum watch_level level)
{
	see_hop(level);
	watch_round(&watch, ALERT_NEXT_HOP_DOWN, "default", now);
	now += ROUND;
}

/* Tells the first news if the throttle permits one. Returns its state, or -1. */
static int tell(void)
{
	struct watch_alert *alert = watch_first_due(&watch);
	if (throttle_step(&throttle, watch_due(&watch), watch_untold(&watch), now) != THROTTLE_ONE)
		return -1;
	int state = (int)alert->state;
	watch_told(&watch, alert);
	throttle_sent(&throttle, now);
	return state;
}

START_TEST(one_message_when_it_begins_and_one_when_it_ends)
{
	int64_t first = now;
	while (now < first + 10 * MINUTE) {
		hop_round(WATCH_BAD);
		ck_assert_int_eq(tell(), -1);
	}
	hop_round(WATCH_BAD);
	ck_assert_int_eq(watch.at[0].since_ms, first);
	ck_assert_int_eq(tell(), WATCH_HOLDS);
	for (int i = 0; i < 10000; i++) {
		hop_round(WATCH_BAD);
		ck_assert_int_eq(tell(), -1);
	}
	int64_t good = now;
	while (now < good + 5 * MINUTE) {
		hop_round(WATCH_GOOD);
		ck_assert_int_eq(tell(), -1);
	}
	hop_round(WATCH_GOOD);
	ck_assert_int_eq(watch.at[0].good_ms, good);
	ck_assert_int_eq(tell(), WATCH_OVER);
	ck_assert_uint_eq(watch.n, 0);
}
END_TEST

START_TEST(a_short_condition_is_no_news)
{
	for (int i = 0; i < 60; i++)
		hop_round(WATCH_BAD);
	hop_round(WATCH_GOOD);
	ck_assert_uint_eq(watch.n, 0);
	hop_round(WATCH_BAD);
	ck_assert_uint_eq(watch_due(&watch), 0);
	ck_assert_int_eq(watch.at[0].since_ms, now - ROUND);
}
END_TEST

START_TEST(the_setting_quiet_makes_the_end_come_sooner)
{
	watch.quiet_max_ms = 30 * SECOND;
	see(ALERT_NEXT_HOP_DOWN, WATCH_BAD, 0, "mx.example");
	ck_assert_int_eq(tell(), WATCH_HOLDS);
	see_hop(WATCH_GOOD);
	now += 29 * SECOND;
	see_hop(WATCH_GOOD);
	ck_assert_int_eq(tell(), -1);
	now += SECOND;
	see_hop(WATCH_GOOD);
	ck_assert_int_eq(tell(), WATCH_OVER);
	see(ALERT_BADMAIL, WATCH_BAD, 0, "a");
	see(ALERT_BADMAIL, WATCH_GOOD, 0, "a");
	ck_assert_uint_eq(watch.brief, 1); /* at once, as always */
}
END_TEST

START_TEST(what_flaps_is_one_alert)
{
	unsigned messages = 0;
	for (int i = 0; i <= 60; i++)
		hop_round(WATCH_BAD);
	for (int i = 0; i < 1000; i++) {
		messages += tell() >= 0;
		for (int j = 0; j < 29; j++)
			hop_round(WATCH_GOOD);
		hop_round(WATCH_BAD);
	}
	ck_assert_uint_eq(messages, 1);
	ck_assert_int_eq(watch.at[0].state, WATCH_HOLDS);
}
END_TEST

START_TEST(between_the_levels_nothing_changes)
{
	see(ALERT_DISK, WATCH_BETWEEN, 0, "/var");
	ck_assert_uint_eq(watch.n, 0);
	see(ALERT_DISK, WATCH_BAD, 0, "/var");
	ck_assert_int_eq(tell(), WATCH_HOLDS);
	now += 60 * MINUTE;
	see(ALERT_DISK, WATCH_BETWEEN, 0, "/var");
	watch_round(&watch, ALERT_DISK, "default", now);
	ck_assert_int_eq(watch.at[0].state, WATCH_HOLDS);
	see(ALERT_DISK, WATCH_GOOD, 0, "/var");
	now += MINUTE;
	see(ALERT_DISK, WATCH_BETWEEN, 0, "/var");
	ck_assert_int_eq(watch.at[0].state, WATCH_ENDS);
	see(ALERT_DISK, WATCH_GOOD, 0, "/var");
	ck_assert_int_eq(watch.at[0].state, WATCH_OVER);
}
END_TEST

START_TEST(what_is_not_seen_any_more_is_good_and_a_silent_process_changes_nothing)
{
	see(ALERT_BADMAIL, WATCH_BAD, 0, "a");
	see(ALERT_BADMAIL, WATCH_BAD, 0, "b");
	see(ALERT_PROBLEM, WATCH_BAD, 0, "c");
	watch_round(&watch, ALERT_BADMAIL, "default", now);
	ck_assert_int_eq(tell(), WATCH_HOLDS);
	ck_assert_int_eq(tell(), WATCH_HOLDS);
	ck_assert_int_eq(tell(), WATCH_HOLDS);
	now += 24 * 60 * MINUTE; /* no round is closed in all this time */
	watch_round(&watch, ALERT_BADMAIL, "other", now);
	ck_assert_uint_eq(watch_due(&watch), 0);
	see(ALERT_BADMAIL, WATCH_BAD, 0, "b");
	watch_round(&watch, ALERT_BADMAIL, "default", now);
	ck_assert_uint_eq(watch_due(&watch), 1);
	ck_assert_str_eq(watch_first_due(&watch)->object, "a");
	ck_assert_int_eq(tell(), WATCH_OVER);
	ck_assert_uint_eq(watch.n, 2);
	watch_forget(&watch, ALERT_PROBLEM, "default");
	ck_assert_uint_eq(watch.n, 1);
	ck_assert_str_eq(watch.at[0].object, "b");
}
END_TEST

START_TEST(a_condition_that_returns_before_its_end_was_told_goes_on)
{
	see(ALERT_BADMAIL, WATCH_BAD, 0, "a");
	ck_assert_int_eq(tell(), WATCH_HOLDS);
	see(ALERT_BADMAIL, WATCH_GOOD, 0, "a");
	ck_assert_uint_eq(watch_due(&watch), 1);
	see(ALERT_BADMAIL, WATCH_BAD, 0, "a");
	ck_assert_uint_eq(watch_due(&watch), 0);
	ck_assert_int_eq(watch.at[0].state, WATCH_HOLDS);
}
END_TEST

START_TEST(a_condition_that_ended_untold_is_counted)
{
	see(ALERT_BADMAIL, WATCH_BAD, 0, "a");
	see(ALERT_BADMAIL, WATCH_GOOD, 0, "a");
	ck_assert_uint_eq(watch.n, 0);
	ck_assert_uint_eq(watch.brief, 1);
	ck_assert_int_eq(throttle_step(&throttle, watch_due(&watch), watch_untold(&watch), now), THROTTLE_ALL);
	watch_summed(&watch);
	ck_assert_int_eq(throttle_step(&throttle, watch_due(&watch), watch_untold(&watch), now), THROTTLE_WAIT);
}
END_TEST

START_TEST(a_server_in_trouble_carries_no_message)
{
	static const enum alert_kind stop[] = {ALERT_QUEUE_AGE, ALERT_NEXT_HOP_DOWN, ALERT_DISK, ALERT_PROCESS,
					       ALERT_NO_ANSWER};
	see(ALERT_BADMAIL, WATCH_BAD, 0, "a");
	see(ALERT_CERTIFICATE, WATCH_BAD, 0, "a");
	see(ALERT_PROBLEM, WATCH_BAD, 0, "a");
	ck_assert(watch_carries_mail(&watch, "default"));
	for (size_t i = 0; i < sizeof(stop) / sizeof(stop[0]); i++) {
		see(stop[i], WATCH_BAD, MINUTE, "a");
		ck_assert(!watch_carries_mail(&watch, "default"));
		ck_assert(watch_carries_mail(&watch, "other"));
		see(stop[i], WATCH_GOOD, 0, "a");
		ck_assert(watch_carries_mail(&watch, "default"));
	}
	see(ALERT_NO_ANSWER, WATCH_BAD, 0, "queue");
	ck_assert(!watch_carries_mail(&watch, "default"));
	watch_told(&watch, &watch.at[watch.n - 1]);
	see(ALERT_NO_ANSWER, WATCH_GOOD, 0, "queue");
	ck_assert(!watch_carries_mail(&watch, "default"));
	now += MINUTE;
	see(ALERT_NO_ANSWER, WATCH_GOOD, 0, "queue");
	ck_assert(watch_carries_mail(&watch, "default"));
}
END_TEST

START_TEST(a_storm_is_ten_messages_and_one_that_sums_up)
{
	unsigned messages = 0;
	for (int i = 0; i < WATCH_MAX + 44; i++) {
		char object[20];
		snprintf(object, sizeof(object), "%d.example", i);
		see(ALERT_QUEUE_AGE, WATCH_BAD, 0, object);
	}
	ck_assert_uint_eq(watch.n, WATCH_MAX);
	ck_assert_uint_eq(watch.lost, 44);
	watch.lost = 0;
	while (tell() >= 0)
		messages++;
	ck_assert_uint_eq(messages, THROTTLE_AN_HOUR);
	ck_assert_uint_eq(watch_due(&watch), WATCH_MAX - THROTTLE_AN_HOUR);
	now += THROTTLE_HOUR_MS - 1;
	ck_assert_int_eq(throttle_step(&throttle, watch_due(&watch), 0, now), THROTTLE_WAIT);
	now++;
	ck_assert_int_eq(throttle_step(&throttle, watch_due(&watch), 0, now), THROTTLE_ALL);
	watch_summed(&watch);
	throttle_sent(&throttle, now);
	ck_assert_uint_eq(watch_due(&watch), 0);
	ck_assert_int_eq(throttle_step(&throttle, 2, 0, now), THROTTLE_ONE);
}
END_TEST

/* Whatever news there is in every second of a day, no hour has more messages than it may. */
START_TEST(no_hour_has_more_messages)
{
	static int64_t sent[24 * (THROTTLE_AN_HOUR + 1)];
	size_t n = 0;
	for (int second = 0; second < 24 * 3600; second++, now += SECOND) {
		if (throttle_step(&throttle, (size_t)(second * 7919 % 5), 0, now) == THROTTLE_WAIT)
			continue;
		ck_assert_uint_lt(n, sizeof(sent) / sizeof(sent[0]));
		sent[n++] = now;
		throttle_sent(&throttle, now);
	}
	ck_assert_uint_eq(n, 24 * THROTTLE_AN_HOUR);
	for (size_t i = THROTTLE_AN_HOUR; i < n; i++)
		ck_assert_int_ge(sent[i] - sent[i - THROTTLE_AN_HOUR], THROTTLE_HOUR_MS);
}
END_TEST

START_TEST(sending_that_fails_is_tried_less_and_less_often)
{
	static const int64_t pauses[] = {1, 2, 4, 8, 15, 15, 15};
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		throttle_failed(&throttle, now);
		now += pauses[i] * MINUTE - 1;
		ck_assert_int_eq(throttle_step(&throttle, 1, 0, now), THROTTLE_WAIT);
		now++;
		ck_assert_int_eq(throttle_step(&throttle, 1, 0, now), THROTTLE_ONE);
	}
	throttle_sent(&throttle, now);
	throttle_failed(&throttle, now);
	now += MINUTE;
	ck_assert_int_eq(throttle_step(&throttle, 1, 0, now), THROTTLE_ONE);
}
END_TEST

START_TEST(a_clock_that_is_set_back_delays_nothing_for_longer)
{
	hop_round(WATCH_BAD);
	throttle_failed(&throttle, now);
	for (int i = 0; i < THROTTLE_AN_HOUR; i++)
		throttle_sent(&throttle, now);
	throttle_failed(&throttle, now);
	now -= (int64_t)365 * 24 * 60 * MINUTE;
	int64_t back = now;
	while (now <= back + 10 * MINUTE)
		hop_round(WATCH_BAD);
	ck_assert_uint_eq(watch_due(&watch), 1);
	ck_assert_int_eq(throttle_step(&throttle, 1, 0, now), THROTTLE_WAIT);
	now += THROTTLE_HOUR_MS;
	ck_assert_int_ne(throttle_step(&throttle, 1, 0, now), THROTTLE_WAIT);
}
END_TEST

/* Writes what is remembered, forgets it, and reads it again. */
static bool restart(void)
{
	struct str text;
	str_init(&text, SAVED_MAX);
	ck_assert(saved_write(&watch, &throttle, &text));
	begin();
	bool read = saved_read(str_span(&text), &watch, &throttle);
	str_free(&text);
	return read;
}

START_TEST(a_restart_repeats_nothing_and_forgets_no_end)
{
	see(ALERT_BADMAIL, WATCH_BAD, 0, "with\ttab\r\nline and \xc3\xa4");
	ck_assert_int_eq(tell(), WATCH_HOLDS);
	ck_assert(restart());
	ck_assert_str_eq(watch.at[0].object, "with?tab??line and ??");
	ck_assert_uint_eq(throttle.n, 1);
	see(ALERT_BADMAIL, WATCH_BAD, 0, "with\ttab\r\nline and \xc3\xa4");
	ck_assert_uint_eq(watch.n, 1);
	ck_assert_int_eq(tell(), -1);
	watch_round(&watch, ALERT_BADMAIL, "default", now);
	watch_round(&watch, ALERT_BADMAIL, "default", now);
	ck_assert(restart());
	ck_assert_int_eq(tell(), WATCH_OVER);
	ck_assert_uint_eq(watch.n, 0);
}
END_TEST

START_TEST(the_longest_state_can_be_saved)
{
	char object[WATCH_OBJECT_MAX + 50];
	memset(object, 'x', sizeof(object));
	object[sizeof(object) - 1] = '\0';
	for (int i = 0; i < WATCH_MAX; i++) {
		snprintf(object, 20, "%d", i);
		object[strlen(object)] = '.';
		see(ALERT_QUEUE_AGE, WATCH_BAD, 0, object);
		memset(watch.at[i].detail, 'y', WATCH_DETAIL_MAX);
		memset(watch.at[i].server, 's', WATCH_SERVER_MAX);
	}
	struct watch before = watch;
	ck_assert(restart());
	ck_assert_uint_eq(watch.n, WATCH_MAX);
	for (size_t i = 0; i < watch.n; i++) {
		ck_assert_str_eq(watch.at[i].object, before.at[i].object);
		ck_assert_str_eq(watch.at[i].detail, before.at[i].detail);
		ck_assert_str_eq(watch.at[i].server, before.at[i].server);
		ck_assert_int_eq(watch.at[i].since_ms, before.at[i].since_ms);
	}
}
END_TEST

START_TEST(a_damaged_state_is_none)
{
	static const char *const bad[] = {
		"",
		"mailroot-alerts 2\n",
		"mailroot-alerts 1\nhello\n",
		"mailroot-alerts 1\nsent x\n",
		"mailroot-alerts 1\nsent\t-1\n",
		"mailroot-alerts 1\nalert\tnothing\t1\t1\t5\t0\tdefault\ta\tb\n",
		"mailroot-alerts 1\nalert\tbadmail\t4\t1\t5\t0\tdefault\ta\tb\n",
		"mailroot-alerts 1\nalert\tbadmail\t3\t0\t5\t0\tdefault\ta\tb\n",
		"mailroot-alerts 1\nalert\tbadmail\t0\t1\t5\t0\tdefault\ta\tb\n",
		"mailroot-alerts 1\nsent\t5\nalert\tbadmail\t1\t2\t5\t0\tdefault\ta\tb\n",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(!saved_read(span_of(bad[i]), &watch, &throttle), "accepted: %s", bad[i]);
		ck_assert_uint_eq(watch.n + throttle.n, 0);
	}
	ck_assert(saved_read(SPAN("mailroot-alerts 1\nsent\t5\nalert\tbadmail\t1\t1\t5\t0\tdefault\ta\tb\n"), &watch,
			     &throttle));
	ck_assert_uint_eq(watch.n + throttle.n, 2);
}
END_TEST

static void contains(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in:\n%s", part, text);
}

START_TEST(a_message_says_what_since_when_where_and_what_to_do)
{
	struct notice notice;
	struct str mail;
	notice_init(&notice);
	str_init(&mail, NOTICE_BODY_MAX);
	see(ALERT_NEXT_HOP_DOWN, WATCH_BAD, 0, "mx.example");
	now += 11 * MINUTE;
	ck_assert(notice_one(&notice, &watch.at[0], "relay.example", now));
	ck_assert_str_eq(notice.subject, "Next hop mx.example does not take mail (server default)");
	const char *body = str_text(&notice.body);
	contains(body, "Machine: relay.example\n");
	contains(body, "(11m ago)\n");
	contains(body, "Details: connection refused\n");
	contains(body, "What to do: mailrootctl test --to ADDRESS");
	ck_assert(notice_mail(&notice, "root@relay.example", "ops@example", "relay.example", "7", now, &mail));
	contains(str_text(&mail),
		 "Subject: [relay.example] Next hop mx.example does not take mail (server default)\r\n");
	contains(str_text(&mail), "Auto-Submitted: auto-generated\r\n");
	contains(str_text(&mail), "Message-ID: <7@relay.example>\r\n");
	contains(str_text(&mail), "\r\n\r\nNext hop mx.example");
	for (const char *c = str_text(&mail); *c; c++)
		ck_assert(*c != '\n' || c[-1] == '\r');
	watch.at[0].state = WATCH_OVER;
	watch.at[0].good_ms = now;
	ck_assert(notice_one(&notice, &watch.at[0], "relay.example", now));
	ck_assert_str_eq(notice.subject, "Next hop mx.example takes mail again (server default)");
	contains(str_text(&notice.body), "There is nothing to do.\n");
	str_free(&mail);
	notice_free(&notice);
}
END_TEST

START_TEST(a_message_that_sums_up_names_what_began_and_what_ended)
{
	struct notice notice;
	notice_init(&notice);
	for (int i = 0; i < NOTICE_NAMED + 10; i++) {
		char object[20];
		snprintf(object, sizeof(object), "%d.example", i);
		see(ALERT_BADMAIL, WATCH_BAD, 0, object);
	}
	see(ALERT_CERTIFICATE, WATCH_BAD, 0, "/cert.pem");
	watch_told(&watch, &watch.at[watch.n - 1]);
	watch_told(&watch, &watch.at[0]);
	see(ALERT_BADMAIL, WATCH_GOOD, 0, "0.example");
	see(ALERT_BADMAIL, WATCH_GOOD, 0, "1.example");
	ck_assert(notice_all(&notice, &watch, "relay.example", now));
	ck_assert_str_eq(notice.subject, "60 more alerts of Mailroot");
	const char *body = str_text(&notice.body);
	contains(body, "New mail in 2.example (server default)\n");
	contains(body, "New mail in 51.example (server default)\n");
	ck_assert_ptr_null(strstr(body, "52.example"));
	ck_assert_ptr_null(strstr(body, "/cert.pem"));
	contains(body, "Alerts that are not named here: 9\n");
	contains(body, "began and ended before a message could be sent: 1\n");
	ck_assert(notice_test(&notice, "relay.example", now));
	contains(str_text(&notice.body), "This is a test.");
	notice_free(&notice);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		one_message_when_it_begins_and_one_when_it_ends,
		a_short_condition_is_no_news,
		the_setting_quiet_makes_the_end_come_sooner,
		what_flaps_is_one_alert,
		between_the_levels_nothing_changes,
		what_is_not_seen_any_more_is_good_and_a_silent_process_changes_nothing,
		a_condition_that_returns_before_its_end_was_told_goes_on,
		a_condition_that_ended_untold_is_counted,
		a_server_in_trouble_carries_no_message,
		a_storm_is_ten_messages_and_one_that_sums_up,
		no_hour_has_more_messages,
		sending_that_fails_is_tried_less_and_less_often,
		a_clock_that_is_set_back_delays_nothing_for_longer,
		a_restart_repeats_nothing_and_forgets_no_end,
		the_longest_state_can_be_saved,
		a_damaged_state_is_none,
		a_message_says_what_since_when_where_and_what_to_do,
		a_message_that_sums_up_names_what_began_and_what_ended,
	};
	return run_tests("alerts_watch", tests, sizeof(tests) / sizeof(tests[0]), begin, NULL);
}
