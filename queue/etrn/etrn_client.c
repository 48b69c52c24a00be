#include "queue/etrn/etrn_client.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "queue/attempt/resolve.h"

enum { FIND_MS = 30 * 1000, DOMAINS_TEXT_MAX = 100 * 258 /* the most that the setting allows */ };

/* The requests of one connector. It exists as long as the configuration has a connector of that name. */
struct call {
	struct call *next;
	char *connector;
	int64_t due_ms;
	int64_t since_ms;                /* when the present request began; 0 = none */
	struct destination *destination; /* of the present request; NULL = none. Counted. */
	bool kept;                       /* the connector is still configured */
};

static struct call *call_of(struct etrn *e, const char *connector)
{
	struct call *c = e->calls;
	while (c && strcmp(c->connector, connector) != 0)
		c = c->next;
	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	char *name = strdup(connector);
	if (!c || !name) {
		free(c);
		free(name);
		return NULL;
	}
	*c = (struct call){.next = e->calls, .connector = name, .due_ms = e->queue->mono_ms};
	return e->calls = c;
}

static void forget_destination(struct queue *q, struct call *c)
{
	if (c->destination)
		c->destination->wanted = false;
	destination_ref(&q->destinations, &c->destination, NULL);
	c->since_ms = 0;
}

/* Frees the calls of connectors that have no etrn_request any more. ALL: frees every call. */
static void forget_others(struct etrn *e, bool all)
{
	for (struct call **at = &e->calls, *c; (c = *at);) {
		if (c->kept && !all) {
			c->kept = false;
			at = &c->next;
			continue;
		}
		*at = c->next;
		forget_destination(e->queue, c);
		free(c->connector);
		free(c);
	}
}

void etrn_client_free(struct etrn *e)
{
	forget_others(e, true);
}

static struct worker *free_worker(const struct queue *q, const struct destination *d)
{
	return destination_room(d) ? TAILQ_FIRST(&q->delivery.fresh) : NULL;
}

static bool send_call(struct queue *q, const struct config_connector *connector, struct destination *d,
		      struct worker *w)
{
	const struct config_words *list = &connector->etrn_request.domains;
	struct str domains;
	str_init(&domains, DOMAINS_TEXT_MAX);
	for (size_t i = 0; i < list->n; i++)
		str_printf(&domains, "%s%s", i ? " " : "", list->at[i]);
	const struct wire_job_etrn packet = {
		.connector = span_of(connector->name),
		.destination = span_of(d->key),
		.security = span_of(d->security),
		.credentials = span_of(d->credentials),
		.hosts = span_of(d->hosts),
		.found = d->found,
		.use_helo = d->use_helo,
		.timeout_ms = (uint64_t)d->timeout_ms,
		.helo = span_of(d->helo),
		.source = span_of(d->source),
		.domains = str_span(&domains),
	};
	str_clear(&q->packet);
	bool sent = wire_encode_job_etrn(&packet, &q->packet) && ipc_send(w->fd, str_span(&q->packet), NULL, 0) == 0;
	str_free(&domains);
	if (sent)
		pool_errand(w, d);
	else
		pool_leaving(w);
	return sent;
}

static bool hosts_known(const struct queue *q, const struct destination *d)
{
	return d->hosts && d->hosts_until > q->mono_ms;
}

/* Goes on with the present request of C: looks the hosts up, then hands it to an SMTP client. */
static void go_on(struct queue *q, struct call *c, const struct config_connector *connector)
{
	struct destination *d = c->destination;
	struct worker *w = hosts_known(q, d) ? free_worker(q, d) : NULL;
	bool sent = w && send_call(q, connector, d, w);
	if (!sent && q->mono_ms - c->since_ms < FIND_MS) {
		resolve_ask(q, d);
		return;
	}
	if (!sent)
		log_warning("connector=%s next_hop=\"%s\" status=not-asked reason=\"%s\"", connector->name, d->key,
			    hosts_known(q, d) ? "no SMTP client is free"
			    : d->down_ms      ? d->reason
					      : "its hosts are not known; see the resolver's messages");
	forget_destination(q, c);
	c->due_ms = q->mono_ms + connector->etrn_request.every_ms;
}

static void begin(struct queue *q, struct call *c, const struct config_connector *connector)
{
	struct route route = {0};
	if (!route_to_hosts(queue_server(q), NULL, connector, &route))
		return;
	struct destination *d = destination_get(&q->destinations, &route, NULL);
	if (!d)
		return;
	d->cap = (size_t)queue_server(q)->delivery.max_outbound_connections_per_domain;
	d->wanted = true;
	destination_ref(&q->destinations, &c->destination, d);
	c->since_ms = q->mono_ms;
}

void etrn_client_tend(struct etrn *e)
{
	struct queue *q = e->queue;
	const struct config_server *server = queue_server(q);
	for (size_t i = 0; i < server->connector_count && !q->stopping; i++) {
		const struct config_connector *connector = &server->connectors[i];
		struct call *c = connector->etrn_request.domains.n ? call_of(e, connector->name) : NULL;
		if (!c)
			continue;
		c->kept = true;
		if (c->due_ms > q->mono_ms + connector->etrn_request.every_ms)
			c->due_ms = q->mono_ms; /* a reload has shortened the period */
		if (c->due_ms <= q->mono_ms && !c->destination)
			begin(q, c, connector);
		if (c->destination)
			go_on(q, c, connector);
	}
	forget_others(e, false);
}
