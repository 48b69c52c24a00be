/*
 * Stress, as Postfix calls it: workers are short, so nobody may keep one waiting for long. While it lasts the time-outs
 * of all sessions, also of those that wait already, are LIMIT_STRESS_MS. The parent decides and writes one word of
 * shared memory; workers read it whenever they wait (stream_hurry). A worker that was taken over may write it, too: the
 * parent writes it anew at its next look.
 */
#ifndef SMTPD_STRESS_H
#define SMTPD_STRESS_H

#include <stdatomic.h>

#include "common/process/prefork.h"

struct stress {
	_Atomic bool *on; /* shared */
	bool before;      /* parent: what it wrote last */
	int64_t again_ms; /* parent, clock_mono_ms: when sessions that wait are told again */
};

bool stress_init(struct stress *s); /* false with errno */

/* Parent, twice a second while `before`: looks at POOL, writes the word, tells those that wait by SIGUSR2. */
void stress_tend(struct stress *s, struct prefork *pool, int64_t now_ms);

/* Are workers short, with BUSY of MAX at work? Begins when a tenth of them or less is free, ends when more than a fifth
 * is. Pure. */
bool stress_decide(size_t busy, size_t max, bool before);

#endif
