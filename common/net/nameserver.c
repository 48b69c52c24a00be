#include "common/net/nameserver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/net/net.h"

enum {
	HEAD = 12,
	IS_ANSWER = 0x80,
	WANTS_RECURSION = 1,
	HAS_RECURSION = 0x80,
	RCODE = 15,
	REFUSED = 5,
	TYPE_NS = 2,
	CLASS_IN = 1,
	PORT = 53
};

static void add(struct nameservers *all, const struct ipaddr *ip, uint16_t port)
{
	if (all->n < NAMESERVERS_MAX)
		all->at[all->n++] = (struct nameserver){.ip = *ip, .port = port, .fd = -1};
}

void nameservers_written(const struct config_endpoints *servers, struct nameservers *out)
{
	*out = (struct nameservers){0};
	for (size_t i = 0; i < servers->n; i++)
		add(out, &servers->at[i].ip, servers->at[i].port);
}

void nameservers_resolvconf(struct span text, struct nameservers *out)
{
	struct span line;
	*out = (struct nameservers){0};
	while (span_line(&text, &line)) {
		struct ipaddr ip;
		line = span_trim(line);
		if (!span_starts(line, SPAN("nameserver")))
			continue;
		struct span address = span_trim(span_skip(line, sizeof("nameserver") - 1));
		address.len = span_find(address, '%'); /* the interface of a link-local address */
		if (ipaddr_parse(address, &ip))
			add(out, &ip, PORT);
	}
}

void nameserver_question(uint16_t id, unsigned char to[NAMESERVER_QUESTION])
{
	/* Asks for the name servers of the root, which every resolver knows. */
	const unsigned char question[NAMESERVER_QUESTION] = {(unsigned char)(id >> 8),
							     (unsigned char)id,
							     WANTS_RECURSION,
							     0,
							     0,
							     1,
							     0,
							     0,
							     0,
							     0,
							     0,
							     0,
							     0,
							     0,
							     TYPE_NS,
							     0,
							     CLASS_IN};
	memcpy(to, question, sizeof(question));
}

enum nameserver_state nameserver_judge(struct span packet, uint16_t id)
{
	const unsigned char *octets = (const unsigned char *)packet.at;
	if (packet.len < HEAD || octets[0] != id >> 8 || octets[1] != (id & 0xff) || !(octets[2] & IS_ANSWER))
		return NAMESERVER_UNKNOWN;
	bool looks_up = (octets[3] & HAS_RECURSION) && (octets[3] & RCODE) != REFUSED;
	return looks_up ? NAMESERVER_GOOD : NAMESERVER_REFUSES;
}

static void decide(struct nameserver *server, enum nameserver_state state, int err)
{
	server->state = state;
	server->err = err;
	fd_close(&server->fd);
}

/* A link-local address without interface can't be reached: that says nothing about the server. */
static void fail(struct nameserver *server, int err)
{
	if (err == EAGAIN || err == EINTR)
		return;
	decide(server, err == EINVAL ? NAMESERVER_UNKNOWN : NAMESERVER_AWAY, err);
}

static void send_question(struct nameserver *server, uint16_t id)
{
	unsigned char question[NAMESERVER_QUESTION];
	nameserver_question(id, question);
	if (send(server->fd, question, sizeof(question), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		fail(server, errno);
}

static void begin(struct nameserver *server, uint16_t id)
{
	int fd = net_datagram(&server->ip, server->port);
	server->state = NAMESERVER_ASKED;
	server->fd = fd < 0 ? -1 : fd;
	if (fd < 0)
		fail(server, -fd);
	else
		send_question(server, id);
}

void nameservers_ask(struct nameservers *all, int64_t now_ms)
{
	nameservers_close(all);
	fd_random(&all->id, sizeof(all->id));
	all->tries = NAMESERVER_TRIES - 1;
	all->until = now_ms + NAMESERVER_TRY_MS;
	for (size_t i = 0; i < all->n; i++)
		begin(&all->at[i], all->id);
}

size_t nameservers_poll(const struct nameservers *all, struct pollfd *to)
{
	size_t count = 0;
	for (size_t i = 0; i < all->n; i++)
		if (all->at[i].state == NAMESERVER_ASKED)
			to[count++] = (struct pollfd){.fd = all->at[i].fd, .events = POLLIN};
	return count;
}

int nameservers_until(const struct nameservers *all, int64_t now_ms)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->at[i].state == NAMESERVER_ASKED)
			return all->until > now_ms ? (int)(all->until - now_ms) : 0;
	return -1;
}

/* Takes a limited number of packets, so that a flood can't hold this process. */
static void receive(struct nameserver *server, uint16_t id)
{
	char packet[512];
	ssize_t n = recv(server->fd, packet, sizeof(packet), MSG_DONTWAIT);
	if (n < 0) {
		fail(server, errno);
		return;
	}
	enum nameserver_state state = nameserver_judge((struct span){packet, (size_t)n}, id);
	if (state != NAMESERVER_UNKNOWN)
		decide(server, state, 0);
}

void nameservers_tend(struct nameservers *all, int64_t now_ms)
{
	bool over = now_ms >= all->until;
	bool last = over && !all->tries;
	for (size_t i = 0; i < all->n; i++) {
		struct nameserver *server = &all->at[i];
		if (server->state == NAMESERVER_ASKED)
			receive(server, all->id);
		if (server->state == NAMESERVER_ASKED && last)
			decide(server, NAMESERVER_SILENT, 0);
		else if (server->state == NAMESERVER_ASKED && over)
			send_question(server, all->id);
	}
	if (over && !last) {
		all->tries--;
		all->until = now_ms + NAMESERVER_TRY_MS;
	}
}

void nameservers_ask_and_wait(struct nameservers *all)
{
	struct pollfd fds[NAMESERVERS_MAX];
	int64_t now = clock_mono_ms();
	int left;
	nameservers_ask(all, now);
	while ((left = nameservers_until(all, now)) >= 0) {
		poll(fds, (nfds_t)nameservers_poll(all, fds), left);
		now = clock_mono_ms();
		nameservers_tend(all, now);
	}
}

bool nameserver_trouble(const struct nameserver *server, char to[NAMESERVER_TEXT_MAX])
{
	char where[NET_TEXT_MAX];
	net_format(&server->ip, server->port, where);
	switch (server->state) {
	case NAMESERVER_UNKNOWN:
	case NAMESERVER_ASKED:
	case NAMESERVER_GOOD:
		return false;
	case NAMESERVER_SILENT:
		snprintf(to, NAMESERVER_TEXT_MAX, _("name server %s does not answer"), where);
		break;
	case NAMESERVER_REFUSES:
		snprintf(to, NAMESERVER_TEXT_MAX, _("name server %s refuses to look up names for this machine"), where);
		break;
	case NAMESERVER_AWAY:
		snprintf(to, NAMESERVER_TEXT_MAX, _("name server %s can't be reached: %s"), where,
			 strerror(server->err));
	}
	return true;
}

void nameservers_close(struct nameservers *all)
{
	for (size_t i = 0; i < all->n; i++)
		decide(&all->at[i], NAMESERVER_UNKNOWN, 0);
}
