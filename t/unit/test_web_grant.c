/*
 * When the issuer of tokens is asked: each rule by itself, and 120 days with an issuer that fails for minutes, hours
 * and days, throttles, lets secrets expire and revokes what persons gave. Two things hold all the time: where a token
 * can be had there is one soon, and no request comes sooner than the table of grant.h permits.
 */
#include "delivery/web/grant.h"
#include "t/unit/suite.h"

#include <stdio.h>
#include <string.h>

#define MINUTE (INT64_C(60) * 1000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define EPOCH  (INT64_C(1790000000) * 1000)

enum { MIDDLE = GRANT_JITTER_MAX / 2, STEP = 30 * 1000 };

static struct grant g;
static struct grant_clock now;

static void setup(void)
{
	now = (struct grant_clock){1000, EPOCH};
	grant_begin(&g, true, 0, now, MIDDLE);
}

static void pass(int64_t ms)
{
	now.mono += ms;
	now.wall += ms;
}

static void ask(void)
{
	ck_assert_int_eq(grant_due(&g, now), GRANT_ASK_TOKEN);
	grant_asked(&g, GRANT_ASK_TOKEN, now);
	ck_assert_int_eq(grant_due(&g, now), GRANT_ASK_NOTHING);
	ck_assert_int_eq(grant_until_due(&g, now), GRANT_NEVER);
}

static void get(int64_t life)
{
	ask();
	grant_got(&g, life, now, MIDDLE);
}

START_TEST(a_token_is_renewed_at_half_of_its_life)
{
	ck_assert_int_eq(grant_state(&g, now), GRANT_NONE);
	ask();
	ck_assert_int_eq(grant_state(&g, now), GRANT_ASKING);
	grant_got(&g, HOUR, now, MIDDLE);
	ck_assert_int_eq(grant_state(&g, now), GRANT_VALID);
	ck_assert_int_eq(grant_until_due(&g, now), 30 * MINUTE);
	pass(30 * MINUTE);
	ask();
	ck_assert_int_eq(grant_state(&g, now), GRANT_RENEWING);
}
END_TEST

static const struct {
	int64_t life, early, late;
} lives[] = {
	{HOUR, 27 * MINUTE, 33 * MINUTE},      {24 * HOUR, 648 * MINUTE, 792 * MINUTE},
	{11 * MINUTE, 297 * 1000, 363 * 1000}, {2 * MINUTE, 54 * 1000, 66 * 1000},
	{605 * 1000, 272250, 305 * 1000},
};

START_TEST(renewals_are_spread)
{
	int64_t least = GRANT_NEVER, most = 0;
	for (unsigned jitter = 0; jitter < GRANT_JITTER_MAX; jitter++) {
		grant_begin(&g, true, 0, now, jitter);
		ask();
		grant_got(&g, lives[_i].life, now, jitter);
		int64_t after = grant_until_due(&g, now);
		ck_assert(after >= lives[_i].early && after <= lives[_i].late);
		least = after < least ? after : least;
		most = after > most ? after : most;
	}
	ck_assert_int_gt(most, least);
	ck_assert(lives[_i].life < 2 * GRANT_MARGIN_MS || most <= lives[_i].life - GRANT_MARGIN_MS);
}
END_TEST

START_TEST(a_failed_renewal_leaves_the_token)
{
	get(HOUR);
	pass(30 * MINUTE);
	ask();
	grant_failed(&g, GRANT_OURS, 0, now, MIDDLE);
	ck_assert_int_eq(grant_state(&g, now), GRANT_VALID);
	pass(29 * MINUTE - 1);
	ck_assert(grant_usable(&g, now));
	pass(1);
	ck_assert(!grant_usable(&g, now));
	ck_assert_int_eq(grant_state(&g, now), GRANT_WAIT);
}
END_TEST

static const struct {
	enum grant_class class;
	int64_t waits[11];
} paces[] = {
	{GRANT_PASSING, {1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 300000, 300000}},
	{GRANT_OURS, {MINUTE, 15 * MINUTE, 15 * MINUTE}},
	{GRANT_PERSON, {HOUR, HOUR, HOUR}},
};

START_TEST(each_failure_has_its_pace)
{
	for (int i = 0; i < 11 && paces[_i].waits[i]; i++) {
		ask();
		grant_failed(&g, paces[_i].class, 0, now, MIDDLE);
		ck_assert_int_eq(grant_until_due(&g, now), paces[_i].waits[i]);
		pass(paces[_i].waits[i] - 1);
		ck_assert_int_eq(grant_due(&g, now), GRANT_ASK_NOTHING);
		pass(1);
	}
	get(HOUR);
	pass(30 * MINUTE);
	ask();
	grant_failed(&g, paces[_i].class, 0, now, MIDDLE);
	ck_assert_int_eq(grant_until_due(&g, now), paces[_i].waits[0]);
}
END_TEST

