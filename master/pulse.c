#include "master/pulse.h"

#include <signal.h>

#include "common/base/log.h"
#include "master/tell.h"

/* An older delivery or local, which finishes its jobs (renew_all), no longer reads its link. */
static bool listens(const struct supervised *child)
{
	return child->state == SUPERVISE_READY || (child->state == SUPERVISE_RETIRING && child->role == CHILD_SMTPD);
}

void pulse_ask(struct supervised *child, const char *server)
{
	if (!listens(child))
		return;
	if (child->silent++ < PULSE_SILENT_MAX) {
		if (child->silent == 1)
			tell_ping(child, server);
		return;
	}
	log_error("server=%s role=%s pid=%d hangs: it has not answered for %d seconds, and is killed", server,
		  child_role_name(child->role), (int)child->pid, PULSE_SILENT_MAX * PULSE_MS / 1000);
	kill(-child->pid, SIGKILL);
}

int64_t pulse_tend(struct server *server, int64_t now_ms)
{
	if (now_ms < server->pulse_ms)
		return server->pulse_ms - now_ms;
	server->pulse_ms = now_ms + PULSE_MS;
	for (size_t i = 0; i < SERVER_CHILDREN; i++) {
		if (supervise_alive(&server->children[i]))
			pulse_ask(&server->children[i], server->name);
	}
	return PULSE_MS;
}
