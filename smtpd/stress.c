#include "smtpd/stress.h"

#include <signal.h>
#include <sys/mman.h>

#include "common/base/log.h"
#include "smtpd/protocol/limits.h"

bool stress_init(struct stress *s)
{
	void *shared = mmap(NULL, sizeof(*s->on), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*s = (struct stress){.on = shared};
	return shared != MAP_FAILED;
}

bool stress_decide(size_t busy, size_t max, bool before)
{
	size_t spare = busy < max ? max - busy : 0;
	return max && spare <= max / (before ? 5 : 10);
}

static void tell_operator(bool on, size_t busy, size_t max)
{
	if (on)
		log_warning(
			"sessions=%zu max=%zu status=stress: few workers are free, so time-outs are %d s until more are; processes max and max_connections limit their number",
			busy, max, LIMIT_STRESS_MS / 1000);
	else
		log_info("sessions=%zu max=%zu status=calm: time-outs are as configured again", busy, max);
}

void stress_tend(struct stress *s, struct prefork *pool, int64_t now_ms)
{
	size_t max = prefork_max(pool);
	size_t busy = scoreboard_count(prefork_scoreboard(pool), prefork_slots(pool), SCOREBOARD_BUSY);
	bool on = stress_decide(busy, max, s->before), changed = on != s->before;
	s->before = on;
	atomic_store(s->on, on);
	if (changed)
		tell_operator(on, busy, max);
	if (!on || (!changed && now_ms < s->again_ms))
		return;
	s->again_ms = now_ms + LIMIT_STRESS_MS;
	prefork_signal(pool, SIGUSR2);
}
