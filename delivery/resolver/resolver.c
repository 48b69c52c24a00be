#include "delivery/resolver/resolver.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/dns/dns.h"
#include "common/dns/lookup.h"
#include "common/ipc/ipc.h"
#include "common/process/child.h"
#include "common/process/trouble.h"
#include "delivery/resolver/clients.h"
#include "delivery/resolver/hostfiles.h"
#include "delivery/resolver/watch.h"

enum {
	REQUESTS_MAX = 1000, /* at a time; the queue asks once for each destination */
	PRIVATE_MAX = 100,   /* of them, those with a socket of their own */
	SEND_MS = 5000,
	QUESTIONS_MAX = 1 + LOOKUP_HOSTS_MAX * (2 + DANE_QUESTIONS)
};

struct request;

enum purpose { ABOUT_MX, ABOUT_ADDRESS, ABOUT_DANE };

struct question {
	struct request *request;
	enum purpose purpose;
	size_t host;
	int async_id;
	bool asked; /* an answer will come */
};

struct request {
	TAILQ_ENTRY(request) entry;
	struct resolver *resolver;
	uint64_t serial;
	int reply_fd;     /* where the answer goes; -1 = on the link to the queue */
	int64_t deadline; /* clock_mono_ms */
	struct lookup lookup;
	struct question questions[QUESTIONS_MAX];
	size_t question_count;
	size_t waiting;                     /* questions without an answer */
	unsigned of_host[LOOKUP_HOSTS_MAX]; /* those of them for the addresses of each host */
};

struct resolver {
	struct ub_ctx *unbound;
	struct clients *clients;
	struct watch watch;
	struct trouble told;
	struct hostfiles files;
	const struct self *self;
	int64_t deadline_ms;
	enum config_tristate dnssec;    /* CONFIG_NO also without a trust anchor */
	bool private;                   /* the name servers have private addresses */
	int control;                    /* to master */
	int link;                       /* to the queue; -1 = none */
	uint64_t serial;                /* of the link */
	TAILQ_HEAD(, request) requests; /* oldest first, so the first has the next deadline */
	size_t request_count, private_count;
	bool stopping;
	char packet[WIRE_PACKET_MAX];
};

struct resolver *resolver_new(const struct dns_settings *dns, const struct self *self, int64_t deadline_ms)
{
	struct nameservers servers;
	struct resolver *r = calloc(1, sizeof(*r));
	if (!r)
		log_fatal(EXIT_TEMPORARY, "no memory for DNS look-ups");
	hostfiles_note(&r->files);
	r->unbound = dns_context(dns);
	r->clients = clients_new(dns->servers);
	dns_servers(dns, &servers);
	watch_init(&r->watch, &servers, dns->servers);
	trouble_init(&r->told);
	r->private = dns_is_private(&servers);
	r->dnssec = dns_checks(dns) ? dns->dnssec : CONFIG_NO;
	r->self = self;
	r->deadline_ms = deadline_ms;
	r->link = -1;
	TAILQ_INIT(&r->requests);
	return r;
}

/* Frees REQUEST and cancels its callbacks. */
static void drop(struct request *request)
{
	struct resolver *r = request->resolver;
	for (size_t i = 0; i < request->question_count; i++)
		if (request->questions[i].asked)
			dns_cancel(r->unbound, request->questions[i].async_id);
	TAILQ_REMOVE(&r->requests, request, entry);
	r->request_count--;
	r->private_count -= request->reply_fd >= 0;
	fd_close(&request->reply_fd);
	free(request);
}

/* Questions with a socket of their own go on. */
static void lose_link(struct resolver *r)
{
	struct request *next;
	fd_close(&r->link);
	for (struct request *request = TAILQ_FIRST(&r->requests); request; request = next) {
		next = TAILQ_NEXT(request, entry);
		if (request->reply_fd < 0)
			drop(request);
	}
}

void resolver_free(struct resolver *r)
{
	lose_link(r);
	while (!TAILQ_EMPTY(&r->requests))
		drop(TAILQ_FIRST(&r->requests));
	watch_free(&r->watch);
	clients_free(r->clients);
	trouble_free(&r->told);
	ub_ctx_delete(r->unbound);
	free(r);
}

/* False: the link is unusable. An answer may be lost, because the queue has a deadline. */
static bool send_result(const struct resolver *r, int reply_fd, uint64_t serial, const struct lookup *l,
			struct span hosts)
{
	struct wire_resolved resolved = {.serial = serial,
					 .event = l->event,
					 .enhanced = span_of(l->enhanced),
					 .text = span_of(l->text),
					 .ttl_s = l->event == LOOKUP_LATER ? 0 : l->ttl_s,
					 .hosts = hosts};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	int to = reply_fd < 0 ? r->link : reply_fd;
	int err = wire_encode_resolved(&resolved, &packet) ? ipc_send(to, str_span(&packet), NULL, 0) : -EMSGSIZE;
	str_free(&packet);
	if (reply_fd >= 0)
		return true;
	if (err)
		log_warning("can't send the result of a look-up to the queue: %s", strerror(-err));
	return !err || (ipc_passes(err) && err != -EAGAIN);
}

