/*
 * Stress, as in Postfix: few workers are free, so no client may keep one waiting for long. During stress the time-outs
 * of all sessions, including those that wait already, are LIMIT_STRESS_MS. The parent decides and writes one word of
 * shared memory; workers read it whenever they wait (stream_hurry). A worker that was taken over may write that word,
 * too: the parent writes it again at its next look.
 */
#ifndef SMTPD_STRESS_H
#define SMTPD_STRESS_H

#include <stdatomic.h>

#include "common/process/prefork.h"

struct stress {
	_Atomic bool *on; /* shared */
	bool before;      /* parent: what it wrote last */
	int64_t again_ms; /* parent, clock_mono_ms: when waiting sessions are signalled again */
};

bool stress_init(struct stress *s); /* false with errno */

/* Parent, twice a second while `before`: looks at POOL, writes the word, and signals waiting workers by SIGUSR2. */
void stress_tend(struct stress *s, struct prefork *pool, int64_t now_ms);

/*
 * Whether there is stress with BUSY of MAX workers busy. It begins when a tenth of them or less is free, and ends when
 * more than a fifth is. Pure.
 */
bool stress_decide(size_t busy, size_t max, bool before);

#endif
