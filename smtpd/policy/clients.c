#include "smtpd/policy/clients.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "smtpd/policy/policy.h"
#include "smtpd/policy/usage.h"

struct clients {
	size_t slots;
	_Atomic uint64_t *nets; /* of each worker's slot; 0 = no connection */
};

struct clients *clients_new(size_t slots)
{
	struct clients *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->slots = slots;
	c->nets = mmap(NULL, slots * sizeof(*c->nets), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->nets != MAP_FAILED)
		return c;
	free(c);
	return NULL;
}

void clients_free(struct clients *c)
{
	if (c)
		munmap(c->nets, c->slots * sizeof(*c->nets));
	free(c);
}

size_t clients_enter(struct clients *c, size_t slot, const struct ipaddr *client)
{
	uint64_t net = usage_net(client);
	atomic_store(&c->nets[slot], net);
	return clients_count(c, net);
}

void clients_leave(struct clients *c, size_t slot)
{
	atomic_store(&c->nets[slot], 0);
}

size_t clients_count(const struct clients *c, uint64_t net)
{
	size_t count = 0;
	for (size_t i = 0; i < c->slots; i++)
		count += atomic_load_explicit(&c->nets[i], memory_order_relaxed) == net;
	return count;
}

static bool may_relay(const struct config_server *server, const struct ipaddr *ip)
{
	const struct policy_client client = {.ip = *ip, .name_state = POLICY_NAME_UNCONFIRMED};
	for (size_t i = 0; server->relay.allow == CONFIG_ONLY_LISTED && i < server->relay.list.n; i++)
		if (policy_client_match(&server->relay.list.at[i], &client))
			return true;
	return false;
}

/* Nine of ten workers, but never all of them, and never none. */
static size_t share_of(const struct config_server *server)
{
	int64_t max = server->processes.max;
	size_t all = (size_t)(server->max_connections < max ? server->max_connections : max);
	size_t spare = (all + 9) / 10;
	return all > spare ? all - spare : all;
}

struct clients_limit clients_limit(const struct config_server *server, const struct ipaddr *client)
{
	int64_t most = server->client.connections;
	struct clients_limit limit = {SIZE_MAX, SIZE_MAX};
	if (most == CONFIG_NONE || usage_excepted(server, client))
		return limit;
	limit.share = share_of(server);
	if (!may_relay(server, client))
		limit.most = (size_t)most;
	return limit;
}
