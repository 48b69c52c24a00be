#include "delivery/resolver/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/language.h"
#include "common/base/log.h"
#include "common/dns/dns.h"
#include "common/dns/reverse.h"
#include "common/ipc/ipc.h"
#include "delivery/resolver/waiters.h"

enum { QUESTION_MAX = 8 * 1024 };

struct name_request;

struct name_lookup {
	struct name_request *request;
	size_t name; /* index in reverse.names; REVERSE_NAMES_MAX = the PTR records */
	int async_id;
	bool asked; /* an answer will come */
};

struct name_request {
	struct waiter waiter;
	struct names *names;
	struct reverse reverse;
	struct name_lookup lookups[1 + REVERSE_NAMES_MAX];
	size_t lookup_count;
	size_t waiting;
};

struct names {
	struct ub_ctx *unbound;
	int link;
	struct names_others others;
	struct waiters waiters;
};

static void cancel(struct waiter *waiter)
{
	struct name_request *request = (struct name_request *)waiter;
	for (size_t i = 0; i < request->lookup_count; i++)
		if (request->lookups[i].asked)
			dns_cancel(request->names->unbound, request->lookups[i].async_id);
}

struct names *names_new(struct ub_ctx *unbound, int link, struct names_others others)
{
	struct names *n = calloc(1, sizeof(*n));
	if (!n)
		log_fatal(EXIT_TEMPORARY, "no memory for the names of clients");
	n->unbound = unbound;
	n->link = link;
	n->others = others;
	waiters_init(&n->waiters, NAMES_AT_ONCE, NAMES_DEADLINE_MS, cancel);
	return n;
}

void names_free(struct names *n)
{
	waiters_free(&n->waiters);
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
	reply(request->waiter.reply_fd, request->reverse.name, request->reverse.why);
	waiters_drop(&request->names->waiters, &request->waiter);
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

static void begin(struct names *n, const struct ipaddr *client, int *fd)
{
	char zone[REVERSE_ZONE_MAX];
	struct name_request *request = waiters_add(&n->waiters, sizeof(*request), fd);
	if (!request) {
		reply(*fd, NULL, N_("too many look-ups are in progress"));
		return;
	}
	request->names = n;
	reverse_begin(&request->reverse, client);
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

int64_t names_until_deadline(const struct names *n)
{
	return waiters_until(&n->waiters);
}

void names_end_overdue(struct names *n)
{
	struct waiter *waiter;
	while ((waiter = waiters_overdue(&n->waiters)))
		finish((struct name_request *)waiter, false);
}
