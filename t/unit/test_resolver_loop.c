/* The resolver as a process, against a name server on loopback that answers from a table. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ipc/ipc.h"
#include "common/process/child.h"
#include "delivery/resolver/resolver.h"
#include "t/unit/suite.h"
#include "t/unit/wire_sample.h"

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
	{"5.0.0.127.mute.test", 0, SILENT, NULL, 0},
	{"dead.test", MX, 0, "\x00\x0a\x04gone\x04test", 13},
};

/* Converts the name in a query to text. Returns its octets. */
static size_t read_name(const unsigned char *from, char *to)
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

static size_t put(unsigned char *packet, size_t at, const struct answer *a)
{
	unsigned char fixed[] = {0xc0, 12, 0, (unsigned char)a->type, 0, 1, 0, 0, 0, 60, 0, (unsigned char)a->len};
	memcpy(packet + at, fixed, sizeof(fixed));
	memcpy(packet + at + sizeof(fixed), a->rdata, a->len);
	packet[7]++;
	return at + sizeof(fixed) + a->len;
}

/* Makes the answer in place of the query. Returns its length; 0 = none is sent. */
static size_t make_answer(unsigned char *packet)
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

static void *name_server(void *data)
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

static void open_name_server(struct fixture *f)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	f->socket = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert(bind(f->socket, (struct sockaddr *)&at, sizeof(at)) == 0);
	ck_assert(getsockname(f->socket, (struct sockaddr *)&at, &len) == 0);
	f->port = ntohs(at.sin_port);
}

static void run_resolver(const struct fixture *f)
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

static void attach(struct fixture *f)
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

static void set_up(struct fixture *f)
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

static void tear_down(struct fixture *f)
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

static void ask(struct fixture *f, uint32_t serial, const char *name, bool mx)
{
	struct wire_resolve wire = {.serial = serial, .name = span_of(name), .port = 2525, .mx = mx};
	struct str packet;
	str_init(&packet, 1000);
	ck_assert(wire_encode_resolve(&wire, &packet));
	ck_assert_int_eq(ipc_send(f->link[0], str_span(&packet), NULL, 0), 0);
	str_free(&packet);
}

static struct wire_resolved answer(struct fixture *f)
{
	struct wire_resolved wire;
	struct pollfd pfd = {.fd = f->link[0], .events = POLLIN};
	ck_assert_int_eq(poll(&pfd, 1, 20000), 1);
	ck_assert_int_eq(ipc_receive(f->link[0], f->buffer, sizeof(f->buffer), 0, &f->packet), 0);
	ck_assert(wire_decode_resolved(f->packet.text, &wire));
	return wire;
}