static const struct {
	int64_t said, waited;
} retry_afters[] = {{1, 1000}, {30 * 1000, 30 * 1000}, {HOUR, HOUR}, {DAY, HOUR}, {GRANT_NEVER, HOUR}};

START_TEST(retry_after_goes_first_within_bounds)
{
	for (int class = GRANT_PASSING; class <= GRANT_PERSON; class ++) {
		setup();
		ask();
		grant_failed(&g, (enum grant_class) class, retry_afters[_i].said, now, 0);
		ck_assert_int_eq(grant_until_due(&g, now), retry_afters[_i].waited);
	}
}
END_TEST

START_TEST(another_class_begins_its_pace_anew)
{
	ask();
	grant_failed(&g, GRANT_OURS, 0, now, MIDDLE);
	pass(MINUTE);
	ask();
	grant_failed(&g, GRANT_PASSING, 0, now, MIDDLE);
	ck_assert_int_eq(grant_until_due(&g, now), 1000);
}
END_TEST

START_TEST(a_refused_token_is_replaced_but_not_at_once)
{
	get(HOUR);
	pass(10 * 1000);
	grant_refused(&g, now);
	grant_refused(&g, now);
	ck_assert_int_eq(grant_until_due(&g, now), 50 * 1000);
	pass(50 * 1000);
	for (int i = 0; i < 20; i++) {
		get(HOUR);
		pass(1000);
		grant_refused(&g, now);
		ck_assert_int_eq(grant_until_due(&g, now), GRANT_REFUSED_MS - 1000);
		pass(GRANT_REFUSED_MS - 1000);
	}
	get(HOUR);
	pass(30 * MINUTE); /* a token that nobody refused: the next refusal is a first one again */
	get(HOUR);
	grant_refused(&g, now);
	ck_assert_int_eq(grant_until_due(&g, now), GRANT_REFUSED_FIRST_MS);
}
END_TEST

START_TEST(a_refusal_does_not_hurry_who_waits_for_a_failure)
{
	ask();
	grant_failed(&g, GRANT_OURS, 0, now, MIDDLE);
	grant_refused(&g, now);
	ck_assert_int_eq(grant_until_due(&g, now), MINUTE);
	grant_hurry(&g, now);
	ck_assert_int_eq(grant_due(&g, now), GRANT_ASK_TOKEN);
}
END_TEST

START_TEST(a_new_process_takes_the_token_over)
{
	grant_begin(&g, true, now.wall + 40 * MINUTE, now, MIDDLE);
	ck_assert_int_eq(grant_state(&g, now), GRANT_VALID);
	ck_assert_int_eq(grant_until_due(&g, now), 20 * MINUTE);
	grant_begin(&g, true, now.wall + MINUTE, now, MIDDLE);
	ck_assert_int_eq(grant_due(&g, now), GRANT_ASK_TOKEN);
	grant_begin(&g, false, 0, now, MIDDLE);
	ck_assert_int_eq(grant_state(&g, now), GRANT_LOGIN_NEEDED);
	ck_assert_int_eq(grant_until_due(&g, now), GRANT_NEVER);
}
END_TEST

START_TEST(a_clock_that_is_set_forward_ends_the_token)
{
	get(HOUR);
	pass(MINUTE);
	now.wall += 2 * HOUR;
	ck_assert_int_eq(grant_until_due(&g, now), 0);
	ask();
	grant_failed(&g, GRANT_PASSING, 0, now, MIDDLE);
	ck_assert_int_eq(grant_until_due(&g, now), 1000);
}
END_TEST

START_TEST(a_clock_that_is_set_back_delays_no_renewal)
{
	get(HOUR);
	now.wall -= DAY;
	now.mono += 30 * MINUTE;
	ck_assert_int_eq(grant_due(&g, now), GRANT_ASK_TOKEN);
}
END_TEST

