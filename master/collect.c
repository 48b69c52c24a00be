#include "master/collect.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/installed.h"
#include "common/ipc/wire.h"
#include "master/handover.h"
#include "master/master.h"

_Static_assert((int)CONTROL_CLIENTS_MAX <= (int)HANDOVER_CLIENTS_MAX, "every connection is handed over");

static void collect_children(const struct server *server, struct handover_server *to)
{
	for (size_t i = 0; i < SERVER_CHILDREN; i++) {
		const struct supervised *child = &server->children[i];
		if (!supervise_alive(child))
			continue;
		struct handover_child *one = &to->children[to->child_count++];
		*one = (struct handover_child){
			.role = child->role,
			.state = child->state,
			.older = i >= CHILD_ROLE_COUNT,
			.pid = child->pid,
			.control = child->control,
			.started_ms = child->started_ms,
			.restarts = child->restarts,
			.paused = child->paused,
		};
		memcpy(one->version, child->version, sizeof(one->version));
	}
}

static void collect_server(const struct server *server, struct handover_server *to)
{
	const struct listeners *listeners = &server->listeners;
	*to = (struct handover_server){
		.name = span_of(server->name),
		.order = server->order,
		.open = server->open,
		.listener_count = listeners->n,
		.left_count = listeners->left_count,
	};
	memcpy(to->listeners, listeners->fds, sizeof(to->listeners));
	memcpy(to->left, listeners->left, sizeof(to->left));
	memcpy(to->kept, server->links.kept, sizeof(to->kept));
	collect_children(server, to);
}

struct handover *collect(const struct master *master)
{
	struct handover *all = malloc(sizeof(*all));
	if (!all)
		return NULL;
	handover_init(all);
	all->version = SPAN(MAILROOT_VERSION);
	all->contract = CHILD_CONTRACT;
	all->packets = WIRE_LASTING;
	all->hash = wire_contract(WIRE_LASTING);
	all->began_ms = master->began_ms;
	all->generation = master->generation;
	all->lock = master->lock_fd;
	all->control = master->control.fd;
	all->asker = master->upgrade.asker;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (master->control.clients[i].fd >= 0)
			all->clients[all->client_count++] = master->control.clients[i].fd;
	}
	for (size_t i = 0; i < CHANGES_FIXED; i++)
		all->fixed[i] = span_of(changes_fixed_value(i, &master->config));
	for (size_t i = 0; i < master->server_count; i++)
		collect_server(master->servers[i], &all->servers[all->server_count++]);
	return all;
}
