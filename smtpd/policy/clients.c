#include "smtpd/policy/clients.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "smtpd/policy/policy.h"

enum {
	IPV6_NET = 8, /* octets of an address that are compared */
	WAYS = 4,     /* slots in which one key may be */
	SETS = 256
};

/* When a log line about this key was last due, and how many refusals came since. */
struct told {
	_Atomic uint64_t key; /* 0 = empty */
	_Atomic int64_t mono_ms;
	_Atomic uint32_t refused;
};

struct shared {
	struct told told[SETS][WAYS];
	_Atomic uint64_t keys[]; /* of each worker's slot; 0 = no connection */
};

struct clients {
	size_t slots;
	struct shared *shared;
};

static size_t size_for(size_t slots)
{
	return sizeof(struct shared) + slots * sizeof(uint64_t);
}

struct clients *clients_new(size_t slots)
{
	struct clients *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->slots = slots;
	c->shared = mmap(NULL, size_for(slots), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->shared != MAP_FAILED)
		return c;
	free(c);
	return NULL;
}

void clients_free(struct clients *c)
{
	if (c)
		munmap(c->shared, size_for(c->slots));
	free(c);
}

/* An IPv4 address as ffff and its octets, which is no host's IPv6 network. Never 0. */
static uint64_t key_of(const struct ipaddr *client)
{
	uint64_t key = 0;
	for (size_t i = 0; i < IPV6_NET; i++)
		key = key << 8 | client->octets[ipaddr_is_v4(client) ? i + IPV6_NET : i];
	return key ? key : 1;
}

size_t clients_enter(struct clients *c, size_t slot, const struct ipaddr *client)
{
	uint64_t key = key_of(client);
	size_t count = 0;
	atomic_store(&c->shared->keys[slot], key);
	for (size_t i = 0; i < c->slots; i++)
		count += atomic_load_explicit(&c->shared->keys[i], memory_order_relaxed) == key;
	return count;
}

void clients_leave(struct clients *c, size_t slot)
{
	atomic_store(&c->shared->keys[slot], 0);
}

static bool is_trusted(const struct config_server *server, const struct ipaddr *ip)
{
	const struct policy_client client = {.ip = *ip, .name_state = POLICY_NAME_UNCONFIRMED};
	if (ipaddr_is_loopback(ip))
		return true;
	for (size_t i = 0; server->relay.allow == CONFIG_ONLY_LISTED && i < server->relay.list.n; i++)
		if (policy_client_match(&server->relay.list.at[i], &client))
			return true;
	return false;
}

bool clients_permit(const struct config_server *server, const struct ipaddr *client, size_t connections)
{
	int64_t most = server->client.connections;
	return most == CONFIG_NONE || connections <= (size_t)most || is_trusted(server, client);
}

/*
 * The key's own slot, or the one that was logged longest ago. When two workers take one slot at once, one count is
 * lost.
 */
static struct told *find_or_take(struct clients *c, uint64_t key)
{
	struct told *set = c->shared->told[key % SETS], *oldest = &set[0];
	for (size_t i = 0; i < WAYS; i++) {
		if (atomic_load(&set[i].key) == key)
			return &set[i];
		if (atomic_load(&set[i].mono_ms) < atomic_load(&oldest->mono_ms))
			oldest = &set[i];
	}
	atomic_store(&oldest->key, key);
	atomic_store(&oldest->refused, 0);
	atomic_store(&oldest->mono_ms, 0);
	return oldest;
}

unsigned clients_refused(struct clients *c, const struct ipaddr *client, int64_t mono_ms)
{
	struct told *told = find_or_take(c, key_of(client));
	int64_t last = atomic_load(&told->mono_ms);
	atomic_fetch_add(&told->refused, 1);
	if ((last && mono_ms - last < CLIENTS_QUIET_MS && mono_ms >= last) ||
	    !atomic_compare_exchange_strong(&told->mono_ms, &last, mono_ms))
		return 0;
	return atomic_exchange(&told->refused, 0);
}
