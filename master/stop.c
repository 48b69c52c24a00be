#include "master/stop.h"

#include <signal.h>

#include "master/server.h"
#include "master/tell.h"

enum { KILL_AGAIN_MS = 100 };

/* Each set of roles is told to stop when the sets before it are gone, or at the latest at its time. */
static const struct {
	unsigned roles;
	int64_t at_latest_ms;
} phases[] = {
	{1U << CHILD_SMTPD | 1U << CHILD_PICKUP, 0},
	{1U << CHILD_QUEUE, 5000},
	{1U << CHILD_DELIVERY | 1U << CHILD_LOCAL | 1U << CHILD_RESOLVER | 1U << CHILD_WEB | 1U << CHILD_KERBEROS |
		 1U << CHILD_FILTERS,
	 10000},
	{1U << CHILD_LOG, 12000},
};
enum { PHASES = sizeof(phases) / sizeof(phases[0]) };

static void tell_role(struct server *server, enum child_role role, bool hurry)
{
	server->told |= 1U << role;
	for (size_t i = 0; i < SERVER_CHILDREN; i++) {
		struct supervised *child = &server->children[i];
		if (child->role != role)
			continue;
		child->state = supervise_alive(child) ? SUPERVISE_STOPPING : SUPERVISE_STOPPED;
		if (supervise_alive(child))
			tell_stop(child, server->name, hurry);
	}
	/* Not before: workers that wait for connections would lose their listener. */
	if (role == CHILD_SMTPD)
		listeners_close(&server->listeners);
}

static void kill_all(struct server *server)
{
	for (size_t i = 0; i < SERVER_CHILDREN; i++) {
		if (supervise_alive(&server->children[i]))
			kill(-server->children[i].pid, SIGKILL);
	}
}

int64_t stop_tend(struct server *server, int64_t now_ms)
{
	int64_t since = now_ms - server->stop_ms, next = STOP_MS - since;
	unsigned before = 0;
	if (since >= STOP_MS) {
		kill_all(server);
		next = KILL_AGAIN_MS;
	}
	for (size_t i = 0; i < PHASES; i++) {
		bool due = !(server_alive(server) & before) || since >= phases[i].at_latest_ms;
		for (enum child_role role = 0; due && role < CHILD_ROLE_COUNT; role++) {
			if (phases[i].roles & ~server->told & 1U << role)
				tell_role(server, role, false);
		}
		if (!due && phases[i].at_latest_ms - since < next)
			next = phases[i].at_latest_ms - since;
		before |= phases[i].roles;
	}
	return server_alive(server) ? next : -1;
}

void stop_begin(struct server *server, bool hurry, int64_t now_ms)
{
	if (!server->stopping) {
		server->stopping = true;
		server->stop_ms = now_ms;
		server->told = 0;
		server->trouble[0] = '\0';
	}
	if (!hurry)
		return;
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++)
		tell_role(server, role, true);
	server->stop_ms = now_ms - (STOP_MS - STOP_HURRY_MS);
}
