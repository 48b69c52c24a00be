#include "master/attach.h"
#include "master/server.h"

enum {
	SETTLED_EARLY = 3,       /* early deaths of one child after which a start counts as failed */
	SETTLED_AFTER_MS = 30000 /* or a child that is silent for so long */
};

/* Every smtpd has the ordered state; retiring ones accept nothing anyway. */
static bool as_ordered(const struct server *server)
{
	for (size_t i = 0; i < SERVER_CHILDREN; i++) {
		const struct supervised *child = &server->children[i];
		if (child->role == CHILD_SMTPD && supervise_alive(child) && child->state != SUPERVISE_RETIRING &&
		    child->paused != (server->order == SERVER_PAUSE))
			return false;
	}
	return true;
}

enum server_state server_state(const struct server *server)
{
	if (server->stopping)
		return server_alive(server) ? SERVER_STOPPING : SERVER_STOPPED;
	if (server->order == SERVER_END)
		return SERVER_ENDING;
	if (!server->open)
		return server->trouble[0] ? SERVER_TROUBLE : SERVER_STARTING;
	if (server_roles_in(server, SUPERVISE_FAILED))
		return SERVER_FAILED;
	if (server->listeners.missing_count && !server->listeners.n)
		return SERVER_TROUBLE;
	if (server->needed & ~server_roles_in(server, SUPERVISE_READY))
		return SERVER_STARTING;
	if (attach_missing(server, CHILD_QUEUE))
		return SERVER_STARTING;
	if (server->order == SERVER_PAUSE)
		return as_ordered(server) ? SERVER_PAUSED : SERVER_PAUSING;
	return as_ordered(server) ? SERVER_RUNNING : SERVER_STARTING;
}

bool server_settled(const struct server *server, int64_t now_ms)
{
	switch (server_state(server)) {
	case SERVER_STARTING:
		break;
	case SERVER_TROUBLE:
		return server->open || server->retry_ms - now_ms > SERVER_RETRY_SOON_MS ||
		       now_ms - server->opened_ms > SERVER_RETRY_SOON_FOR_MS;
	default:
		return true;
	}
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		if (server->children[role].early >= SETTLED_EARLY)
			return true;
	}
	return server->opened_ms && now_ms - server->opened_ms > SETTLED_AFTER_MS;
}
