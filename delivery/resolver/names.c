#include "delivery/resolver/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/dns/dns.h"
#include "common/dns/reverse.h"
#include "common/ipc/ipc.h"

enum { QUESTION_MAX = 8 * 1024 };

struct name_request;

struct name_lookup {
	struct name_request *request;
	size_t name; /* index in reverse.names; REVERSE_NAMES_MAX = the PTR records */
	int async_id;
	bool asked; /* an answer will come */
};

struct name_request {
	TAILQ_ENTRY(name_request) entry;
	struct names *names;
	pid_t pid;
	int reply_fd;
	int64_t deadline; /* clock_mono_ms */
	struct reverse reverse;
	struct name_lookup lookups[1 + REVERSE_NAMES_MAX];
	size_t lookup_count;
	size_t waiting;
};

struct names {
	struct ub_ctx *unbound;
	int link;
	struct names_others others;
	TAILQ_HEAD(, name_request) requests; /* oldest first */
	size_t count;
};

struct names *names_new(struct ub_ctx *unbound, int link, struct names_others others)
{
	struct names *n = calloc(1, sizeof(*n));
	if (!n)
		log_fatal(EXIT_TEMPORARY, "no memory for the names of clients");
	n->unbound = unbound;
	n->link = link;
	n->others = others;
	TAILQ_INIT(&n->requests);
	return n;
}

static void drop(struct name_request *request)
{
	struct names *n = request->names;
	for (size_t i = 0; i < request->lookup_count; i++)
		if (request->lookups[i].asked)
			ub_cancel(n->unbound, request->lookups[i].async_id);
	TAILQ_REMOVE(&n->requests, request, entry);
	n->count--;
	fd_close(&request->reply_fd);
	free(request);
}

void names_free(struct names *n)
{
	while (!TAILQ_EMPTY(&n->requests))
		drop(TAILQ_FIRST(&n->requests));
	free(n);
}

int names_fd(const struct names *n)
{
	return n->link;
}

/* Never waits for a worker that does not read its answer. */
static void reply(int fd, const char *name, const char *why)
{
	const struct wire_named named = {.name = span_of(name ? name : ""), .why = span_of(why)};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	if (wire_encode_named(&named, &packet))
		ipc_send_now(fd, str_span(&packet)); /* an error means that the worker has ended or no longer waits */
	str_free(&packet);
}

static void finish(struct name_request *request, bool in_time)
{
	reverse_finish(&request->reverse, in_time);
	reply(request->reply_fd, request->reverse.name, request->reverse.why);
	drop(request);
}

static void on_result(void *data, int err, struct ub_result *result);

static void ask(struct name_request *request, const char *name, enum dns_type type, size_t which)
{
	struct name_lookup *lookup = &request->lookups[request->lookup_count++];
	*lookup = (struct name_lookup){.request = request, .name = which};
	lookup->asked = dns_ask(request->names->unbound, name, type, lookup, on_result, &lookup->async_id);
	request->waiting += lookup->asked;
	request->reverse.failed |= !lookup->asked;
}

static void ask_addresses(struct name_request *request)
{
	enum dns_type type = ipaddr_is_v4(&request->reverse.client) ? DNS_A : DNS_AAAA;
	for (size_t i = 0; i < request->reverse.count; i++)
		ask(request, request->reverse.names[i], type, i);
}

static void take(struct name_lookup *lookup, const struct lookup_answer *answer)
{
	struct name_request *request = lookup->request;
	lookup->asked = false;
	request->waiting--;
	if (lookup->name < REVERSE_NAMES_MAX)
		reverse_address(&request->reverse, lookup->name, answer);
	else if (reverse_ptr(&request->reverse, answer))
		ask_addresses(request);
	if (!request->waiting)
		finish(request, true);
}

static void on_result(void *data, int err, struct ub_result *result)
{
	struct span rdata[DNS_ANSWER_MAX];
	struct lookup_answer what;
	dns_answer(err, result, rdata, &what);
	take(data, &what);
	ub_resolve_free(result);
}

pid_t names_peer(int fd)
{
	struct ucred peer = {0};
	socklen_t len = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && len == sizeof(peer) ? peer.pid : 0;
}

/* A worker serves one client at a time, so a new question means that it no longer waits for the old one. */
static void forget(struct names *n, pid_t pid)
{
	struct name_request *request;
	TAILQ_FOREACH(request, &n->requests, entry)
	{
		if (request->pid != pid)
			continue;
		drop(request);
		return;
	}
}

static void begin(struct names *n, const struct ipaddr *client, int *fd)
{
	char zone[REVERSE_ZONE_MAX];
	pid_t pid = names_peer(*fd);
	struct name_request *request = NULL;
	forget(n, pid);
	if (pid && n->count < NAMES_AT_ONCE)
		request = calloc(1, sizeof(*request));
	if (!request) {
		reply(*fd, NULL, N_("too many look-ups are in progress"));
		return;
	}
	*request = (struct name_request){.names = n, .pid = pid, .reply_fd = *fd};
	*fd = -1;
	request->deadline = clock_mono_ms() + NAMES_DEADLINE_MS;
	reverse_begin(&request->reverse, client);
	TAILQ_INSERT_TAIL(&n->requests, request, entry);
	n->count++;
	reverse_zone(client, zone);
	ask(request, zone, DNS_PTR, REVERSE_NAMES_MAX);
	if (!request->waiting)
		finish(request, true);
}

static void take_question(struct names *n, struct ipc_packet *packet)
{
	struct wire_resolve resolve;
	struct wire_name_of name_of;
	struct wire_listed_of listed_of;
	struct ipaddr client;
	enum wire_type type = packet->fd_count == 1 ? wire_admit(WIRE_LINK_names, WIRE_UP, packet->text) : 0;
	if (type == WIRE_resolve && wire_decode_resolve(packet->text, &resolve))
		n->others.addresses(n->others.context, &resolve, &packet->fds[0]);
	else if (type == WIRE_listed_of && wire_decode_listed_of(packet->text, &listed_of))
		n->others.listed(n->others.context, &listed_of, &packet->fds[0]);
	else if (type == WIRE_name_of && wire_decode_name_of(packet->text, &name_of) &&
		 ipaddr_parse(name_of.address, &client))
		begin(n, &client, &packet->fds[0]);
}

void names_receive(struct names *n)
{
	char buffer[QUESTION_MAX];
	struct ipc_packet packet;
	int err = ipc_receive(n->link, buffer, sizeof(buffer), MSG_DONTWAIT, &packet);
	if (err == -EAGAIN || err == -EINTR || err == -EMSGSIZE)
		return;
	/* Master keeps both ends open, so that the next resolver can continue. The end of the link means that master
	 * ended. */
	if (err)
		log_fatal(EXIT_TEMPORARY, "can't read questions about the names of clients: %s", strerror(-err));
	if (packet.eof) {
		n->link = -1;
		return;
	}
	take_question(n, &packet);
	ipc_packet_close(&packet);
}

int names_until_deadline(const struct names *n)
{
	if (TAILQ_EMPTY(&n->requests))
		return -1;
	int64_t left = TAILQ_FIRST(&n->requests)->deadline - clock_mono_ms();
	return left > 0 ? (int)left : 0;
}

void names_end_overdue(struct names *n)
{
	int64_t now = clock_mono_ms();
	struct name_request *first;
	while ((first = TAILQ_FIRST(&n->requests)) && first->deadline <= now)
		finish(first, false);
}