static const struct {
	const char *name;
	bool mx;
	unsigned event;
	const char *enhanced;
	const char *hosts;
} cases[] = {
	{"mail.test", true, 0, "",
	 "mx1.mail.test 127.0.0.1 2525\nmx2.mail.test 127.0.0.2 2525\nmx2.mail.test ::1 2525\n"},
	{"MAIL.test", true, 0, "",
	 "mx1.mail.test 127.0.0.1 2525\nmx2.mail.test 127.0.0.2 2525\nmx2.mail.test ::1 2525\n"},
	{"mail.test", false, 2, "5.4.4", ""},
	{"plain.test", true, 0, "", "plain.test 127.0.0.3 2525\n"},
	{"plain.test", false, 0, "", "plain.test 127.0.0.3 2525\n"},
	{"alias.test", false, 0, "", "alias.test 127.0.0.3 2525\n"},
	{"null.test", true, 2, "5.1.10", ""},
	{"gone.test", true, 2, "5.1.2", ""},
	{"gone.test", false, 2, "5.1.2", ""},
	{"dead.test", true, 2, "5.4.4", ""},
	{"broken.test", true, 1, "4.4.3", ""},
	{"broken.test", false, 1, "4.4.3", ""},
	{"silent.test", true, 1, "4.4.3", ""},
	{"half.test", true, 1, "4.4.3", ""},
	{"nothing.test", true, 2, "5.4.4", ""},
	{"not a name", true, 2, "5.1.2", ""},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

/* All at once: a silent server delays no other query, and answers have their serial. The case of a name is that of
 * the first query. */
START_TEST(answers)
{
	struct fixture f;
	bool seen[CASES] = {false};
	set_up(&f);
	for (uint32_t i = 0; i < CASES; i++)
		ask(&f, i, cases[i].name, cases[i].mx);
	for (size_t n = 0; n < CASES; n++) {
		struct wire_resolved r = answer(&f);
		size_t i = (size_t)r.serial;
		ck_assert(i < CASES && !seen[i]);
		seen[i] = true;
		ck_assert_msg(r.event == cases[i].event && span_equal(r.enhanced, span_of(cases[i].enhanced)) &&
				      span_equal_nocase(r.hosts, span_of(cases[i].hosts)),
			      "%s: %u %.*s %.*s %.*s", cases[i].name, (unsigned)r.event, SPAN_ARGS(r.enhanced),
			      SPAN_ARGS(r.text), SPAN_ARGS(r.hosts));
		ck_assert_uint_le(r.ttl_s, 86400);
	}
	tear_down(&f);
}
END_TEST

/* The queue restarts: its old questions are forgotten, the new link works. */
START_TEST(new_link)
{
	struct fixture f;
	set_up(&f);
	ask(&f, 1, "silent.test", true);
	close(f.link[0]);
	attach(&f);
	ask(&f, 2, "plain.test", true);
	struct wire_resolved r = answer(&f);
	ck_assert(r.serial == 2 && r.event == 0);
	tear_down(&f);
}
END_TEST

/* A malformed request ends the link, not the process. */
START_TEST(hostile_link)
{
	struct fixture f;
	set_up(&f);
	ck_assert_int_eq(ipc_send(f.link[0], SPAN("\x01junk"), NULL, 0), 0);
	ck_assert_int_eq(ipc_receive(f.link[0], f.buffer, sizeof(f.buffer), 0, &f.packet), 0);
	ck_assert(f.packet.eof);
	close(f.link[0]);
	attach(&f);
	ask(&f, 3, "plain.test", false);
	ck_assert_uint_eq(answer(&f).serial, 3);
	tear_down(&f);
}
END_TEST

/* A packet for another reader ends the link to the queue; on the link of names it is ignored. */
START_TEST(packets_for_others)
{
	struct fixture f;
	struct str packet;
	set_up(&f);
	str_init(&packet, 1000);
	WIRE_EACH_FOREIGN(type, WIRE_LINK_resolver, WIRE_DOWN)
	{
		wire_sample(type, &packet);
		ck_assert_int_eq(ipc_send(f.link[0], str_span(&packet), NULL, 0), 0);
		ck_assert_int_eq(ipc_receive(f.link[0], f.buffer, sizeof(f.buffer), 0, &f.packet), 0);
		ck_assert_msg(f.packet.eof, "%s", wire_type_name(type));
		close(f.link[0]);
		attach(&f);
	}
	WIRE_EACH_FOREIGN(type, WIRE_LINK_names, WIRE_UP)
	{
		int ends[2];
		ck_assert_int_eq(ipc_pair(ends, 10000), 0);
		wire_sample(type, &packet);
		ck_assert_int_eq(ipc_send(f.names[1], str_span(&packet), &ends[1], 1), 0);
		close(ends[1]);
		ck_assert_int_eq(ipc_receive(ends[0], f.buffer, sizeof(f.buffer), 0, &f.packet), 0);
		ck_assert_msg(f.packet.eof, "%s", wire_type_name(type));
		close(ends[0]);
	}
	str_free(&packet);
	ask(&f, 3, "plain.test", false);
	ck_assert_uint_eq(answer(&f).serial, 3);
	tear_down(&f);
}
END_TEST

/* Asks for addresses on the link of names, as mailroot-web does; our end of the socket for the answer. */
static int ask_addresses(struct fixture *f, const char *name)
{
	struct wire_resolve wire = {.serial = 9, .name = span_of(name), .port = 443, .mx = true};
	struct str packet;
	int ends[2];
	str_init(&packet, 1000);
	ck_assert_int_eq(ipc_pair(ends, 50000), 0);
	ck_assert(wire_encode_resolve(&wire, &packet));
	ck_assert_int_eq(ipc_send(f->names[1], str_span(&packet), &ends[1], 1), 0);
	close(ends[1]);
	str_free(&packet);
	return ends[0];
}

/* An issuer of tokens has no MX: that of its name does not count. The queue's link may come and go. */
START_TEST(addresses_for_the_web)
{
	struct fixture f;
	struct wire_resolved r;
	static const char *const hosts[] = {"plain.test 127.0.0.3 443\n", ""};
	set_up(&f);
	int fds[] = {ask_addresses(&f, "plain.test"), ask_addresses(&f, "mail.test")};
	int silent = ask_addresses(&f, "silent.test");
	close(f.link[0]);
	attach(&f);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(ipc_receive(fds[i], f.buffer, sizeof(f.buffer), 0, &f.packet), 0);
		ck_assert(wire_decode_resolved(f.packet.text, &r) && r.serial == 9);
		ck_assert(span_equal_nocase(r.hosts, span_of(hosts[i])));
		ck_assert_uint_eq(r.event, i ? 2 : 0);
		close(fds[i]);
	}
	ck_assert_int_eq(ipc_receive(silent, f.buffer, sizeof(f.buffer), 0, &f.packet), 0);
	ck_assert(wire_decode_resolved(f.packet.text, &r) && r.event == 1);
	close(silent);
	tear_down(&f);
}
END_TEST

