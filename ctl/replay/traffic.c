#include "ctl/replay/traffic.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/replay/moment.h"

enum { PARTS = 8, PARTS_BITS = 3, USUAL_PERCENT = 99 };

/* Sizes in steps of an eighth of a power of two. */
static size_t step_of(uint64_t octets)
{
	unsigned power = 63 - (unsigned)__builtin_clzll(octets | PARTS);
	return (size_t)power * PARTS + (size_t)(octets >> (power - PARTS_BITS) & (PARTS - 1));
}

static int64_t end_of_step(size_t step)
{
	size_t power = step / PARTS;
	return (int64_t)((PARTS + step % PARTS + 1) << (power - PARTS_BITS)) - 1;
}

static void take_size(struct traffic *traffic, int64_t octets, const struct place *place, int64_t most)
{
	traffic->sized++;
	traffic->octets += (uint64_t)octets;
	traffic->sizes[step_of((uint64_t)octets)]++;
	traffic->too_large += octets > most;
	if (octets > traffic->largest) {
		traffic->largest = octets;
		traffic->largest_at = *place;
	}
}

static void take_hour(struct traffic *traffic, int64_t hour)
{
	struct traffic_hour *found;
	HASH_FIND(hh, traffic->hours, &hour, sizeof(hour), found);
	if (!found && HASH_COUNT(traffic->hours) < TRAFFIC_HOURS_MAX) {
		found = calloc(1, sizeof(*found));
		if (!found)
			return;
		found->hour = hour;
		HASH_ADD(hh, traffic->hours, hour, sizeof(found->hour), found);
		if (!HASH_ADDED(found)) {
			free(found);
			return;
		}
	}
	if (found)
		found->messages++;
}

static void take_time(struct traffic *traffic, int64_t time_s)
{
	if (time_s < 0)
		return;
	take_hour(traffic, time_s / MOMENT_HOUR_S);
	if (traffic->minute != time_s / MOMENT_MINUTE_S)
		traffic->in_minute = 0;
	traffic->minute = time_s / MOMENT_MINUTE_S;
	if (++traffic->in_minute <= traffic->busiest)
		return;
	traffic->busiest = traffic->in_minute;
	traffic->busiest_s = traffic->minute * MOMENT_MINUTE_S;
}

static void take_sender(struct traffic *traffic, const struct old_session *session)
{
	struct traffic_sender *found;
	HASH_FIND_STR(traffic->senders, session->sender, found);
	if (!found && HASH_COUNT(traffic->senders) < TRAFFIC_SENDERS_MAX) {
		found = calloc(1, sizeof(*found));
		if (found) {
			memcpy(found->address, session->sender, sizeof(found->address));
			HASH_ADD_STR(traffic->senders, address, found);
		}
		if (found && !HASH_ADDED(found)) {
			free(found);
			found = NULL;
		}
	}
	if (!found) {
		traffic->other_senders++;
		return;
	}
	found->messages++;
	found->octets += session->octets > 0 ? (uint64_t)session->octets : 0;
}

void traffic_message(struct traffic *traffic, const struct row *row, const struct place *place,
		     const struct old_session *session, int64_t size_max_octets, int64_t recipients_max)
{
	traffic->messages++;
	if (session->octets != ROW_NO_OCTETS)
		take_size(traffic, session->octets, place, size_max_octets);
	traffic->too_many += session->recipients > recipients_max;
	if (session->recipients > traffic->most_recipients) {
		traffic->most_recipients = session->recipients;
		traffic->most_recipients_at = *place;
	}
	take_time(traffic, row->time_s);
	take_sender(traffic, session);
}

void traffic_free(struct traffic *traffic)
{
	struct traffic_hour *hour, *next_hour;
	struct traffic_sender *sender, *next_sender;
	HASH_ITER(hh, traffic->hours, hour, next_hour)
	{
		HASH_DEL(traffic->hours, hour);
		free(hour);
	}
	HASH_ITER(hh, traffic->senders, sender, next_sender)
	{
		HASH_DEL(traffic->senders, sender);
		free(sender);
	}
}

static int busiest_first(struct traffic_hour *a, struct traffic_hour *b)
{
	if (a->messages != b->messages)
		return a->messages < b->messages ? 1 : -1;
	return a->hour < b->hour ? -1 : 1;
}

static int most_first(struct traffic_sender *a, struct traffic_sender *b)
{
	if (a->messages != b->messages)
		return a->messages < b->messages ? 1 : -1;
	return strcmp(a->address, b->address);
}

void traffic_sort(struct traffic *traffic)
{
	HASH_SORT(traffic->hours, busiest_first);
	HASH_SORT(traffic->senders, most_first);
}

int64_t traffic_usual_size(const struct traffic *traffic)
{
	uint64_t below = 0;
	for (size_t step = 0; step < TRAFFIC_SIZES; step++) {
		below += traffic->sizes[step];
		if (below && below >= traffic->sized - traffic->sized * (100 - USUAL_PERCENT) / 100)
			return end_of_step(step) < traffic->largest ? end_of_step(step) : traffic->largest;
	}
	return 0;
}
