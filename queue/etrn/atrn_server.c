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

/* The next hops that the client requests, by name or as all that the account may fetch. */
struct request {
	const struct wire_atrn *packet;
	struct destination *at[ETRN_DOMAINS_MAX];
	size_t n, waiting;
	enum etrn_event trouble; /* why it is refused; ETRN_BEGUN = it is not */
};

static size_t is_waiting(const struct destination *d)
{
	return d->queued + d->at_workers + !TAILQ_EMPTY(&d->waiting) + !TAILQ_EMPTY(&d->parked);
}

static void add(struct queue *q, struct request *request, struct destination *d)
{
	const struct config_remote_domain *remote = etrn_find(queue_server(q), span_of(d->etrn->domain));
	struct route route;
	const struct address address = {.domain = span_of(d->etrn->domain)};
	route_decide(queue_server(q), &address, NULL, &route);
	if (!remote || !etrn_may_fetch(remote, request->packet->user))
		request->trouble = ETRN_REFUSED;
	else if (route.outbound->tls > CONFIG_TLS_OPPORTUNISTIC && !request->packet->tls)
		request->trouble = ETRN_NEEDS_TLS;
	else if (d->etrn->connection && atrn_is_up(d->etrn->connection))
		request->trouble = ETRN_LATER;
	else if (request->n < ETRN_DOMAINS_MAX)
		request->at[request->n++] = d;
	request->waiting += is_waiting(d);
}

/* Adds the next hops of mail for DOMAIN, usually one. */
static void add_domain(struct queue *q, struct request *request, struct span domain)
{
	const struct config_remote_domain *remote = etrn_find(queue_server(q), domain);
	if (!remote || !etrn_may_fetch(remote, request->packet->user))
		request->trouble = ETRN_REFUSED;
	else
		etrn_server_make_hop(q, domain);
	for (struct destination *d = q->destinations.table; d && request->trouble == ETRN_BEGUN; d = d->hh.next)
		if (d->etrn && span_equal_nocase(span_of(d->etrn->domain), domain))
			add(q, request, d);
}

/* Makes the next hops of all domains that USER may fetch, wildcards excepted. */
static void make_all_hops(struct queue *q, struct span user)
{
	const struct config_server *server = queue_server(q);
	for (size_t i = 0; i < server->remote_domain_count; i++)
		if (etrn_may_fetch(&server->remote_domains[i], user) && server->remote_domains[i].name[0] != '*')
			etrn_server_make_hop(q, span_of(server->remote_domains[i].name));
}

/* Adds the next hops that the account may fetch. SEVERAL: messages for them may wait as mail for several domains. */
static void add_all(struct queue *q, struct request *request, bool several)
{
	if (several)
		make_all_hops(q, request->packet->user);
	for (struct destination *d = q->destinations.table; d; d = d->hh.next) {
		if (!d->etrn || !d->etrn->domain[0] || (!several && !is_waiting(d)))
			continue;
		const struct config_remote_domain *remote = etrn_find(queue_server(q), span_of(d->etrn->domain));
		if (remote && etrn_may_fetch(remote, request->packet->user))
			add(q, request, d);
	}
}

static size_t count_atrn(const struct queue *q)
{
	size_t n = 0;
	for (const struct destination *d = q->destinations.table; d; d = d->hh.next)
		n += atrn_is(d);
	return n;
}

static enum etrn_event look(struct etrn *e, struct request *request)
{
	struct queue *q = e->queue;
	struct span rest = request->packet->domains, domain;
	int more = 0;
	bool several = etrn_server_has_several(q);
	if (!etrn_server_knows_all(e) || e->requests++ >= ETRN_A_SECOND || count_atrn(q) >= ATRN_MAX)
		return ETRN_LATER;
	for (size_t n = 0; n < ETRN_DOMAINS_MAX && (more = etrn_next(&rest, &domain)) > 0; n++)
		add_domain(q, request, domain);
	if (more < 0)
		return ETRN_REFUSED;
	if (!request->packet->domains.len)
		add_all(q, request, several);
	if (request->trouble != ETRN_BEGUN)
		return request->trouble;
	return (request->waiting || several) && request->n ? ETRN_BEGUN : ETRN_NOTHING;
}

/* The client as the only host of the next hop, for logs and journals. */
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

static enum etrn_event begin(struct etrn *e, const struct request *request, int stream, int claim, uint64_t *count)
{
	struct queue *q = e->queue;
	struct destination *d = NULL;
	struct ipaddr ip;
	if (!ipaddr_parse(request->packet->client, &ip))
		return ETRN_REFUSED;
	destination_ref(&q->destinations, &d, make(e, request->packet, &ip));
	if (!d)
		return ETRN_LATER;
	d->atrn->stream = stream;
	d->atrn->claim = claim;
	for (size_t i = 0; i < request->n; i++)
		d->atrn->expire_ms = longer(d->atrn->expire_ms, request->at[i]->etrn->expire_ms);
	for (size_t i = 0; i < request->n; i++)
		*count += etrn_server_connect(q, request->at[i], d);
	log_info("next hop %s accepts mail of %zu domains, %llu messages wait", d->key, request->n,
		 (unsigned long long)*count);
	destination_ref(&q->destinations, &d, NULL);
	return ETRN_BEGUN;
}

enum etrn_event atrn_server_request(struct etrn *e, const struct wire_atrn *packet, int stream, int claim,
				    uint64_t *count)
{
	struct request request = {.packet = packet, .trouble = ETRN_BEGUN};
	*count = 0;
	enum etrn_event event = is_stream(stream) ? look(e, &request) : ETRN_REFUSED;
	return event == ETRN_BEGUN ? begin(e, &request, stream, claim, count) : event;
}

/* Takes back the messages that no worker has: they are routed again. */
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
	log_info("next hop %s accepts no more mail", d->key);
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