/* More look-ups than it holds at once: each has an answer. */
START_TEST(flood)
{
	enum { MANY = 1500 };
	struct fixture f;
	unsigned refused = 0;
	set_up(&f);
	for (uint32_t i = 0; i < MANY; i += 100) {
		for (uint32_t n = i; n < i + 100; n++)
			ask(&f, n, "silent.test", true);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		struct wire_resolved r = answer(&f);
		ck_assert_uint_eq(r.event, 1);
		refused += memmem(r.text.at, r.text.len, "too many", 8) != NULL;
	}
	ck_assert_uint_ge(refused, 1);
	tear_down(&f);
}
END_TEST

/* Asks for the name of ADDRESS; the socket on which the answer comes. */
static int ask_name(struct fixture *f, const char *address)
{
	struct wire_name_of wire = {span_of(address)};
	struct str packet;
	int ends[2];
	str_init(&packet, 100);
	ck_assert_int_eq(ipc_pair(ends, 10000), 0);
	ck_assert(wire_encode_name_of(&wire, &packet));
	ck_assert_int_eq(ipc_send(f->names[1], str_span(&packet), &ends[1], 1), 0);
	str_free(&packet);
	close(ends[1]);
	return ends[0];
}

static struct wire_named named(struct fixture *f, int fd)
{
	struct wire_named wire;
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(poll(&pfd, 1, 20000), 1);
	ck_assert_int_eq(ipc_receive(fd, f->buffer, sizeof(f->buffer), 0, &f->packet), 0);
	ck_assert(wire_decode_named(f->packet.text, &wire));
	close(fd);
	return wire;
}

