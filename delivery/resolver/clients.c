#include "delivery/resolver/clients.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/dns/dns.h"
#include "delivery/resolver/lists.h"
#include "delivery/resolver/names.h"

struct clients {
	struct ub_ctx *names_unbound, *lists_unbound;
	struct names *names; /* from clients_open to clients_close, as the next one */
	struct lists *lists;
	void (*addresses)(void *context, const struct wire_resolve *question, int *fd);
	void *context;
};

struct clients *clients_new(const struct config_endpoints *servers)
{
	const struct dns_settings dns = {.servers = servers, .dnssec = CONFIG_NO};
	struct clients *c = calloc(1, sizeof(*c));
	if (!c)
		log_fatal(EXIT_TEMPORARY, "no memory for questions about clients");
	c->names_unbound = dns_context(&dns);
	c->lists_unbound = dns_context(&dns);
	return c;
}

void clients_free(struct clients *c)
{
	ub_ctx_delete(c->names_unbound);
	ub_ctx_delete(c->lists_unbound);
	free(c);
}

static void on_addresses(void *context, const struct wire_resolve *question, int *fd)
{
	const struct clients *c = context;
	c->addresses(c->context, question, fd);
}

static void on_listed(void *context, const struct wire_listed_of *question, int *fd)
{
	const struct clients *c = context;
	lists_begin(c->lists, question, fd);
}

void clients_open(struct clients *c, int link,
		  void (*addresses)(void *context, const struct wire_resolve *question, int *fd), void *context)
{
	c->addresses = addresses;
	c->context = context;
	c->lists = lists_new(c->lists_unbound);
	c->names = names_new(c->names_unbound, link, (struct names_others){on_addresses, on_listed, c});
}

void clients_close(struct clients *c)
{
	names_free(c->names);
	lists_free(c->lists);
}

void clients_poll(const struct clients *c, struct pollfd *fds)
{
	fds[0] = (struct pollfd){.fd = names_fd(c->names), .events = POLLIN};
	fds[1] = (struct pollfd){.fd = ub_fd(c->names_unbound), .events = POLLIN};
	fds[2] = (struct pollfd){.fd = ub_fd(c->lists_unbound), .events = POLLIN};
}

int64_t clients_until(const struct clients *c)
{
	return clock_sooner(names_until_deadline(c->names), lists_until(c->lists));
}

bool clients_tend(struct clients *c, const struct pollfd *fds)
{
	if (fds[1].revents)
		ub_process(c->names_unbound);
	if (fds[2].revents)
		ub_process(c->lists_unbound);
	if (fds[0].revents)
		names_receive(c->names);
	names_end_overdue(c->names);
	return lists_tend(c->lists);
}

void clients_describe(const struct clients *c, struct str *to)
{
	lists_describe(c->lists, to);
}