/* DECIDED: the look-up already has its result. */
static void finish(struct request *request, bool decided, bool in_time)
{
	struct resolver *r = request->resolver;
	struct str hosts;
	str_init(&hosts, LOOKUP_LIST_MAX);
	if (!decided)
		lookup_finish(&request->lookup, !in_time, &hosts);
	if (!in_time || request->lookup.event == LOOKUP_LATER)
		watch_doubt(&r->watch);
	bool sent = send_result(r, request->reply_fd, request->serial, &request->lookup, str_span(&hosts));
	str_free(&hosts);
	drop(request);
	if (!sent)
		lose_link(r);
}

static void on_result(void *data, int err, struct ub_result *result);

static bool ask(struct request *request, enum purpose purpose, const char *name, enum dns_type type, size_t host)
{
	struct question *q = &request->questions[request->question_count++];
	*q = (struct question){.request = request, .purpose = purpose, .host = host};
	q->asked = dns_ask(request->resolver->unbound, name, type, q, on_result, &q->async_id);
	request->waiting += q->asked;
	return q->asked;
}

static void ask_address(struct request *request, enum dns_type type, size_t host)
{
	bool asked = ask(request, ABOUT_ADDRESS, lookup_host(&request->lookup, host), type, host);
	request->of_host[host] += asked;
	request->lookup.failed |= !asked;
}

static void ask_addresses(struct request *request)
{
	for (size_t host = 0; host < lookup_host_count(&request->lookup); host++) {
		ask_address(request, DNS_A, host);
		ask_address(request, DNS_AAAA, host);
	}
}

/* A query that can't be sent counts as unanswered. */
static void ask_dane(struct request *request, size_t host)
{
	const struct lookup_answer none = {.rcode = LOOKUP_NO_ANSWER};
	char name[DANE_QUESTION_MAX];
	bool alias;
	while (lookup_question(&request->lookup, host, name, &alias)) {
		if (ask(request, ABOUT_DANE, name, alias ? DNS_CNAME : DNS_TLSA, host))
			return;
		lookup_dane(&request->lookup, host, &none);
	}
}

/* False: the answer has decided the result. */
static bool take(struct request *request, const struct question *q, const struct lookup_answer *answer)
{
	struct lookup *l = &request->lookup;
	switch (q->purpose) {
	case ABOUT_MX:
		if (!lookup_mx(l, answer))
			return false;
		ask_addresses(request);
		return true;
	case ABOUT_ADDRESS:
		lookup_address(l, q->host, answer);
		if (--request->of_host[q->host] == 0 && request->reply_fd < 0)
			ask_dane(request, q->host);
		return true;
	case ABOUT_DANE:
		lookup_dane(l, q->host, answer);
		ask_dane(request, q->host);
	}
	return true;
}

static void on_result(void *data, int err, struct ub_result *result)
{
	struct span rdata[DNS_ANSWER_MAX];
	struct lookup_answer answer;
	struct question *q = data;
	struct request *request = q->request;
	dns_answer(err, result, rdata, &answer);
	q->asked = false;
	request->waiting--;
	bool open = take(request, q, &answer);
	ub_resolve_free(result);
	if (!open || !request->waiting)
		finish(request, !open, true);
}

static void refuse(const struct resolver *r, int reply_fd, uint64_t serial, const char *why)
{
	struct lookup l = {.event = LOOKUP_LATER, .enhanced = "4.4.3"};
	snprintf(l.text, sizeof(l.text), "%s", why);
	send_result(r, reply_fd, serial, &l, (struct span){0});
}

/* *REPLY_FD: the socket for the answer, which is taken; -1 = the queue asks, which knows of DANE and of our own name.
 */
static void begin(struct resolver *r, const struct wire_resolve *wire, int *reply_fd)
{
	uint64_t seed;
	bool own = *reply_fd >= 0;
	bool room = r->request_count < REQUESTS_MAX && (!own || r->private_count < PRIVATE_MAX);
	struct request *request = room ? calloc(1, sizeof(*request)) : NULL;
	if (!request) {
		refuse(r, *reply_fd, wire->serial, N_("too many look-ups are in progress"));
		return;
	}
	fd_random(&seed, sizeof(seed));
	request->resolver = r;
	request->serial = wire->serial;
	request->reply_fd = *reply_fd;
	*reply_fd = -1;
	r->private_count += own;
	request->deadline = clock_mono_ms() + r->deadline_ms;
	TAILQ_INSERT_TAIL(&r->requests, request, entry);
	r->request_count++;
	bool begun = lookup_begin(&request->lookup, wire->name, (uint16_t)wire->port, seed);
	request->lookup.self = own ? NULL : r->self;
	request->lookup.private_ok = wire->private_mx == CONFIG_YES || (wire->private_mx == CONFIG_AUTO && r->private);
	if (begun && wire->mx) {
		ask(request, ABOUT_MX, request->lookup.name, DNS_MX, 0);
	} else if (begun) {
		lookup_plain(&request->lookup);
		ask_addresses(request);
	}
	if (!request->waiting)
		finish(request, !begun, false);
}

