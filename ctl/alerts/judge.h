/*
 * Whether what was measured is good or bad, by the limits of the administrator. Numbers that go up and down have room
 * between the two. Pure.
 */
#ifndef CTL_ALERTS_JUDGE_H
#define CTL_ALERTS_JUDGE_H

#include "ctl/alerts/watch.h"

/* The oldest message waits for AGE_MS: bad from LIMIT_MS on, good below nine tenths of it. */
enum watch_level judge_age(int64_t age_ms, int64_t limit_ms);

/*
 * FREE of TOTAL octets or inodes: bad below PERCENT (1 to 99), good from a tenth above it (at least 1 percent) on. A
 * TOTAL of 0 means that the file system does not count: good.
 */
enum watch_level judge_room(uint64_t free, uint64_t total, unsigned percent);

/* What is valid for LEFT_MS (negative = it has expired): bad below LIMIT_MS. */
enum watch_level judge_expiry(int64_t left_ms, int64_t limit_ms);

enum { JUDGE_ENDS = 3, JUDGE_ENDS_MS = 600000 };

struct judge_process {
	uint64_t restarts;        /* as last told */
	int64_t ends[JUDGE_ENDS]; /* wall clock: when the last unexpected ends were seen, oldest first; 0 = none */
	bool known;
};

/*
 * A process of which master counts RESTARTS, seen at NOW (wall clock): bad after JUDGE_ENDS ends within JUDGE_ENDS_MS,
 * good when none was in that time. What was counted before the first look does not count, nor does a counter that began
 * anew with another master. *P is zeroed at first.
 */
enum watch_level judge_restarts(struct judge_process *p, uint64_t restarts, int64_t now);

#endif
