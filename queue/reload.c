#include "queue/reload.h"

#include <string.h>

#include "common/base/log.h"
#include "common/config/value.h"
#include "common/ipc/fullness.h"
#include "queue/attempt/settle.h"
#include "queue/model/waiting.h"
#include "queue/rules/route.h"

enum { ROUTES_MAX = 64 << 20 };

static void append_text(struct str *to, const char *what, const char *name)
{
	str_printf(to, "%s %s\n", what, name);
}

static void append_value(struct str *to, enum config_type type, const void *value)
{
	config_value_format(type, value, to);
	str_append_c(to, '\n');
}

/* Appends the next hop of mail for REMOTE by CONNECTOR (either may be NULL), if the configuration has hosts for it. */
static void append_hop(struct str *to, const struct config_server *server, const struct config_remote_domain *remote,
		       const struct config_connector *connector)
{
	struct route route = {0};
	char key[HOP_NAME_MAX];
	if (!route_to_hosts(server, remote, connector, &route))
		return;
	hop_name_format(&route, NULL, key);
	append_text(to, "to", key);
}

static void append_outbound(struct str *to, const struct config_outbound *outbound)
{
	config_outbound_append(outbound, CONFIG_OUTBOUND_MANNER | CONFIG_OUTBOUND_USER, to);
}

static void append_connector(struct str *to, const struct config_server *server,
			     const struct config_connector *connector)
{
	append_text(to, "connector", connector->name);
	append_value(to, CONFIG_SPACES, &connector->address_space);
	append_value(to, CONFIG_SENDERS, &connector->senders);
	append_value(to, CONFIG_SENDERS, &connector->senders_refused);
	append_value(to, CONFIG_SIZE_LIMIT, &connector->max_message_size);
	append_hop(to, server, NULL, connector);
	append_outbound(to, &connector->outbound);
}

/* Writes to TO all settings that decide where mail goes, and how. */
static void list_routes(const struct config_server *server, struct str *to)
{
	str_init(to, ROUTES_MAX);
	append_text(to, "direct_first", server->direct_first ? "yes" : "no");
	append_text(to, "fqdn", server->fqdn);
	append_outbound(to, &server->outbound);
	append_hop(to, server, NULL, NULL);
	for (size_t i = 0; i < server->local_domain_count; i++)
		append_text(to, server->local_domains[i].name, server->local_domains[i].drop_dir);
	for (size_t i = 0; i < server->alias_domain_count; i++)
		append_text(to, "alias", server->alias_domains[i].name);
	for (size_t i = 0; i < server->remote_domain_count; i++) {
		append_text(to, server->remote_domains[i].route.dns ? "dns" : "remote", server->remote_domains[i].name);
		append_text(to, "etrn", server->remote_domains[i].etrn ? "yes" : "no");
		append_hop(to, server, &server->remote_domains[i], NULL);
		append_outbound(to, &server->remote_domains[i].outbound);
	}
	for (size_t i = 0; i < server->connector_count; i++)
		append_connector(to, server, &server->connectors[i]);
}

/*
 * Reads M again to see whether its routes have changed; if not, it waits as before. M becomes FOUND, as by a scan: such
 * messages are read some at a time, so that new mail need not wait for a million of them.
 */
static void look_again(struct queue *q, struct message *m)
{
	m->waits_on = m->waits_for_host;
	m->rerouted = true;
	m->found = true;
	waiting_hurry(&q->messages, m);
}

/* Messages that no worker has are loaded and routed again. */
static void take_back_all(struct queue *q, bool routes_changed)
{
	struct message *m, *next;
	for (m = q->messages.table; m; m = next) {
		next = m->hh.next;
		if (m->state == MESSAGE_ACTIVE)
			settle_take_back(q, m, 0);
		else if (m->state == MESSAGE_PARKED)
			message_move(&q->messages, m, MESSAGE_READY);
		else if (m->state == MESSAGE_WAITING && routes_changed)
			look_again(q, m);
	}
}

/* Ends the back-off of next hops that are down. Messages that wait there do not become due by this. */
static void end_back_offs(struct queue *q)
{
	for (struct destination *d = q->destinations.table; d; d = d->hh.next)
		if (d->down_ms && !destination_is_local(d))
			destination_retry(d, q->mono_ms);
}

bool reload_take(struct queue *q, int fd)
{
	struct str before, after;
	list_routes(queue_server(q), &before);
	bool ok = child_reconfigure(q->child, fd);
	if (!ok) {
		log_error("reload: the configuration from master is not valid; the old one stays");
		str_free(&before);
		return false;
	}
	list_routes(queue_server(q), &after);
	drops_close(&q->drops);
	fullness_clear(q->fullness);
	if (!drops_open(&q->drops, queue_server(q), q->mono_ms))
		log_fatal(EXIT_TEMPORARY, "out of memory");
	queue_resize_pools(q);
	bool changed = !span_equal(str_span(&before), str_span(&after));
	q->routes += changed;
	if (changed)
		end_back_offs(q);
	take_back_all(q, changed);
	str_free(&before);
	str_free(&after);
	log_info("reload: the new configuration is in force");
	return true;
}