START_TEST(names_of_clients)
{
	static const struct {
		const char *address, *name, *why;
	} clients[] = {
		{"127.0.0.3", "plain.test", ""},
		{"::ffff:127.0.0.3", "plain.test", ""},
		{"127.0.0.17", "", "plain.test does not resolve to the address"},
		{"10.0.1.1", "lan-1.test", ""}, /* private addresses are looked up too */
		{"127.0.0.1", "localhost", ""},
		{"127.0.0.18", "", "the address has no name in DNS"},
		{"127.0.0.66", "", "DNS gave no answer in time"},
	};
	struct fixture f;
	set_up(&f);
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		struct wire_named n = named(&f, ask_name(&f, clients[i].address));
		ck_assert_msg(span_equal(n.name, span_of(clients[i].name)) &&
				      span_equal(n.why, span_of(clients[i].why)),
			      "%s: %.*s %.*s", clients[i].address, SPAN_ARGS(n.name), SPAN_ARGS(n.why));
	}
	tear_down(&f);
}
END_TEST

/* Whatever a worker sends, the next question is answered, and the link of the queue is not affected. */
START_TEST(hostile_worker)
{
	struct fixture f;
	int pipes[2];
	set_up(&f);
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(ipc_send(f.names[1], SPAN("\x01junk"), NULL, 0), 0);
	ck_assert_int_eq(ipc_send(f.names[1], SPAN("\x01junk"), pipes, 2), 0);
	struct wire_name_of wire = {SPAN("127.0.0.3")};
	struct str packet;
	str_init(&packet, 100);
	ck_assert(wire_encode_name_of(&wire, &packet));
	ck_assert_int_eq(ipc_send(f.names[1], str_span(&packet), NULL, 0), 0);
	ck_assert_int_eq(ipc_send(f.names[1], str_span(&packet), &pipes[1], 1), 0);
	ck_assert_int_eq(ipc_send(f.names[1], str_span(&packet), &f.names[1], 1), 0);
	str_clear(&packet);
	wire.address = SPAN("no address");
	ck_assert(wire_encode_name_of(&wire, &packet));
	ck_assert_int_eq(ipc_send(f.names[1], str_span(&packet), pipes, 1), 0);
	str_free(&packet);
	close(ask_name(&f, "127.0.0.3")); /* the worker ends */
	ask(&f, 7, "plain.test", false);
	ck_assert_uint_eq(answer(&f).serial, 7);
	close(pipes[0]);
	close(pipes[1]);
	ck_assert(span_equal(named(&f, ask_name(&f, "10.0.1.1")).name, SPAN("lan-1.test")));
	tear_down(&f);
}
END_TEST

static int ask_lists(struct fixture *f, const char *address, const char *zones, bool text)
{
	struct wire_listed_of wire = {span_of(address), span_of(zones), text};
	struct str packet;
	int ends[2];
	str_init(&packet, 10000);
	ck_assert_int_eq(ipc_pair(ends, 10000), 0);
	ck_assert(wire_encode_listed_of(&wire, &packet));
	ck_assert_int_eq(ipc_send(f->names[1], str_span(&packet), &ends[1], 1), 0);
	str_free(&packet);
	close(ends[1]);
	return ends[0];
}

/* The answers; NULL = the resolver has closed the socket. */
static const char *listed(struct fixture *f, int fd)
{
	static char text[1000];
	struct wire_listed wire;
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(poll(&pfd, 1, 20000), 1);
	ck_assert_int_eq(ipc_receive(fd, f->buffer, sizeof(f->buffer), 0, &f->packet), 0);
	close(fd);
	if (f->packet.eof)
		return NULL;
	ck_assert(wire_decode_listed(f->packet.text, &wire));
	ck_assert(span_copy(wire.answers, text, sizeof(text)));
	return text;
}

