#include "delivery/resolver.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unbound.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/host/child.h"
#include "common/host/ipc.h"
#include "delivery/lookup.h"
#include "delivery/names.h"

enum {
	REQUESTS_MAX = 1000, /* at once; the queue asks once for each destination */
	ANSWER_MAX = 256,    /* records of one answer that we look at */
	SEND_MS = 5000,
	CLASS_IN = 1,
	TYPE_A = 1,
	TYPE_MX = 15,
	TYPE_AAAA = 28
};

struct request;

struct question {
	struct request *request;
	int type;
	size_t host;
	int async_id;
	bool asked; /* an answer will come */
};

enum { QUESTIONS_MAX = 1 + 2 * LOOKUP_HOSTS_MAX };

struct request {
	TAILQ_ENTRY(request) entry;
	struct resolver *resolver;
	uint64_t serial;
	int64_t deadline; /* clock_mono_ms */
	struct lookup lookup;
	struct question questions[QUESTIONS_MAX];
	size_t question_count;
	size_t waiting; /* questions without answer */
};

struct resolver {
	struct ub_ctx *unbound;
	struct ub_ctx *names_unbound; /* for names of clients, who can make look-ups fail: those of the queue shall not
					 notice */
	const struct self *self;
	int64_t deadline_ms;
	int link;                       /* to the queue; -1 = none */
	TAILQ_HEAD(, request) requests; /* oldest first, so the next deadline is the first's */
	size_t request_count;
	bool stopping;
	char packet[WIRE_PACKET_MAX];
};

static void must(int err, const char *what)
{
	if (err)
		log_fatal(EXIT_TEMPORARY, "can't set up DNS look-ups: %s: %s", what, ub_strerror(err));
}

static void set_servers(struct ub_ctx *unbound, const struct config_endpoints *servers)
{
	char text[IPADDR_TEXT_MAX + 8], ip[IPADDR_TEXT_MAX];
	for (size_t i = 0; i < servers->n; i++) {
		ipaddr_format(&servers->at[i].ip, ip);
		snprintf(text, sizeof(text), "%s@%u", ip, servers->at[i].port);
		must(ub_ctx_set_fwd(unbound, text), text);
	}
	if (!servers->n && ub_ctx_resolvconf(unbound, NULL))
		log_info("/etc/resolv.conf names no server: asking the DNS from the root on");
}

/* unbound answers these zones itself unless told otherwise; in private networks they may well exist. */
static void allow_private_zones(struct ub_ctx *unbound)
{
	static const char *const zones[] = {"test.", "home.arpa."};
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		must(ub_ctx_zone_remove(unbound, zones[i]), zones[i]);
	/* 127.0.0.1 stays localhost; other loopback addresses may have names of their own. */
	must(ub_ctx_zone_add(unbound, "127.in-addr.arpa.", "transparent"), "127.in-addr.arpa");
}

static void set_options(struct ub_ctx *unbound)
{
	static const char *const options[][2] = {
		{"module-config:", "iterator"},    /* no DNSSEC yet, so no forwarder that strips it does harm */
		{"do-not-query-localhost:", "no"}, /* a caching server on this machine is usual */
		{"outgoing-range:", "256"},        {"cache-max-negative-ttl:", "300"},
		{"unblock-lan-zones:", "yes"}, /* names of private addresses: the servers that we ask know them */
	};
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		must(ub_ctx_set_option(unbound, options[i][0], options[i][1]), options[i][0]);
}

static struct ub_ctx *new_unbound(const struct config_endpoints *servers)
{
	struct ub_ctx *unbound = ub_ctx_create();
	if (!unbound)
		log_fatal(EXIT_TEMPORARY, "no memory for DNS look-ups");
	ub_ctx_debugout(unbound, NULL);
	set_options(unbound);
	set_servers(unbound, servers);
	if (ub_ctx_hosts(unbound, NULL))
		log_info("/etc/hosts can't be read");
	must(ub_ctx_async(unbound, 1), "threads");
	allow_private_zones(unbound);
	return unbound;
}

struct resolver *resolver_new(const struct config_endpoints *servers, const struct self *self, int64_t deadline_ms)
{
	struct resolver *r = calloc(1, sizeof(*r));
	if (!r)
		log_fatal(EXIT_TEMPORARY, "no memory for DNS look-ups");
	r->unbound = new_unbound(servers);
	r->names_unbound = new_unbound(servers);
	r->self = self;
	r->deadline_ms = deadline_ms;
	r->link = -1;
	TAILQ_INIT(&r->requests);
	return r;
}

