/*
 * What the processes of one virtual server count (counters.def), for metrics: a page of shared memory, 64-bit words.
 * All processes of the server write it, by atomic adds without packets or system calls. Master makes the page once and
 * keeps it, so restarts of other processes and upgrades lose nothing. A process that is killed may leave the event in
 * its hand uncounted, or its successor may count it again. A process that an attacker has taken over may write anything
 * there: the numbers are no evidence.
 */
#ifndef COMMON_IPC_COUNTERS_H
#define COMMON_IPC_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

enum { COUNTERS_BOUNDS = 12 };

enum counter_family {
#define FAMILY(family, name, help) FAMILY_##family,
#include "common/ipc/counters.def"
	FAMILY_COUNT
};

enum counter {
#define COUNTER(counter, family, labels) COUNTER_##counter,
#include "common/ipc/counters.def"
	COUNTER_COUNT
};

enum histogram {
#define HISTOGRAM(histogram, family, labels, bounds) HISTOGRAM_##histogram,
#include "common/ipc/counters.def"
	HISTOGRAM_COUNT
};

/* --- for all that count; harmless without a page --- */

struct counters;

/* Child, at its start: maps the page of FD, which stays open, as the one of this process and of those that it forks. */
void counters_map(int fd);

/* Adds 1 or N to COUNTER. */
void count(enum counter counter);
void count_by(enum counter counter, uint64_t n);

/* Adds a time of MS, which may be negative when a clock was set back, to HISTOGRAM. */
void count_time(enum histogram histogram, int64_t ms);

/* --- for master --- */

/* Makes a page with zeros. 0 or -errno. */
int counters_create(int *write_fd, int *read_fd);

/* Whether the page of FD has the list of this program. An older or newer program may have made it. */
bool counters_fit(int fd);

/* Adds 1 to COUNTER in the page of WRITE_FD, if that fits. For rare events: it makes system calls. */
void counters_count(int write_fd, enum counter counter);

/* --- for readers --- */

/* Maps the page of FD, which stays open, for reading. NULL: it does not fit, or there is no memory. */
const struct counters *counters_map_read(int fd);
void counters_unmap(const struct counters *page); /* NULL is fine */

uint64_t counters_value(const struct counters *page, enum counter counter);

/* The times up to the bound AT alone, not those below the bound before; AT = COUNTERS_BOUNDS: beyond the last bound. */
uint64_t counters_bucket(const struct counters *page, enum histogram histogram, unsigned at);
uint64_t counters_sum_ms(const struct counters *page, enum histogram histogram);

/* What stands in counters.def. Labels: `door="smtp"`, "" = none. */
const char *counters_family_name(enum counter_family family);
const char *counters_family_help(enum counter_family family);
enum counter_family counters_family(enum counter counter);
const char *counters_labels(enum counter counter);
enum counter_family counters_histogram_family(enum histogram histogram);
const char *counters_histogram_labels(enum histogram histogram);
int64_t counters_bound_ms(enum histogram histogram, unsigned at); /* AT < COUNTERS_BOUNDS */

#endif
