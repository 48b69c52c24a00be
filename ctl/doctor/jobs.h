/*
 * Work that may hang (DNS, other hosts, network file systems), done at the same time: each job in a process of its own,
 * whose text is its result. A job that is late is killed.
 */
#ifndef CTL_DOCTOR_JOBS_H
#define CTL_DOCTOR_JOBS_H

#include "common/base/str.h"

enum { JOBS_TEXT_MAX = 1 << 20 };

struct jobs {
	/* In its own process: does job WHICH, and appends the result to TO. Its standard error leads nowhere. */
	void (*run)(void *context, size_t which, struct str *to);
	void *context;
	size_t n;
	int64_t until; /* clock_mono_ms */
};

struct jobs_result {
	bool complete; /* it came to its end in time */
	struct str text;
};

/* Runs all; RESULTS has room for N. The caller frees them with jobs_free. */
void jobs_run(const struct jobs *jobs, struct jobs_result *results);
void jobs_free(struct jobs_result *results, size_t n);

#endif