/* Forgets REQUEST; no callback comes for it any more. */
static void drop(struct request *request)
{
	struct resolver *r = request->resolver;
	for (size_t i = 0; i < request->question_count; i++)
		if (request->questions[i].asked)
			ub_cancel(r->unbound, request->questions[i].async_id);
	TAILQ_REMOVE(&r->requests, request, entry);
	r->request_count--;
	free(request);
}

static void lose_link(struct resolver *r)
{
	fd_close(&r->link);
	while (!TAILQ_EMPTY(&r->requests))
		drop(TAILQ_FIRST(&r->requests));
}

void resolver_free(struct resolver *r)
{
	lose_link(r);
	ub_ctx_delete(r->unbound);
	ub_ctx_delete(r->names_unbound);
	free(r);
}

static bool send_result(const struct resolver *r, uint64_t serial, const struct lookup *l, struct span hosts)
{
	struct wire_resolved resolved = {.serial = serial,
					 .event = l->event,
					 .enhanced = span_of(l->enhanced),
					 .text = span_of(l->text),
					 .ttl_s = l->event == LOOKUP_LATER ? 0 : l->ttl_s,
					 .hosts = hosts};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	int err = wire_encode_resolved(&resolved, &packet) ? ipc_send(r->link, str_span(&packet), NULL, 0) : -EMSGSIZE;
	str_free(&packet);
	if (err)
		log_warning("the queue can't be told of a look-up: %s", strerror(-err));
	return !err;
}

/* DECIDED: the look-up knows its result already. */
static void finish(struct request *request, bool decided, bool in_time)
{
	struct resolver *r = request->resolver;
	struct str hosts;
	str_init(&hosts, LOOKUP_LIST_MAX);
	if (!decided)
		lookup_finish(&request->lookup, !in_time, &hosts);
	bool sent = send_result(r, request->serial, &request->lookup, str_span(&hosts));
	str_free(&hosts);
	drop(request);
	if (!sent)
		lose_link(r);
}

static void on_result(void *data, int err, struct ub_result *result);

static void ask(struct request *request, const char *name, int type, size_t host)
{
	struct question *q = &request->questions[request->question_count++];
	*q = (struct question){.request = request, .type = type, .host = host};
	q->asked = ub_resolve_async(request->resolver->unbound, name, type, CLASS_IN, q, on_result, &q->async_id) == 0;
	request->waiting += q->asked;
	request->lookup.failed |= !q->asked;
}

static void ask_addresses(struct request *request)
{
	for (size_t host = 0; host < lookup_host_count(&request->lookup); host++) {
		ask(request, lookup_host(&request->lookup, host), TYPE_A, host);
		ask(request, lookup_host(&request->lookup, host), TYPE_AAAA, host);
	}
	if (!request->waiting)
		finish(request, false, true);
}

static void answer(struct question *q, const struct lookup_answer *answer)
{
	struct request *request = q->request;
	q->asked = false;
	request->waiting--;
	if (q->type == TYPE_MX) {
		if (lookup_mx(&request->lookup, answer))
			ask_addresses(request);
		else
			finish(request, true, true);
		return;
	}
	lookup_address(&request->lookup, q->host, answer);
	if (!request->waiting)
		finish(request, false, true);
}

static void on_result(void *data, int err, struct ub_result *result)
{
	struct span rdata[ANSWER_MAX];
	struct lookup_answer what = {.rcode = LOOKUP_NO_ANSWER, .rdata = rdata};
	if (!err && result && !result->bogus) {
		what.rcode = result->rcode;
		what.ttl_s = result->ttl > 0 ? (uint32_t)result->ttl : 0;
		for (size_t i = 0; result->havedata && i < ANSWER_MAX && result->data[i]; i++)
			rdata[what.n++] = (struct span){result->data[i], (size_t)result->len[i]};
	}
	answer(data, &what);
	ub_resolve_free(result);
}

static void refuse(const struct resolver *r, uint64_t serial, const char *why)
{
	struct lookup l = {.event = LOOKUP_LATER, .enhanced = "4.4.3"};
	snprintf(l.text, sizeof(l.text), "%s", why);
	send_result(r, serial, &l, (struct span){0});
}

