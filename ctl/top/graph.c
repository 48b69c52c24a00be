#include "ctl/top/graph.h"

#include <string.h>

enum { LEVELS = 9, LEAST_SCALE = 1000 }; /* so a message a minute does not look like a storm */

static const char *const blocks[LEVELS] = {"\xe2\x96\x81", "\xe2\x96\x81", "\xe2\x96\x82",
					   "\xe2\x96\x83", "\xe2\x96\x84", "\xe2\x96\x85",
					   "\xe2\x96\x86", "\xe2\x96\x87", "\xe2\x96\x88"};
static const char *const ascii[LEVELS] = {"_", ".", ":", "-", "=", "+", "*", "%", "#"};

/* The highest known value from FROM up to TO. */
static uint32_t highest(const uint32_t *points, size_t from, size_t to)
{
	uint32_t most = RATES_UNKNOWN;
	for (size_t i = from; i < to; i++)
		if (points[i] != RATES_UNKNOWN && (most == RATES_UNKNOWN || points[i] > most))
			most = points[i];
	return most;
}

/* Zero is level 0, and everything else at least 1. */
static size_t level_of(uint32_t value, uint32_t scale)
{
	return (size_t)(((uint64_t)value * (LEVELS - 1) + scale - 1) / scale);
}

void graph_draw(const uint32_t *points, size_t n, size_t width, bool utf8, char *to)
{
	const char *const *shapes = utf8 ? blocks : ascii;
	uint32_t scale = highest(points, 0, n);
	size_t missing = RATES_SECONDS - n;
	if (scale == RATES_UNKNOWN || scale < LEAST_SCALE)
		scale = LEAST_SCALE;
	for (size_t i = 0; i < width && i < GRAPH_WIDTH_MAX; i++) {
		size_t from = i * RATES_SECONDS / width, end = (i + 1) * RATES_SECONDS / width;
		uint32_t value = end > missing ? highest(points, from > missing ? from - missing : 0, end - missing)
					       : RATES_UNKNOWN;
		to = stpcpy(to, value == RATES_UNKNOWN ? " " : shapes[level_of(value, scale)]);
	}
	*to = '\0';
}
