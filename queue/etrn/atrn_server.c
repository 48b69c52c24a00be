#include "queue/etrn/atrn_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "queue/attempt/settle.h"
#include "queue/model/atrn.h"
#include "queue/model/etrn_hold.h"
#include "queue/model/job.h"

static bool is_stream(int fd)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(int);
	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

/* What he asked for, or may ask for. */
struct offer {
	const struct wire_atrn *packet;
	struct destination *at[ETRN_DOMAINS_MAX];
	size_t n, waiting;
	enum etrn_event trouble; /* ETRN_BEGUN = none */
};

static size_t is_waiting(const struct destination *d)
{
	return d->queued + d->at_workers + !TAILQ_EMPTY(&d->waiting) + !TAILQ_EMPTY(&d->parked);
}

static void add(struct queue *q, struct offer *offer, struct destination *d)
{
	const struct config_remote_domain *remote = etrn_find(queue_server(q), span_of(d->etrn->domain));
	struct route route;
	const struct address address = {.domain = span_of(d->etrn->domain)};
	route_decide(queue_server(q), &address, NULL, &route);
	if (!remote || !etrn_may_fetch(remote, offer->packet->user))
		offer->trouble = ETRN_REFUSED;
	else if (route.outbound->tls > CONFIG_TLS_OPPORTUNISTIC && !offer->packet->tls)
		offer->trouble = ETRN_NEEDS_TLS;
	else if (d->etrn->connection && atrn_is_up(d->etrn->connection))
		offer->trouble = ETRN_LATER;
	else if (offer->n < ETRN_DOMAINS_MAX)
		offer->at[offer->n++] = d;
	offer->waiting += is_waiting(d);
}

/* Next hops of mail for DOMAIN: usually one. */
static void add_domain(struct queue *q, struct offer *offer, struct span domain)
{
	const struct config_remote_domain *remote = etrn_find(queue_server(q), domain);
	if (!remote || !etrn_may_fetch(remote, offer->packet->user))
		offer->trouble = ETRN_REFUSED;
	else
		etrn_server_make_known(q, domain);
	for (struct destination *d = q->destinations.table; d && offer->trouble == ETRN_BEGUN; d = d->hh.next)
		if (d->etrn && span_equal_nocase(span_of(d->etrn->domain), domain))
			add(q, offer, d);
}

/* Of rules for one domain. */
static void make_all_known(struct queue *q, struct span user)
{
	const struct config_server *server = queue_server(q);
	for (size_t i = 0; i < server->remote_domain_count; i++)
		if (etrn_may_fetch(&server->remote_domains[i], user) && server->remote_domains[i].name[0] != '*')
			etrn_server_make_known(q, span_of(server->remote_domains[i].name));
}

/* All that the account may fetch and for which something waits, or may wait. */
static void add_all(struct queue *q, struct offer *offer, bool mixed)
{
	if (mixed)
		make_all_known(q, offer->packet->user);
	for (struct destination *d = q->destinations.table; d; d = d->hh.next) {
		if (!d->etrn || !d->etrn->domain[0] || (!mixed && !is_waiting(d)))
			continue;
		const struct config_remote_domain *remote = etrn_find(queue_server(q), span_of(d->etrn->domain));
		if (remote && etrn_may_fetch(remote, offer->packet->user))
			add(q, offer, d);
	}
}

static size_t count_atrn(const struct queue *q)
{
	size_t n = 0;
	for (const struct destination *d = q->destinations.table; d; d = d->hh.next)
		n += atrn_is(d);
	return n;
}

static enum etrn_event look(struct etrn *e, struct offer *offer)
{
	struct queue *q = e->queue;
	struct span rest = offer->packet->domains, domain;
	int more = 0;
	bool mixed = etrn_server_is_mixed(q);
	if (!etrn_server_knows_all(e) || e->requests++ >= ETRN_A_SECOND || count_atrn(q) >= ATRN_MAX)
		return ETRN_LATER;
	for (size_t n = 0; n < ETRN_DOMAINS_MAX && (more = etrn_next(&rest, &domain)) > 0; n++)
		add_domain(q, offer, domain);
	if (more < 0)
		return ETRN_REFUSED;
	if (!offer->packet->domains.len)
		add_all(q, offer, mixed);
	if (offer->trouble != ETRN_BEGUN)
		return offer->trouble;
	return (offer->waiting || mixed) && offer->n ? ETRN_BEGUN : ETRN_NOTHING;
}

