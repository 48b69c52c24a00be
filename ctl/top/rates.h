/* How fast a virtual server takes and sends mail, from counters that only grow. Pure. */
#ifndef CTL_TOP_RATES_H
#define CTL_TOP_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Messages that were accepted; recipients that were delivered or relayed. */
enum rates_kind { RATES_IN, RATES_OUT, RATES_KINDS };

enum { RATES_SECONDS = 60, RATES_MEAN_S = 10 };

#define RATES_UNKNOWN UINT32_MAX

/* Zero it before the first use. */
struct rates {
	bool begun; /* at_ms holds */
	bool known; /* totals hold */
	int64_t at_ms;
	uint64_t totals[RATES_KINDS];
	size_t n;                                    /* seconds that are known or not, RATES_SECONDS at most */
	uint32_t points[RATES_KINDS][RATES_SECONDS]; /* of the last N seconds, oldest first: thousandths a second */
};

/*
 * Takes the counters at MONO_MS; TOTALS NULL: they could not be read. A counter that is smaller than before began anew,
 * and no rate comes of it.
 */
void rates_add(struct rates *rates, const uint64_t totals[RATES_KINDS], int64_t mono_ms);

/* Thousandths a second, the mean of the last RATES_MEAN_S seconds that are known; RATES_UNKNOWN = none is. */
uint32_t rates_mean(const struct rates *rates, enum rates_kind kind);

/* "12", "0.3", "0", "-" for RATES_UNKNOWN; TO holds RATES_TEXT_MAX. */
enum { RATES_TEXT_MAX = 16 };
void rates_format(uint32_t thousandths, char *to);

#endif
