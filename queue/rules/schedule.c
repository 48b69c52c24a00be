#include "queue/rules/schedule.h"

#include "common/mail/msgid.h"

enum { DOWN_MAX_MS = 5 * 60 * 1000 };

/* For an empty ladder, which the configuration never has. */
static const int64_t fallback_ms = 15 * 60 * 1000;

int64_t schedule_age(const char *id, int64_t wall_ms)
{
	int64_t age = wall_ms - msgid_time(id) * 1000;
	return age > 0 ? age : 0;
}

int64_t schedule_expire(const struct config_delivery *delivery, bool local)
{
	return local ? delivery->local_expire : delivery->expire;
}

int64_t schedule_notice(const struct config_delivery *delivery, bool local)
{
	return local ? delivery->local_delay_notice : delivery->delay_notice;
}

int64_t schedule_delay(const struct config_durations *ladder, unsigned attempts)
{
	if (!ladder->n)
		return fallback_ms;
	size_t step = attempts ? attempts - 1 : 0;
	return ladder->ms[step < ladder->n ? step : ladder->n - 1];
}

static int64_t no_longer_than(int64_t delay, int64_t age_ms, int64_t limit)
{
	return age_ms < limit && delay > limit - age_ms ? limit - age_ms : delay;
}

int64_t schedule_delay_until(const struct config_durations *ladder, unsigned attempts, int64_t age_ms, int64_t notice,
			     int64_t expire)
{
	int64_t delay = schedule_delay(ladder, attempts);
	return no_longer_than(no_longer_than(delay, age_ms, notice), age_ms, expire);
}

int64_t schedule_remaining(const struct config_durations *ladder, int64_t written_wall_ms, int64_t wall_ms)
{
	int64_t longest = ladder->n ? 0 : fallback_ms;
	for (size_t i = 0; i < ladder->n; i++)
		if (ladder->ms[i] > longest)
			longest = ladder->ms[i];
	int64_t left = written_wall_ms - wall_ms;
	if (left < 0)
		return 0;
	return left < longest ? left : longest;
}

/* The number of attempts that the ladder makes up to age LIMIT. */
static int64_t attempts_within(const struct config_durations *ladder, int64_t limit)
{
	int64_t attempts = 1, at = 0;
	for (size_t i = 0; i < ladder->n; i++, attempts++) {
		at += ladder->ms[i];
		if (at > limit)
			return attempts;
	}
	int64_t last = schedule_delay(ladder, (unsigned)ladder->n);
	return attempts + (last > 0 ? (limit - at) / last : 0);
}

bool schedule_over(const struct config_durations *ladder, int64_t limit, int64_t age_ms, unsigned attempts)
{
	return age_ms >= limit && attempts >= (attempts_within(ladder, limit) + 1) / 2;
}

int64_t schedule_down_max(const struct config_durations *ladder)
{
	int64_t first = schedule_delay(ladder, 1);
	return first < DOWN_MAX_MS ? first : DOWN_MAX_MS;
}
