#include "queue/reload.h"

#include <string.h>

#include "common/base/log.h"
#include "common/host/fullness.h"
#include "queue/attempt.h"
#include "queue/links.h"
#include "queue/route.h"
#include "queue/settle.h"

enum { KEYS_MAX = 64 << 20 };

static void append_key(struct str *keys, const struct config_server *server, const struct config_remote_domain *remote,
		       const struct config_connector *connector)
{
	struct route route = {0};
	char key[DESTINATION_KEY_MAX];
	if (!route_to_hosts(server, remote, connector, &route))
		return;
	destination_key(&route, NULL, key);
	str_append_text(keys, key);
	str_append_c(keys, '\n');
}

/* Remote domains that only have outbound settings lend them to a connector that has none. */
static void append_connector(struct str *keys, const struct config_server *server,
			     const struct config_connector *connector)
{
	append_key(keys, server, NULL, connector);
	for (size_t i = 0; !connector->has_outbound && i < server->remote_domain_count; i++)
		if (server->remote_domains[i].has_outbound)
			append_key(keys, server, &server->remote_domains[i], connector);
}

/* The names of all next hops that SERVER's configuration gives hosts for, one a line. */
static void list_keys(const struct config_server *server, struct str *keys)
{
	str_init(keys, KEYS_MAX);
	append_key(keys, server, NULL, NULL);
	for (size_t i = 0; i < server->remote_domain_count; i++)
		append_key(keys, server, &server->remote_domains[i], NULL);
	for (size_t i = 0; i < server->connector_count; i++)
		append_connector(keys, server, &server->connectors[i]);
}

static bool listed(const struct str *keys, const char *key)
{
	struct span rest = str_span(keys), line;
	while (span_line(&rest, &line))
		if (span_equal(line, span_of(key)))
			return true;
	return false;
}

/* Mail that waits for D would still go there. */
static bool still_leads(const struct queue *q, const struct destination *d, const struct str *keys)
{
	char key[DESTINATION_KEY_MAX];
	struct route route;
	if (d->kind == DESTINATION_HOSTS)
		return listed(keys, d->key);
	const struct address address = {.domain = d->target_count ? span_of(d->targets[0].name) : SPAN("")};
	route_decide(queue_server(q), &address, NULL, &route);
	if (route.kind != ROUTE_MX)
		return false;
	destination_key(&route, NULL, key);
	return strcmp(key, d->key) == 0;
}

static void wake_waiting(struct queue *q, const struct str *keys)
{
	for (struct destination *d = q->destinations.table, *next; d; d = next) {
		struct message *m;
		struct destination *held = NULL;
		destination_ref(&q->destinations, &held, d);
		while (!still_leads(q, d, keys) && (m = TAILQ_FIRST(&d->waiting)))
			settle_hurry(q, m);
		next = d->hh.next;
		destination_ref(&q->destinations, &held, NULL);
	}
}

/* What has not begun is loaded again, and so routed anew. */
static void take_back_all(struct queue *q, bool hosts_changed)
{
	struct message *m, *next;
	for (m = q->messages.table; m; m = next) {
		next = m->hh.next;
		if (m->state == MESSAGE_ACTIVE)
			attempt_take_back(q, m, 0);
		else if (m->state == MESSAGE_PARKED)
			message_move(&q->messages, m, MESSAGE_READY);
		else if (m->state == MESSAGE_WAITING && hosts_changed && !m->destination)
			settle_hurry(q, m); /* since a restart it is not known what it waits for */
	}
}

bool reload_take(struct queue *q, int fd)
{
	struct str before, after;
	list_keys(queue_server(q), &before);
	bool ok = child_reconfigure(q->child, fd);
	if (!ok) {
		log_error("reload: the configuration from master is not valid; the old one stays");
		str_free(&before);
		return false;
	}
	list_keys(queue_server(q), &after);
	drops_close(&q->drops);
	fullness_clear(q->fullness);
	if (!drops_open(&q->drops, queue_server(q), q->mono_ms))
		log_fatal(EXIT_TEMPORARY, "out of memory");
	links_resize(q);
	take_back_all(q, !span_equal(str_span(&before), str_span(&after)));
	wake_waiting(q, &after);
	str_free(&before);
	str_free(&after);
	log_info("reload: the new configuration is in force");
	return true;
}
