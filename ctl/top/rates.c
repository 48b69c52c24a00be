#include "ctl/top/rates.h"

#include <stdio.h>
#include <string.h>

enum { SECOND_MS = 1000 };

static void push(struct rates *rates, enum rates_kind kind, uint32_t point, size_t seconds)
{
	uint32_t *points = rates->points[kind];
	size_t room = RATES_SECONDS - seconds, kept = rates->n < room ? rates->n : room;
	memmove(points, points + rates->n - kept, kept * sizeof(*points));
	for (size_t i = 0; i < seconds; i++)
		points[kept + i] = point;
}

/* The rate between two readings. */
static uint32_t point_of(uint64_t before, uint64_t now, int64_t ms)
{
	if (now < before)
		return RATES_UNKNOWN;
	uint64_t events = now - before;
	uint64_t rate = events > UINT32_MAX ? UINT32_MAX : events * SECOND_MS * SECOND_MS / (uint64_t)ms;
	return rate < RATES_UNKNOWN ? (uint32_t)rate : RATES_UNKNOWN - 1;
}

void rates_add(struct rates *rates, const uint64_t totals[RATES_KINDS], int64_t mono_ms)
{
	int64_t ms = mono_ms - rates->at_ms;
	size_t seconds = ms > RATES_SECONDS * SECOND_MS ? RATES_SECONDS : (size_t)(ms + SECOND_MS / 2) / SECOND_MS;
	if (rates->begun && seconds == 0)
		return; /* too short to tell; the next reading has it all */
	for (enum rates_kind kind = 0; rates->begun && kind < RATES_KINDS; kind++)
		push(rates, kind,
		     totals && rates->known ? point_of(rates->totals[kind], totals[kind], ms) : RATES_UNKNOWN, seconds);
	if (rates->begun)
		rates->n = rates->n + seconds < RATES_SECONDS ? rates->n + seconds : RATES_SECONDS;
	rates->begun = true;
	rates->at_ms = mono_ms;
	rates->known = totals;
	if (totals)
		memcpy(rates->totals, totals, sizeof(rates->totals));
}

uint32_t rates_mean(const struct rates *rates, enum rates_kind kind)
{
	uint64_t sum = 0;
	size_t n = 0;
	for (size_t i = rates->n > RATES_MEAN_S ? rates->n - RATES_MEAN_S : 0; i < rates->n; i++) {
		if (rates->points[kind][i] == RATES_UNKNOWN)
			continue;
		sum += rates->points[kind][i];
		n++;
	}
	return n ? (uint32_t)(sum / n) : RATES_UNKNOWN;
}

void rates_format(uint32_t thousandths, char *to)
{
	unsigned tenths = thousandths / 100 + (thousandths % 100 >= 50);
	if (thousandths == RATES_UNKNOWN)
		snprintf(to, RATES_TEXT_MAX, "-");
	else if (tenths >= 100 || !thousandths)
		snprintf(to, RATES_TEXT_MAX, "%u", (thousandths + 500) / 1000);
	else
		snprintf(to, RATES_TEXT_MAX, "%u.%u", tenths / 10, tenths % 10);
}
