/*
 * A block with a person's token over 120 days of a clock that is ours: an issuer that takes each refresh token back
 * when it gives another one, fails, and sometimes revokes what it gave; a disk that is full at times; and a process
 * that is started anew at any moment. No request leaves, and no disk waits.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "common/ipc/ipc.h"
#include "t/unit/web_fixture.h"

#define MINUTE (INT64_C(60) * 1000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define EPOCH  (INT64_C(1790000000) * 1000)

enum { LATENCY_MS = 200, RUNS = 2, STEP_MS = 5 * 60 * 1000 };

static int64_t now_ms;
static uint64_t seed;
static bool disk_full, simulated;

/* Check measures its tests by the usual clock. */
int clock_gettime(clockid_t clock, struct timespec *to)
{
	if (!simulated)
		return (int)syscall(SYS_clock_gettime, clock, to);
	int64_t ms = clock == CLOCK_REALTIME ? EPOCH + now_ms : now_ms;
	*to = (struct timespec){ms / 1000, ms % 1000 * 1000000};
	return 0;
}

int fsync(int fd)
{
	(void)fd;
	return 0;
}

int renameat(int from, const char *name, int to, const char *other)
{
	errno = ENOSPC;
	return disk_full ? -1 : (int)syscall(SYS_renameat2, from, name, to, other, 0);
}