/* An issuer of tokens, or the proxy to it: an address is all that is wanted. */
static void begin_addresses(void *context, const struct wire_resolve *wire, int *fd)
{
	struct wire_resolve question = *wire;
	question.mx = false;
	if (fd_set_nonblock(*fd, true) == 0)
		begin(context, &question, fd);
}

static void end_overdue(struct resolver *r)
{
	int64_t now = clock_mono_ms();
	struct request *first;
	while ((first = TAILQ_FIRST(&r->requests)) && first->deadline <= now)
		finish(first, false, false);
}

/* Closes the link; master makes another if there is a queue. WHY NULL = the queue has closed it. */
static void break_link(struct resolver *r, const char *why)
{
	if (why)
		log_warning("link to the queue closed: %s", why);
	lose_link(r);
	if (!r->stopping)
		child_detached(r->control, CHILD_LINK_RESOLVER, r->serial);
}

static void on_link(struct resolver *r)
{
	struct ipc_packet packet;
	struct wire_resolve wire;
	int to_queue = -1;
	int err = ipc_receive(r->link, r->packet, sizeof(r->packet), MSG_DONTWAIT, &packet);
	if (ipc_passes(err))
		return;
	if (!err && wire_admit(WIRE_LINK_resolver, WIRE_DOWN, packet.text) && wire_decode_resolve(packet.text, &wire))
		begin(r, &wire, &to_queue);
	else
		break_link(r, err ? strerror(-err) : packet.eof ? NULL : "the queue sent a malformed packet");
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
	r->serial = wire.serial;
	packet->fds[0] = -1;
	ipc_set_send_deadline(r->link, SEND_MS);
}

/* Nothing here changes by a reload: the servers are those of new processes, and so are /etc/resolv.conf and /etc/hosts
 * (master/files.c). */
static void on_control(struct resolver *r, int control)
{
	struct ipc_packet packet;
	enum wire_type type = child_order(control, CHILD_RESOLVER, r->packet, sizeof(r->packet), &packet);
	if (type == WIRE_attach)
		attach(r, &packet);
	else if (type == WIRE_stop)
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

/* Logs whether the name servers pass signatures on. It decides nothing: each answer states whether it is signed. */
static void on_root(void *data, int err, struct ub_result *result)
{
	const struct resolver *r = data;
	struct span rdata[DNS_ANSWER_MAX];
	struct lookup_answer answer;
	dns_answer(err, result, rdata, &answer);
	if (answer.secure)
		log_info("dnssec=on: DNS answers are validated");
	else if (r->dnssec == CONFIG_YES)
		log_warning(
			"dnssec=on: the name servers return no signed root keys, so answers can't be validated and mail waits: enable DNSSEC on the name servers, or write dnssec auto");
	else
		log_info("dnssec=off: the name servers return no signed root keys, so hosts are not verified by DANE");
	ub_resolve_free(result);
}

/* The queue and the workers repeat their open questions to the new resolver. */
static void check_files(struct resolver *r)
{
	const char *path = hostfiles_changed(&r->files);
	if (!path)
		return;
	log_info("%s has changed: a new resolver takes over and reads it", path);
	r->stopping = true;
}

static void query_root(struct resolver *r)
{
	int id;
	if (r->dnssec != CONFIG_NO)
		dns_ask(r->unbound, ".", DNS_DNSKEY, r, on_root, &id);
}

static void tell(struct resolver *r)
{
	struct str text;
	str_init(&text, TROUBLE_MAX);
	watch_describe(&r->watch, &text);
	clients_describe(r->clients, &text);
	trouble_tell(&r->told, str_span(&text), clock_wall_ms() / 1000);
	str_free(&text);
}

int resolver_run(struct resolver *r, int control, int names_link)
{
	r->control = control;
	clients_open(r->clients, names_link, begin_addresses, r);
	query_root(r);
	while (!r->stopping) {
		struct pollfd fds[3 + CLIENTS_FDS + NAMESERVERS_MAX] = {{.fd = control, .events = POLLIN},
									{.fd = r->link, .events = POLLIN},
									{.fd = ub_fd(r->unbound), .events = POLLIN}};
		nfds_t count = 3 + CLIENTS_FDS + watch_poll(&r->watch, fds + 3 + CLIENTS_FDS);
		int64_t left = clock_sooner(clock_sooner(until_deadline(r), clients_until(r->clients)),
					    watch_until(&r->watch));
		left = clock_sooner(left, hostfiles_until(&r->files));
		clients_poll(r->clients, fds + 3);
		if (poll(fds, count, (int)left) < 0 && errno != EINTR)
			log_fatal(EXIT_TEMPORARY, "poll: %s", strerror(errno));
		if (fds[2].revents)
			ub_process(r->unbound);
		if (fds[1].revents && r->link >= 0)
			on_link(r);
		if (fds[0].revents)
			on_control(r, control);
		end_overdue(r);
		bool news = clients_tend(r->clients, fds + 3);
		if (watch_tend(&r->watch) || news)
			tell(r);
		check_files(r);
	}
	clients_close(r->clients);
	return 0;
}