static void begin(struct resolver *r, const struct wire_resolve *wire)
{
	uint64_t seed;
	struct request *request = r->request_count < REQUESTS_MAX ? calloc(1, sizeof(*request)) : NULL;
	if (!request) {
		refuse(r, wire->serial, "too many look-ups are under way");
		return;
	}
	fd_random(&seed, sizeof(seed));
	request->resolver = r;
	request->serial = wire->serial;
	request->deadline = clock_mono_ms() + r->deadline_ms;
	TAILQ_INSERT_TAIL(&r->requests, request, entry);
	r->request_count++;
	bool begun = lookup_begin(&request->lookup, wire->name, (uint16_t)wire->port, seed);
	request->lookup.self = r->self;
	if (!begun) {
		finish(request, true, true);
	} else if (wire->mx) {
		ask(request, request->lookup.name, TYPE_MX, 0);
		if (!request->waiting)
			finish(request, false, false);
	} else {
		lookup_plain(&request->lookup);
		ask_addresses(request);
	}
}

static void end_overdue(struct resolver *r)
{
	int64_t now = clock_mono_ms();
	struct request *first;
	while ((first = TAILQ_FIRST(&r->requests)) && first->deadline <= now)
		finish(first, false, false);
}

static void on_link(struct resolver *r)
{
	struct ipc_packet packet;
	struct wire_resolve wire;
	int err = ipc_receive(r->link, r->packet, sizeof(r->packet), MSG_DONTWAIT, &packet);
	if (err == -EAGAIN)
		return;
	if (!err && !packet.eof && wire_decode_resolve(packet.text, &wire))
		begin(r, &wire);
	else
		lose_link(r);
	if (!err)
		ipc_packet_close(&packet);
}

static void attach(struct resolver *r, struct ipc_packet *packet)
{
	struct wire_attach wire;
	if (!wire_decode_attach(packet->text, &wire) || wire.kind != CHILD_LINK_RESOLVER || packet->fd_count != 1)
		return;
	lose_link(r);
	r->link = packet->fds[0];
	packet->fds[0] = -1;
	ipc_set_send_deadline(r->link, SEND_MS);
}

/* Nothing here changes by a reload: the servers are those of new processes. */
static void on_control(struct resolver *r, int control)
{
	struct ipc_packet packet;
	int err = ipc_receive(control, r->packet, sizeof(r->packet), MSG_DONTWAIT, &packet);
	if (err == -EAGAIN)
		return;
	if (err || packet.eof) {
		r->stopping = true;
		return;
	}
	if (wire_type_of(packet.text) == WIRE_attach)
		attach(r, &packet);
	else if (wire_type_of(packet.text) == WIRE_stop)
		r->stopping = true;
	ipc_packet_close(&packet);
}

static int until_deadline(const struct resolver *r)
{
	if (TAILQ_EMPTY(&r->requests))
		return -1;
	int64_t left = TAILQ_FIRST(&r->requests)->deadline - clock_mono_ms();
	return left > 0 ? (int)left : 0;
}

static int sooner(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

int resolver_run(struct resolver *r, int control, int names_link)
{
	struct names *names = names_new(r->names_unbound, names_link);
	while (!r->stopping) {
		struct pollfd fds[] = {{.fd = control, .events = POLLIN},
				       {.fd = r->link, .events = POLLIN},
				       {.fd = ub_fd(r->unbound), .events = POLLIN},
				       {.fd = names_fd(names), .events = POLLIN},
				       {.fd = ub_fd(r->names_unbound), .events = POLLIN}};
		if (poll(fds, 5, sooner(until_deadline(r), names_until_deadline(names))) < 0 && errno != EINTR)
			log_fatal(EXIT_TEMPORARY, "poll: %s", strerror(errno));
		if (fds[2].revents)
			ub_process(r->unbound);
		if (fds[4].revents)
			ub_process(r->names_unbound);
		if (fds[1].revents && r->link >= 0)
			on_link(r);
		if (fds[0].revents)
			on_control(r, control);
		if (fds[3].revents)
			names_receive(names);
		end_overdue(r);
		names_end_overdue(names);
	}
	names_free(names);
	return 0;
}
