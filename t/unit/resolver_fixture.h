/* The resolver as a process, against a name server on loopback that answers from a table. */
#ifndef T_UNIT_RESOLVER_FIXTURE_H
#define T_UNIT_RESOLVER_FIXTURE_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ipc/ipc.h"
#include "common/process/child.h"
#include "delivery/resolver/resolver.h"

enum {
	A = 1,
	CNAME = 5,
	PTR = 12,
	MX = 15,
	TXT = 16,
	AAAA = 28,
	NXDOMAIN = 3,
	SERVFAIL = 2,
	SILENT = -1,
	PACKET = 4096
};

/* The answers. All other queries get NOERROR without data. A line of type 0 has the rcode of a name. */
static const struct answer {
	const char *name;
	int type, rcode;
	const char *rdata;
	size_t len;
} table[] = {
	{"mail.test", MX, 0, "\x00\x14\x03mx2\x04mail\x04test", 17},
	{"mail.test", MX, 0, "\x00\x0a\x03mx1\x04mail\x04test", 17},
	{"mx1.mail.test", A, 0, "\x7f\x00\x00\x01", 4},
	{"mx2.mail.test", A, 0, "\x7f\x00\x00\x02", 4},
	{"mx2.mail.test", AAAA, 0, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16},
	{"null.test", MX, 0, "\0\0\0", 3},
	{"plain.test", A, 0, "\x7f\x00\x00\x03", 4},
	{"alias.test", CNAME, 0, "\x05plain\x04test", 12},
	{"gone.test", 0, NXDOMAIN, NULL, 0},
	{"broken.test", 0, SERVFAIL, NULL, 0},
	{"silent.test", 0, SILENT, NULL, 0},
	{"half.test", MX, 0, "\x00\x0a\x06silent\x04test", 15},
	{"17.0.0.127.in-addr.arpa", PTR, 0, "\x05plain\x04test", 12},
	{"3.0.0.127.in-addr.arpa", PTR, 0, "\x05plain\x04test", 12},
	{"1.1.0.10.in-addr.arpa", PTR, 0, "\x05lan-1\x04test", 12},
	{"lan-1.test", A, 0, "\x0a\x00\x01\x01", 4},
	{"66.0.0.127.in-addr.arpa", 0, SILENT, NULL, 0},
	{"5.0.0.127.bl.test", A, 0, "\x7f\0\0\2", 4},
	{"5.0.0.127.bl.test", TXT, 0, "\x07see why", 8},
	{"5.0.0.127.abcdefghij0123456789.test", TXT, 0, "\x1b(ABCDEFGHIJ0123456789.test)", 28},
	{"5.0.0.127.mute.test", 0, SILENT, NULL, 0},
	{"dead.test", MX, 0, "\x00\x0a\x04gone\x04test", 13},
};

/* Converts the name in a query to text. Returns its octets. */
static inline size_t read_name(const unsigned char *from, char *to)
{
	size_t at = 0, out = 0;
	while (from[at]) {
		if (out)
			to[out++] = '.';
		for (size_t i = 0; i < from[at]; i++)
			to[out++] = (char)(from[at + 1 + i] | 0x20);
		at += from[at] + 1U;
	}
	to[out] = '\0';
	return at + 1;
}

static inline size_t put(unsigned char *packet, size_t at, const struct answer *a)
{
	unsigned char fixed[] = {0xc0, 12, 0, (unsigned char)a->type, 0, 1, 0, 0, 0, 60, 0, (unsigned char)a->len};
	memcpy(packet + at, fixed, sizeof(fixed));
	memcpy(packet + at + sizeof(fixed), a->rdata, a->len);
	packet[7]++;
	return at + sizeof(fixed) + a->len;
}

/* Makes the answer in place of the query. Returns its length; 0 = none is sent. */
static inline size_t make_answer(unsigned char *packet)
{
	char name[300];
	size_t end = 12 + read_name(packet + 12, name);
	int type = packet[end] << 8 | packet[end + 1];
	size_t at = end + 4;
	packet[2] = 0x81;
	packet[3] = 0x80;
	memset(packet + 6, 0, 6);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].name, name) != 0)
			continue;
		if (table[i].rcode == SILENT)
			return 0;
		packet[3] |= (unsigned char)table[i].rcode;
		if (table[i].type == type || table[i].type == CNAME)
			at = put(packet, at, &table[i]);
	}
	return at;
}

