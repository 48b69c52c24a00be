#include "master/renew.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "master/server.h"
#include "master/stop.h"
#include "master/tell.h"

enum { OLDER_LOOK_MS = 1000, HURRY_MS = 2000 };

/* No job may be done under another configuration than the queue's. */
static void detach(struct server *server, unsigned roles)
{
	struct supervised *queue = &server->children[CHILD_QUEUE];
	for (enum child_link link = CHILD_LINK_DELIVERY; link <= CHILD_LINK_RESOLVER; link++) {
		if (roles & 1U << links_peer(link) && supervise_alive(queue))
			tell_detach(queue, server->name, link);
	}
}

void renew_ask(struct server *server, unsigned roles, int64_t now_ms)
{
	if (!roles || !server->open || server->stopping)
		return;
	detach(server, roles);
	server->renew |= roles;
	server->renew_since_ms = server->renew_ms = now_ms;
}

bool renew_set_aside(struct server *server, enum child_role role)
{
	struct supervised *child = &server->children[role];
	for (size_t i = CHILD_ROLE_COUNT; supervise_alive(child) && i < SERVER_CHILDREN; i++) {
		if (supervise_alive(&server->children[i]))
			continue;
		server->children[i] = *child;
		supervise_init(child, role);
	}
	return !supervise_alive(child);
}

static void retire(struct server *server, size_t from)
{
	for (size_t i = from; i < SERVER_CHILDREN; i++) {
		struct supervised *child = &server->children[i];
		if (child->role != CHILD_SMTPD || !supervise_alive(child) || child->state == SUPERVISE_RETIRING)
			continue;
		child->state = SUPERVISE_RETIRING;
		tell_retire(child, server->name);
		log_info("server=%s role=smtpd pid=%d finishes its sessions", server->name, (int)child->pid);
	}
}

void renew_ready(struct server *server)
{
	retire(server, CHILD_ROLE_COUNT);
	listeners_drop_left(&server->listeners);
}

void renew_retire_all(struct server *server)
{
	retire(server, CHILD_SMTPD);
	listeners_close(&server->listeners);
}

static bool any_older_free(const struct server *server)
{
	size_t i = CHILD_ROLE_COUNT;
	while (i < SERVER_CHILDREN && supervise_alive(&server->children[i]))
		i++;
	return i < SERVER_CHILDREN;
}

/* True when it is done. */
static bool renew_smtpd(struct server *server, int64_t now_ms)
{
	bool soon = now_ms - server->renew_since_ms < SERVER_RETRY_SOON_FOR_MS;
	struct supervised *smtpd = &server->children[CHILD_SMTPD];
	server->renew_ms = now_ms + OLDER_LOOK_MS;
	if (!any_older_free(server)) {
		snprintf(
			server->trouble, sizeof(server->trouble),
			"%d older smtpds still have sessions, so the change waits until one of them has ended; `mailrootctl sessions` lists them, `mailrootctl kick SESSION` ends one",
			SERVER_OLDER_MAX);
		return false;
	}
	server->renew_ms = now_ms + (soon ? SERVER_RETRY_SOON_MS : SERVER_RETRY_MS);
	if (!listeners_open(&server->listeners, &server_wanted(server)->listen, false, server->trouble,
			    sizeof(server->trouble))) {
		if (!soon && strcmp(server->logged, server->trouble) != 0) {
			log_error("server=%s keeps the configuration from before the reload: %s", server->name,
				  server->trouble);
			memcpy(server->logged, server->trouble, sizeof(server->logged));
		}
		return false;
	}
	memcpy(server->logged, server->trouble, sizeof(server->logged));
	renew_set_aside(server, CHILD_SMTPD);
	smtpd->state = SUPERVISE_DOWN;
	smtpd->due_ms = now_ms;
	return true;
}

static void replace(struct server *server, enum child_role role, int64_t now_ms)
{
	struct supervised *child = &server->children[role];
	if (!supervise_alive(child) || child->state == SUPERVISE_REPLACING || child->state == SUPERVISE_STOPPING)
		return;
	child->state = SUPERVISE_REPLACING;
	child->due_ms = now_ms + STOP_MS;
	tell_stop(child, server->name, false);
}

/* It finishes the deliveries under way beside its successor. */
static bool finish_beside(struct server *server, enum child_role role)
{
	struct supervised before = server->children[role];
	if (!supervise_alive(&before) || !renew_set_aside(server, role))
		return false;
	for (size_t i = CHILD_ROLE_COUNT; i < SERVER_CHILDREN; i++) {
		struct supervised *child = &server->children[i];
		if (child->pid != before.pid)
			continue;
		child->state = SUPERVISE_RETIRING;
		tell_stop(child, server->name, false);
	}
	return true;
}

void renew_all(struct server *server, int64_t now_ms)
{
	if (!server->open || server->stopping || server->order >= SERVER_END)
		return;
	replace(server, CHILD_QUEUE, now_ms);
	server->hurry_ms = now_ms + HURRY_MS;
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		bool delivers = role == CHILD_DELIVERY || role == CHILD_LOCAL;
		if (role != CHILD_SMTPD && !(delivers && finish_beside(server, role)))
			replace(server, role, now_ms);
	}
	server->renew = 1U << CHILD_SMTPD;
	server->renew_since_ms = server->renew_ms = now_ms;
}

/* Mail must not wait for one slow host. */
static int64_t hurry_queue(struct server *server, int64_t now_ms)
{
	struct supervised *queue = &server->children[CHILD_QUEUE];
	if (queue->state != SUPERVISE_REPLACING || !server->hurry_ms)
		return -1;
	if (now_ms < server->hurry_ms)
		return server->hurry_ms - now_ms;
	server->hurry_ms = 0;
	tell_stop(queue, server->name, true);
	return -1;
}

int64_t renew_tend(struct server *server, int64_t now_ms)
{
	int64_t next = hurry_queue(server, now_ms);
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		const struct supervised *child = &server->children[role];
		if (role != CHILD_SMTPD && server->renew & 1U << role) {
			replace(server, role, now_ms);
			server->renew &= ~(1U << role);
		}
		bool leaves = child->state == SUPERVISE_REPLACING || child->state == SUPERVISE_STOPPING;
		if (leaves && now_ms >= child->due_ms)
			kill(-child->pid, SIGKILL);
	}
	if (server->renew && now_ms >= server->renew_ms && server_wanted(server) && renew_smtpd(server, now_ms))
		server->renew = 0;
	return server->renew ? clock_sooner(next, server->renew_ms - now_ms) : next;
}
