#include "master/supervise.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"

static const char *const state_names[SUPERVISE_STATE_COUNT] = {
	[SUPERVISE_DOWN] = "restarting",   [SUPERVISE_STARTING] = "starting",   [SUPERVISE_READY] = "ready",
	[SUPERVISE_RETIRING] = "retiring", [SUPERVISE_REPLACING] = "replacing", [SUPERVISE_STOPPING] = "stopping",
	[SUPERVISE_STOPPED] = "stopped",   [SUPERVISE_FAILED] = "failed",
};

/* The delays after successive early deaths; the last one repeats. */
static const int64_t delays_ms[] = {0, 100, 200, 500, 1000, 2000, 5000, 10000, 30000};

const char *supervise_state_name(enum supervise_state state)
{
	return state < SUPERVISE_STATE_COUNT ? state_names[state] : "unknown";
}

enum supervise_state supervise_state_find(struct span name)
{
	enum supervise_state state = 0;
	while (state < SUPERVISE_STATE_COUNT && !span_equal(name, span_of(state_names[state])))
		state++;
	return state;
}

void supervise_init(struct supervised *child, enum child_role role)
{
	*child = (struct supervised){.role = role, .state = SUPERVISE_STOPPED, .control = -1};
}

bool supervise_alive(const struct supervised *child)
{
	return child->pid > 0;
}

int64_t supervise_delay(unsigned *early, int64_t lived_ms)
{
	if (lived_ms >= SUPERVISE_EARLY_MS) {
		*early = 0;
		return 0;
	}
	unsigned last = sizeof(delays_ms) / sizeof(delays_ms[0]) - 1;
	unsigned step = *early < last ? *early : last;
	*early = step + 1;
	return delays_ms[step];
}

void supervise_again(struct supervised *child, int64_t now_ms)
{
	child->state = SUPERVISE_DOWN;
	child->due_ms = now_ms;
	child->early = 0;
	child->refused = 0;
}

void supervise_started(struct supervised *child, pid_t pid, int control, int64_t now_ms)
{
	child->state = SUPERVISE_STARTING;
	child->pid = pid;
	child->control = control;
	child->started_ms = now_ms;
	child->silent = 0;
	child->version[0] = '\0';
}

void supervise_not_started(struct supervised *child, int64_t now_ms, int err)
{
	snprintf(child->why, sizeof(child->why), N_("could not be started: %s"), strerror(err));
	child->state = SUPERVISE_DOWN;
	child->due_ms = now_ms + supervise_delay(&child->early, 0);
	child->restarts++;
}

void supervise_trouble(struct supervised *child, struct span text)
{
	size_t used = 0;
	struct span line;
	while (span_line(&text, &line) && used + 1 < sizeof(child->trouble)) {
		used += span_clean(line, child->trouble + used, sizeof(child->trouble) - used - 1);
		child->trouble[used++] = '\n';
	}
	child->trouble[used] = '\0';
	child->trouble_pid = child->pid;
}

void supervise_works(struct supervised *child)
{
	child->refused = 0;
	if (child->trouble_pid != child->pid)
		child->trouble[0] = '\0';
}

void supervise_why(int status, char *to)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		snprintf(to, SUPERVISE_WHY_MAX,
			 N_("killed for a system call that its jail does not allow; the log has it"));
	else if (WIFSIGNALED(status))
		snprintf(to, SUPERVISE_WHY_MAX, N_("killed by signal %d (%s)"), WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(to, SUPERVISE_WHY_MAX, "exit %d", WEXITSTATUS(status));
}

/* The child ended without an order to. */
static void gone_unasked(struct supervised *child, int status, int64_t now_ms)
{
	bool refused = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PERMANENT;
	int64_t lived_ms = child->state == SUPERVISE_STARTING ? 0 : now_ms - child->started_ms;
	child->restarts++;
	if (status == 0)
		snprintf(child->why, sizeof(child->why), N_("it ended by itself (exit 0); the log has the reason"));
	else
		memcpy(child->why, child->ended, sizeof(child->why));
	child->refused = refused ? child->refused + 1 : 0;
	child->state = child->refused >= SUPERVISE_REFUSED ? SUPERVISE_FAILED : SUPERVISE_DOWN;
	child->due_ms = now_ms + (refused ? SUPERVISE_REFUSED_MS : supervise_delay(&child->early, lived_ms));
}

void supervise_gone(struct supervised *child, int status, int64_t now_ms)
{
	supervise_why(status, child->ended);
	fd_close(&child->control);
	child->pid = 0;
	child->paused = false;
	if (child->state == SUPERVISE_STOPPING || child->state == SUPERVISE_RETIRING) {
		child->state = SUPERVISE_STOPPED;
		child->trouble[0] = '\0';
	} else if (child->state == SUPERVISE_REPLACING) {
		child->state = SUPERVISE_DOWN;
		child->due_ms = now_ms;
	} else {
		gone_unasked(child, status, now_ms);
	}
}
