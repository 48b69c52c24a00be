#include "ctl/hostcheck.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/str.h"
#include "common/net/net.h"

enum {
	HEAD = 12,
	LABEL_MAX = 63,
	IS_ANSWER = 0x80,
	WANTS_RECURSION = 1,
	RCODE = 15,
	NXDOMAIN = 3,
	TYPE_A = 1,
	TYPE_MX = 15,
	TYPE_AAAA = 28,
	CLASS_IN = 1,
	TRY_MS = 1500,    /* for the answers of one server */
	ANSWERS_MAX = 20, /* packets read, from any sender */
	HOSTS_MAX = 1 << 20
};

static const uint16_t types[] = {TYPE_A, TYPE_AAAA, TYPE_MX};
enum { TYPES = sizeof(types) / sizeof(types[0]) };

size_t hostcheck_question(uint16_t id, const char *name, uint16_t type, unsigned char to[HOSTCHECK_QUESTION_MAX])
{
	const unsigned char head[HEAD] = {(unsigned char)(id >> 8), (unsigned char)id, WANTS_RECURSION, 0, 0, 1};
	const unsigned char tail[] = {0, 0, (unsigned char)type, 0, CLASS_IN};
	struct span rest = span_of(name);
	size_t n = HEAD;
	memcpy(to, head, HEAD);
	while (rest.len) {
		struct span label = span_take(&rest, '.');
		if (!label.len || label.len > LABEL_MAX || n + 1 + label.len + sizeof(tail) > HOSTCHECK_QUESTION_MAX)
			return 0;
		to[n++] = (unsigned char)label.len;
		memcpy(to + n, label.at, label.len);
		n += label.len;
	}
	memcpy(to + n, tail, sizeof(tail));
	return n + sizeof(tail);
}

enum hostcheck_result hostcheck_judge(struct span packet, uint16_t id)
{
	const unsigned char *octets = (const unsigned char *)packet.at;
	if (packet.len < HEAD || octets[0] != id >> 8 || octets[1] != (id & 0xff) || !(octets[2] & IS_ANSWER))
		return HOSTCHECK_UNANSWERED;
	unsigned rcode = octets[3] & RCODE;
	if (rcode != 0 && rcode != NXDOMAIN)
		return HOSTCHECK_UNANSWERED;
	return rcode == 0 && (octets[6] || octets[7]) ? HOSTCHECK_FOUND : HOSTCHECK_MISSING;
}

bool hostcheck_in_hosts(struct span text, struct span name)
{
	struct span line;
	while (span_line(&text, &line)) {
		line.len = span_find(line, '#');
		for (size_t i = 0; i < line.len;) {
			size_t end = i;
			while (end < line.len && line.at[end] != ' ' && line.at[end] != '\t')
				end++;
			if (span_equal_nocase((struct span){line.at + i, end - i}, name))
				return true;
			i = end + 1;
		}
	}
	return false;
}

static bool stands_in_hosts(const char *name)
{
	struct str text;
	str_init(&text, HOSTS_MAX);
	int fd = open("/etc/hosts", O_RDONLY | O_CLOEXEC);
	bool found = fd >= 0 && fd_read_all(fd, &text) == 0 && hostcheck_in_hosts(str_span(&text), span_of(name));
	fd_close(&fd);
	str_free(&text);
	return found;
}

/* Reads answers to the questions ID, ID + 1, ... from FD until one has a record, or all have none. */
static enum hostcheck_result listen_to(int fd, uint16_t id, size_t questions, int64_t until)
{
	unsigned missing = 0;
	char packet[512];
	for (unsigned packets = 0; packets < ANSWERS_MAX; packets++) {
		int64_t left = until - clock_mono_ms();
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		if (left <= 0 || poll(&ready, 1, (int)left) <= 0)
			break;
		ssize_t n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);
		if (n < 0)
			break;
		for (size_t i = 0; i < questions; i++) {
			enum hostcheck_result result =
				hostcheck_judge((struct span){packet, (size_t)n}, (uint16_t)(id + i));
			if (result == HOSTCHECK_FOUND)
				return result;
			missing |= (unsigned)(result == HOSTCHECK_MISSING) << i;
		}
		if (missing == (1U << questions) - 1)
			return HOSTCHECK_MISSING;
	}
	return HOSTCHECK_UNANSWERED;
}

static enum hostcheck_result ask(const struct nameserver *server, const char *name, size_t questions, int64_t until)
{
	unsigned char question[HOSTCHECK_QUESTION_MAX];
	uint16_t id;
	int64_t patience = clock_mono_ms() + TRY_MS;
	fd_random(&id, sizeof(id));
	int fd = net_datagram(&server->ip, server->port);
	if (fd < 0)
		return HOSTCHECK_UNANSWERED;
	for (size_t i = 0; i < questions; i++) {
		size_t len = hostcheck_question((uint16_t)(id + i), name, types[i], question);
		if (len && send(fd, question, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
	}
	enum hostcheck_result result = listen_to(fd, id, questions, patience < until ? patience : until);
	fd_close(&fd);
	return result;
}

enum hostcheck_result hostcheck_host(const struct nameservers *servers, const char *name, bool mx, int64_t until)
{
	if (stands_in_hosts(name))
		return HOSTCHECK_FOUND;
	for (size_t i = 0; i < servers->n && clock_mono_ms() < until; i++) {
		enum hostcheck_result result = ask(&servers->at[i], name, mx ? TYPES : TYPES - 1, until);
		if (result != HOSTCHECK_UNANSWERED)
			return result;
	}
	return HOSTCHECK_UNANSWERED;
}