START_TEST(lists_of_clients)
{
	struct fixture f;
	set_up(&f);
	ck_assert_str_eq(listed(&f, ask_lists(&f, "127.0.0.5", "bl.test", false)), "127.0.0.2");
	ck_assert_str_eq(listed(&f, ask_lists(&f, "127.0.0.5", "other.test bl.test bl.test", false)),
			 "- 127.0.0.2 127.0.0.2");
	ck_assert_str_eq(listed(&f, ask_lists(&f, "127.0.0.6", "bl.test", false)), "-");
	ck_assert_str_eq(listed(&f, ask_lists(&f, "2001:db8::5", "bl.test", false)), "-");
	ck_assert_str_eq(listed(&f, ask_lists(&f, "127.0.0.5", "bl.test", true)), "see why");
	ck_assert_str_eq(listed(&f, ask_lists(&f, "127.0.0.6", "bl.test", true)), "");
	/* While a list is silent, names and hosts are looked up. */
	int slow = ask_lists(&f, "127.0.0.5", "mute.test bl.test", false);
	ck_assert(span_equal(named(&f, ask_name(&f, "10.0.1.1")).name, SPAN("lan-1.test")));
	ask(&f, 7, "plain.test", false);
	ck_assert_uint_eq(answer(&f).serial, 7);
	struct pollfd pfd = {.fd = slow, .events = POLLIN};
	ck_assert_int_eq(poll(&pfd, 1, 0), 0);
	ck_assert_str_eq(listed(&f, slow), "? 127.0.0.2");
	tear_down(&f);
}
END_TEST

START_TEST(hostile_questions_about_lists)
{
	static const char *const zones[] = {"", " ", "a..test", "bl.test  bl.test", "bl.test\nx", "bl\"test"};
	struct fixture f;
	char many[33 * 2 + 1], long_zone[201];
	set_up(&f);
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		ck_assert_msg(!listed(&f, ask_lists(&f, "127.0.0.5", zones[i], false)), "\"%s\"", zones[i]);
	for (size_t i = 0; i < 33; i++)
		memcpy(many + 2 * i, "a ", 3);
	many[sizeof(many) - 2] = '\0';
	ck_assert_ptr_null(listed(&f, ask_lists(&f, "127.0.0.5", many, false)));
	many[sizeof(many) - 4] = '\0';
	ck_assert_ptr_nonnull(listed(&f, ask_lists(&f, "127.0.0.5", many, false)));
	for (size_t i = 0; i < sizeof(long_zone); i++)
		long_zone[i] = i % 10 == 9 ? '.' : 'a';
	long_zone[sizeof(long_zone) - 2] = 'a';
	long_zone[sizeof(long_zone) - 1] = '\0';
	ck_assert_ptr_null(listed(&f, ask_lists(&f, "127.0.0.5", long_zone, false)));
	ck_assert_ptr_null(listed(&f, ask_lists(&f, "no address", "bl.test", false)));
	int old = ask_lists(&f, "127.0.0.5", "mute.test", false);
	ck_assert_str_eq(listed(&f, ask_lists(&f, "127.0.0.5", "bl.test", false)), "127.0.0.2");
	ck_assert_ptr_null(listed(&f, old));
	tear_down(&f);
}
END_TEST

/* A process has one question at a time, the newest, so it can't displace those of others. */
START_TEST(one_at_a_time)
{
	struct fixture f;
	set_up(&f);
	int first = ask_name(&f, "127.0.0.66");
	ck_assert(span_equal(named(&f, ask_name(&f, "127.0.0.3")).name, SPAN("plain.test")));
	ck_assert_int_eq(ipc_receive(first, f.buffer, sizeof(f.buffer), 0, &f.packet), 0);
	ck_assert(f.packet.eof);
	close(first);
	tear_down(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resolver");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, answers);
	tcase_add_test(all, new_link);
	tcase_add_test(all, hostile_link);
	tcase_add_test(all, packets_for_others);
	tcase_add_test(all, addresses_for_the_web);
	tcase_add_test(all, flood);
	tcase_add_test(all, names_of_clients);
	tcase_add_test(all, hostile_worker);
	tcase_add_test(all, lists_of_clients);
	tcase_add_test(all, hostile_questions_about_lists);
	tcase_add_test(all, one_at_a_time);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