START_TEST(a_person_signs_in)
{
	grant_begin(&g, false, 0, now, MIDDLE);
	grant_sign_in(&g, now);
	ck_assert_int_eq(grant_due(&g, now), GRANT_ASK_CODE);
	grant_asked(&g, GRANT_ASK_CODE, now);
	grant_code(&g, 15 * MINUTE, 5000, now);
	ck_assert_int_eq(grant_state(&g, now), GRANT_POLLING);
	ck_assert_int_eq(grant_until_due(&g, now), 5000);
	pass(5000);
	ck_assert_int_eq(grant_due(&g, now), GRANT_ASK_POLL);
	grant_asked(&g, GRANT_ASK_POLL, now);
	grant_pending(&g, true, now);
	ck_assert_int_eq(grant_until_due(&g, now), 10000);
	pass(10000);
	grant_asked(&g, GRANT_ASK_POLL, now);
	grant_pending(&g, false, now);
	ck_assert_int_eq(grant_until_due(&g, now), 10000);
	pass(10000);
	grant_asked(&g, GRANT_ASK_POLL, now);
	grant_got(&g, HOUR, now, MIDDLE);
	ck_assert_int_eq(grant_state(&g, now), GRANT_VALID);
	ck_assert_int_eq(grant_until_due(&g, now), 30 * MINUTE);
}
END_TEST

START_TEST(a_code_ends)
{
	grant_begin(&g, false, 0, now, MIDDLE);
	grant_sign_in(&g, now);
	grant_asked(&g, GRANT_ASK_CODE, now);
	grant_code(&g, MINUTE, 25000, now);
	int polls = 0;
	for (; grant_until_due(&g, now) != GRANT_NEVER; polls++) {
		pass(grant_until_due(&g, now));
		grant_asked(&g, GRANT_ASK_POLL, now);
		grant_pending(&g, false, now);
	}
	ck_assert_int_eq(polls, 2);
	ck_assert_int_eq(grant_state(&g, now), GRANT_LOGIN_NEEDED);
}
END_TEST

START_TEST(a_sign_in_beside_a_token_stops_no_renewal)
{
	get(HOUR);
	pass(29 * MINUTE);
	grant_sign_in(&g, now);
	grant_asked(&g, GRANT_ASK_CODE, now);
	grant_code(&g, 15 * MINUTE, 5 * MINUTE, now);
	ck_assert_int_eq(grant_until_due(&g, now), MINUTE);
	pass(MINUTE);
	get(HOUR);
	ck_assert_int_eq(grant_until_due(&g, now), 4 * MINUTE);
	grant_sign_in_failed(&g);
	ck_assert_int_eq(grant_until_due(&g, now), 30 * MINUTE);
}
END_TEST

START_TEST(what_is_forgotten_is_not_asked_for)
{
	get(HOUR);
	grant_forget(&g);
	ck_assert_int_eq(grant_until_due(&g, now), GRANT_NEVER);
	ck_assert(!grant_usable(&g, now));
	ck_assert_int_eq(grant_state(&g, now), GRANT_LOGIN_NEEDED);
}
END_TEST

/* The issuer of the long run: in each phase it gives tokens, or fails in one way. */
enum phase { GIVES, FAILS_PASSING, FAILS_OURS, FAILS_PERSON, THROTTLES, PHASES };

struct run {
	uint64_t seed;
	enum phase phase;
	int64_t phase_end, next_allowed; /* the oracle's bound for the next request */
	unsigned row;
	enum phase row_of;
	int64_t requests, outages;
	bool healthy; /* before this outage, long enough to have a token of its middle age */
};

static unsigned any(struct run *r, unsigned n)
{
	r->seed = r->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(r->seed >> 33) % n;
}

static int64_t any_length(struct run *r)
{
	static const int64_t scales[] = {MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY};
	return 1 + (int64_t)any(r, 1000000) * scales[any(r, 5)] / 500000;
}

/* The oracle: what the table says about the next request after this failure, a tenth of variation included. */
static int64_t least_wait(struct run *r)
{
	unsigned before = r->row_of == r->phase || (r->row_of == THROTTLES && r->phase == FAILS_PASSING) ||
					  (r->row_of == FAILS_PASSING && r->phase == THROTTLES)
				  ? r->row
				  : 0;
	r->row = before + 1;
	r->row_of = r->phase;
	switch (r->phase) {
	case THROTTLES:
		return 42 * 1000;
	case FAILS_PASSING:
		return (before < 9 ? INT64_C(1000) << before : 300000) * 9 / 10;
	case FAILS_OURS:
		return (before ? 15 * MINUTE : MINUTE) * 9 / 10;
	default:
		return 54 * MINUTE;
	}
}