static inline void *name_server(void *data)
{
	unsigned char packet[PACKET];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	int fd = *(int *)data;
	ssize_t n;
	while ((n = recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &len)) > 1) {
		size_t size = make_answer(packet);
		if (size)
			sendto(fd, packet, size, 0, (struct sockaddr *)&from, len);
	}
	return NULL;
}

struct fixture {
	int socket;
	uint16_t port;
	pthread_t thread;
	pid_t resolver;
	int control[2], link[2], names[2];
	char buffer[WIRE_PACKET_MAX];
	struct ipc_packet packet;
};

static inline void open_name_server(struct fixture *f)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	f->socket = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert(bind(f->socket, (struct sockaddr *)&at, sizeof(at)) == 0);
	ck_assert(getsockname(f->socket, (struct sockaddr *)&at, &len) == 0);
	f->port = ntohs(at.sin_port);
}

static inline void run_resolver(const struct fixture *f)
{
	struct config_endpoint server = {.port = f->port};
	struct config_endpoints servers = {&server, 1};
	ipaddr_parse(SPAN("127.0.0.1"), &server.ip);
	struct dns_settings dns = {.servers = &servers, .dnssec = CONFIG_NO};
	struct resolver *r = resolver_new(&dns, NULL, 3000);
	int status = resolver_run(r, f->control[1], f->names[0]);
	resolver_free(r);
	_exit(status);
}

static inline void attach(struct fixture *f)
{
	struct wire_attach wire = {.kind = CHILD_LINK_RESOLVER, .serial = 5};
	struct str packet;
	str_init(&packet, 100);
	ck_assert_int_eq(ipc_pair(f->link, 100000), 0);
	ck_assert(wire_encode_attach(&wire, &packet));
	ck_assert_int_eq(ipc_send(f->control[0], str_span(&packet), &f->link[1], 1), 0);
	close(f->link[1]);
	str_free(&packet);
}

static inline void set_up(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	open_name_server(f);
	ck_assert_int_eq(ipc_pair(f->control, 100000), 0);
	ck_assert_int_eq(ipc_pair(f->names, 100000), 0);
	f->resolver = fork();
	if (f->resolver == 0) {
		close(f->control[0]);
		run_resolver(f);
	}
	close(f->control[1]);
	/* After the fork: a thread may hold a lock of malloc that its copy could never release. */
	ck_assert(pthread_create(&f->thread, NULL, name_server, &f->socket) == 0);
	attach(f);
}

static inline void tear_down(struct fixture *f)
{
	int status;
	close(f->control[0]); /* master has ended, so the resolver ends */
	ck_assert_int_eq(waitpid(f->resolver, &status, 0), f->resolver);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(f->link[0]);
	close(f->names[0]);
	close(f->names[1]);
	shutdown(f->socket, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->socket);
}

/* The queue asks for NAME. */
static inline void ask(struct fixture *f, uint32_t serial, const char *name, bool mx)
{
	struct wire_resolve wire = {.serial = serial, .name = span_of(name), .port = 2525, .mx = mx};
	struct str packet;
	str_init(&packet, 1000);
	ck_assert(wire_encode_resolve(&wire, &packet));
	ck_assert_int_eq(ipc_send(f->link[0], str_span(&packet), NULL, 0), 0);
	str_free(&packet);
}

/* The next answer to the queue; its texts are in the fixture. */
static inline struct wire_resolved answer(struct fixture *f)
{
	struct wire_resolved wire;
	struct pollfd pfd = {.fd = f->link[0], .events = POLLIN};
	ck_assert_int_eq(poll(&pfd, 1, 20000), 1);
	ck_assert_int_eq(ipc_receive(f->link[0], f->buffer, sizeof(f->buffer), 0, &f->packet), 0);
	ck_assert(wire_decode_resolved(f->packet.text, &wire));
	return wire;
}

#endif