static unsigned any(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

ssize_t getrandom(void *to, size_t n, unsigned flags)
{
	(void)flags;
	for (size_t i = 0; i < n; i++)
		((unsigned char *)to)[i] = (unsigned char)any(256);
	return (ssize_t)n;
}

/* The issuer. */
enum weather { GIVES, AWAY, SECRET_EXPIRED, WEATHERS };
static enum weather weather;
static unsigned newest; /* number of the refresh token that is good; 0 = none is */
static struct {
	void (*done)(void *context, const struct fetch_result *result);
	void *context;
	unsigned shown; /* the refresh token of the request */
	int64_t at;
} request;
static unsigned requests, foreign, told;

bool fetch_post(struct fetcher *f, const char *url, struct str *body,
		void (*done)(void *context, const struct fetch_result *result), void *context, char why[FETCH_WHY_MAX])
{
	(void)f, (void)url, (void)why;
	const char *shown = strstr(str_text(body), "refresh_token=R");
	request.done = done;
	request.context = context;
	request.at = now_ms + LATENCY_MS;
	request.shown = shown ? (unsigned)strtoul(shown + sizeof("refresh_token=R") - 1, NULL, 10) : 0;
	requests++;
	str_wipe(body);
	return true;
}

void fetch_cancel(struct fetcher *f, const void *context)
{
	(void)f, (void)context;
	request.done = NULL;
}

static void answer(void)
{
	char body[300];
	struct fetch_result result = {.why = "connection refused"};
	void (*done)(void *, const struct fetch_result *) = request.done;
	request.done = NULL;
	if (weather == SECRET_EXPIRED) {
		result = (struct fetch_result){.status = 401, .body = SPAN("{\"error\":\"invalid_client\"}")};
	} else if (weather == GIVES && request.shown != newest) {
		foreign += newest != 0;
		result = (struct fetch_result){.status = 400, .body = SPAN("{\"error\":\"invalid_grant\"}")};
	} else if (weather == GIVES) {
		newest++;
		snprintf(body, sizeof(body),
			 "{\"token_type\":\"Bearer\",\"access_token\":\"A%u\",\"refresh_token\":\"R%u\"}", newest,
			 newest);
		result = (struct fetch_result){.status = 200, .body = span_of(body)};
	}
	done(request.context, &result);
}

/* The process. */
static void tell(void *context, struct block *b, enum block_news news, const struct answer_token *token,
		 const struct answer_device *device)
{
	(void)context, (void)b, (void)news, (void)token, (void)device;
}

static void setup(void)
{
	fixture_open("/dev/shm");
	web.tell = tell;
}

/* The person reads `status`, signs in again, and brings a new refresh token. */
static void sign_in(void)
{
	char text[20];
	newest++;
	snprintf(text, sizeof(text), "R%u", newest);
	disk_full = false;
	ck_assert_int_eq(block_import(&block, text), 0);
}

static void take_news(void)
{
	char buffer[WIRE_PACKET_MAX];
	struct ipc_packet packet;
	while (ipc_receive(queue[1], buffer, sizeof(buffer), MSG_DONTWAIT, &packet) == 0)
		told++;
}

struct days {
	int64_t weather_end, well_since; /* since when a token could have been had */
	int64_t revoked_at;
	unsigned restarts, revocations;
	bool usable;
};

/* The longest wait of grant.h, and a tenth: 0 = nothing was wrong. */
static int64_t patience(void)
{
	static const int64_t waits[] = {
		[GRANT_PASSING] = 330 * 1000, [GRANT_OURS] = 990 * 1000, [GRANT_PERSON] = 66 * MINUTE};
	return block.grant.failures ? waits[block.grant.failed_class] : 30 * 1000;
}

static void change_weather(struct days *d)
{
	static const int64_t scales[] = {10 * MINUTE, HOUR, 6 * HOUR, DAY};
	if (now_ms < d->weather_end)
		return;
	bool was_well = weather == GIVES && !disk_full;
	weather = weather == GIVES && any(2) ? (enum weather)(1 + any(WEATHERS - 1)) : GIVES;
	disk_full = weather == GIVES && any(6) == 0;
	d->weather_end = now_ms + 1 + (int64_t)any(1000) * scales[any(4)] / 500;
	if (!was_well)
		d->well_since = now_ms;
}

/* A kill between the answer of the issuer and our disk can't be mended by anybody: none happens here. */
static void disturb(struct days *d)
{
	if (any(400) == 0 && !request.done && !block.held.length) {
		block_free(&block);
		load(CONFIG_GRANT_REFRESH);
		d->restarts++;
	}
	if (any(6000) == 0 && newest && !request.done && !d->revoked_at) {
		newest++; /* which the process does not have */
		d->revoked_at = now_ms;
		d->revocations++;
	}
	if (d->revoked_at && now_ms - d->revoked_at > 5 * HOUR &&
	    grant_state(&block.grant, block_now()) == GRANT_LOGIN_NEEDED) {
		sign_in();
		d->revoked_at = 0;
		d->well_since = now_ms;
	}
}

/* Mail comes. */
static void deliver(struct days *d)
{
	tokens_read(web.page, block.identity, &page);
	bool usable = token_usable(&page, EPOCH + now_ms);
	if (usable && !d->usable) {
		told = 0;
		take_news();
		if (!told)
			ck_abort_msg("the queue was not told of a token");
	}
	d->usable = usable;
	bool well = weather == GIVES && !disk_full && !d->revoked_at;
	if (well && !usable && now_ms - d->well_since > patience() + STEP_MS)
		ck_abort_msg("no token %lld s after one could be had (%s)", (long long)(now_ms - d->well_since) / 1000,
			     page.why);
}

START_TEST(a_hundred_and_twenty_days)
{
	struct days d = {.weather_end = DAY};
	seed = (uint64_t)_i + 1;
	now_ms = 1000;
	simulated = true;
	load(CONFIG_GRANT_REFRESH);
	sign_in();
	while (now_ms < 120 * DAY) {
		int64_t step = block_until(&block);
		step = step < STEP_MS ? step : STEP_MS;
		if (request.done && request.at - now_ms < step)
			step = request.at - now_ms;
		now_ms += step > 0 ? step : 1;
		change_weather(&d);
		disturb(&d);
		if (request.done && request.at <= now_ms)
			answer();
		block_tend(&block);
		deliver(&d);
	}
	simulated = false;
	if (!d.revocations)
		ck_assert_uint_eq(foreign, 0); /* an old refresh token was never shown */
	ck_assert_uint_gt(d.restarts, 20);
	ck_assert_uint_gt(newest, 1000);
	/* One in 27 minutes while all is well, and 15 an hour while the issuer is away, are the most. */
	ck_assert_uint_lt(requests, 120 * 24 * 15);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("web_days");
	TCase *tcase = tcase_create("days");
	tcase_add_checked_fixture(tcase, setup, fixture_close);
	tcase_set_timeout(tcase, 0); /* the clock is not the usual one */
	tcase_add_loop_test(tcase, a_hundred_and_twenty_days, 0, RUNS);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