static void answer(struct run *r)
{
	static const enum grant_class classes[] = {[FAILS_PASSING] = GRANT_PASSING,
						   [FAILS_OURS] = GRANT_OURS,
						   [FAILS_PERSON] = GRANT_PERSON,
						   [THROTTLES] = GRANT_PASSING};
	ck_assert_int_ge(now.mono, r->next_allowed);
	r->requests++;
	grant_asked(&g, GRANT_ASK_TOKEN, now);
	if (r->phase == GIVES) {
		grant_got(&g, HOUR, now, any(r, GRANT_JITTER_MAX));
		r->row = 0;
		r->row_of = GIVES;
		r->next_allowed = now.mono + 27 * MINUTE;
		return;
	}
	r->next_allowed = now.mono + least_wait(r);
	grant_failed(&g, classes[r->phase], r->phase == THROTTLES ? 42 * 1000 : 0, now, any(r, GRANT_JITTER_MAX));
}

/* How long a token may be missing once the issuer gives them again: the wait after the last failure, if there was one.
 */
static int64_t patience(const struct run *r)
{
	static const int64_t waits[] = {[FAILS_PASSING] = 330 * 1000,
					[FAILS_OURS] = 990 * 1000,
					[FAILS_PERSON] = 66 * MINUTE,
					[THROTTLES] = 330 * 1000};
	return waits[r->row_of];
}

static void next_phase(struct run *r)
{
	r->phase = r->phase == GIVES ? (enum phase)(1 + any(r, PHASES - 1)) : GIVES;
	r->phase_end = now.mono + any_length(r);
	r->outages += r->phase != GIVES;
}

/* Mail comes at this moment. Asserts that hold cost a system call each, so they are few here. */
static void deliver(const struct run *r, int64_t outage_began, int64_t outage_end)
{
	if (grant_usable(&g, now))
		return;
	if (r->phase == GIVES && now.mono - outage_end > patience(r))
		ck_abort_msg("no token %lld s after the end of an outage", (long long)(now.mono - outage_end) / 1000);
	/* The token was renewed at 33 minutes at the latest, and is good for 59. */
	if (now.mono - outage_began < 26 * MINUTE && r->healthy)
		ck_abort_msg("no token %lld s after an outage began", (long long)(now.mono - outage_began) / 1000);
}

START_TEST(a_hundred_and_twenty_days)
{
	struct run r = {.seed = (uint64_t)_i + 1, .phase = GIVES, .phase_end = HOUR};
	int64_t outage_began = 0, outage_end = 0;
	grant_begin(&g, true, 0, now, MIDDLE);
	while (now.mono < 120 * DAY) {
		if (now.mono >= r.phase_end) {
			enum phase old = r.phase;
			next_phase(&r);
			if (old == GIVES) {
				outage_began = now.mono;
				r.healthy = now.mono - outage_end > 2 * HOUR;
			} else {
				outage_end = now.mono;
			}
		}
		while (grant_due(&g, now) == GRANT_ASK_TOKEN)
			answer(&r);
		deliver(&r, outage_began, outage_end);
		int64_t step = grant_until_due(&g, now), rest = r.phase_end - now.mono;
		step = step < rest ? step : rest;
		pass(step > STEP ? STEP : step > 0 ? step : 1);
	}
	ck_assert_int_gt(r.outages, 20);
	/* 27 minutes at least between renewals; in outages as the table says, which the oracle watched. */
	ck_assert_int_gt(r.requests, 120 * 24);
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof(*(list)))

int main(void)
{
	Suite *suite = suite_create("web_grant");
	TCase *tcase = tcase_create("rules");
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_token_is_renewed_at_half_of_its_life);
	tcase_add_loop_test(tcase, renewals_are_spread, 0, COUNT(lives));
	tcase_add_test(tcase, a_failed_renewal_leaves_the_token);
	tcase_add_loop_test(tcase, each_failure_has_its_pace, 0, COUNT(paces));
	tcase_add_loop_test(tcase, retry_after_goes_first_within_bounds, 0, COUNT(retry_afters));
	tcase_add_test(tcase, another_class_begins_its_pace_anew);
	tcase_add_test(tcase, a_refused_token_is_replaced_but_not_at_once);
	tcase_add_test(tcase, a_refusal_does_not_hurry_who_waits_for_a_failure);
	tcase_add_test(tcase, a_new_process_takes_the_token_over);
	tcase_add_test(tcase, a_clock_that_is_set_forward_ends_the_token);
	tcase_add_test(tcase, a_clock_that_is_set_back_delays_no_renewal);
	tcase_add_test(tcase, a_person_signs_in);
	tcase_add_test(tcase, a_code_ends);
	tcase_add_test(tcase, a_sign_in_beside_a_token_stops_no_renewal);
	tcase_add_test(tcase, what_is_forgotten_is_not_asked_for);
	tcase_add_loop_test(tcase, a_hundred_and_twenty_days, 0, 20);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