/* The client as its only host, for logs and journals. */
static char *describe_host(const struct wire_atrn *packet, const struct ipaddr *ip)
{
	struct str text;
	str_init(&text, DESTINATION_HOSTS_TEXT_MAX);
	hosts_append(&text, &(struct host){.name = packet->client, .ip = *ip, .port = 25});
	return text.at;
}

static struct destination *make(struct etrn *e, const struct wire_atrn *packet, const struct ipaddr *ip)
{
	struct queue *q = e->queue;
	char key[HOP_NAME_MAX];
	snprintf(key, sizeof(key), "ATRN %llu of %.*s [%.*s]", (unsigned long long)++e->atrn_serial,
		 SPAN_ARGS(packet->user), SPAN_ARGS(packet->client));
	struct atrn *atrn = calloc(1, sizeof(*atrn));
	struct destination *d = atrn ? destination_make(&q->destinations, DESTINATION_ATRN, key) : NULL;
	if (!d) {
		free(atrn);
		return NULL;
	}
	*atrn = (struct atrn){.stream = -1, .claim = -1, .born_ms = q->mono_ms};
	d->atrn = atrn;
	d->hosts = describe_host(packet, ip);
	d->hosts_until = INT64_MAX;
	d->timeout_ms = queue_server(q)->outbound.timeout;
	snprintf(d->security, sizeof(d->security), "virtual_server");
	return d;
}

static int64_t longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static enum etrn_event begin(struct etrn *e, const struct offer *offer, int stream, int claim, uint64_t *count)
{
	struct queue *q = e->queue;
	struct destination *d = NULL;
	struct ipaddr ip;
	if (!ipaddr_parse(offer->packet->client, &ip))
		return ETRN_REFUSED;
	destination_ref(&q->destinations, &d, make(e, offer->packet, &ip));
	if (!d)
		return ETRN_LATER;
	d->atrn->stream = stream;
	d->atrn->claim = claim;
	for (size_t i = 0; i < offer->n; i++)
		d->atrn->expire_ms = longer(d->atrn->expire_ms, offer->at[i]->etrn->expire_ms);
	for (size_t i = 0; i < offer->n; i++)
		*count += etrn_server_turn(q, offer->at[i], d);
	log_info("next hop %s takes mail of %zu domains, %llu messages wait", d->key, offer->n,
		 (unsigned long long)*count);
	destination_ref(&q->destinations, &d, NULL);
	return ETRN_BEGUN;
}

enum etrn_event atrn_server_offered(struct etrn *e, const struct wire_atrn *packet, int stream, int claim,
				    uint64_t *count)
{
	struct offer offer = {.packet = packet, .trouble = ETRN_BEGUN};
	*count = 0;
	enum etrn_event event = is_stream(stream) ? look(e, &offer) : ETRN_REFUSED;
	return event == ETRN_BEGUN ? begin(e, &offer, stream, claim, count) : event;
}

/* What has not begun is routed anew, and waits. */
static void take_back(struct queue *q, struct destination *d)
{
	struct message *m;
	struct job *j;
	while ((j = TAILQ_FIRST(&d->jobs)))
		settle_take_back(q, j->message, 0);
	while ((m = TAILQ_FIRST(&d->parked)))
		message_move(&q->messages, m, MESSAGE_READY);
}

static bool has_ended(const struct queue *q, const struct destination *d)
{
	char octet;
	bool unused = d->atrn->stream >= 0 && q->mono_ms - d->atrn->born_ms > ATRN_UNUSED_MS;
	bool given_up = recv(d->atrn->claim, &octet, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
	return unused || given_up || !atrn_is_up(d);
}

static void end(struct queue *q, struct destination *d)
{
	d->atrn->over = true;
	fd_close(&d->atrn->stream);
	fd_close(&d->atrn->claim);
	take_back(q, d);
	log_info("next hop %s takes no more mail", d->key);
}

void atrn_server_tend(struct queue *q)
{
	for (struct destination *d = q->destinations.table, *next; d; d = next) {
		struct destination *held = NULL;
		destination_ref(&q->destinations, &held, d);
		if (atrn_is(d) && !d->atrn->over && has_ended(q, d))
			end(q, d);
		next = d->hh.next;
		destination_ref(&q->destinations, &held, NULL);
	}
}
