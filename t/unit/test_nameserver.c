/* Name servers that answer, refuse, are silent or do not exist. */
#include "common/net/nameserver.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "t/unit/suite.h"

enum { GOOD = 0, NXDOMAIN = 3, REFUSED = 5, SILENT = -1, SECOND_ONLY = -2, FORGED = -3, AUTHORITY = -4 };

/* One server on loopback; it ends at a packet of one octet. */
struct peer {
	int fd, kind, questions;
	uint16_t port;
	pthread_t thread;
};

static void answer(struct peer *p, unsigned char *packet, size_t len, const struct sockaddr_in *to)
{
	p->questions++;
	if (p->kind == SILENT || (p->kind == SECOND_ONLY && p->questions == 1))
		return;
	packet[2] |= 0x80;
	packet[3] = p->kind == AUTHORITY ? 0 : p->kind > 0 ? 0x80 | (unsigned char)p->kind : 0x80;
	if (p->kind == FORGED)
		packet[1] ^= 1;
	sendto(p->fd, packet, len, 0, (const struct sockaddr *)to, sizeof(*to));
}

static void *serve(void *data)
{
	struct peer *p = data;
	unsigned char packet[512];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n;
	while ((n = recvfrom(p->fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &len)) > 1)
		answer(p, packet, (size_t)n, &from);
	return NULL;
}

static void open_peer(struct peer *p, int kind)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	*p = (struct peer){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), .kind = kind};
	ck_assert_int_eq(bind(p->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(getsockname(p->fd, (struct sockaddr *)&at, &len), 0);
	p->port = ntohs(at.sin_port);
	ck_assert_int_eq(pthread_create(&p->thread, NULL, serve, p), 0);
}

static void close_peer(struct peer *p)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(p->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	sendto(p->fd, "", 1, 0, (struct sockaddr *)&at, sizeof(at));
	pthread_join(p->thread, NULL);
	close(p->fd);
}

static const struct ipaddr loopback = {{[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};

START_TEST(each_kind)
{
	static const struct {
		int kind;
		enum nameserver_state state;
		const char *words;
	} cases[] = {
		{GOOD, NAMESERVER_GOOD, NULL},
		{NXDOMAIN, NAMESERVER_GOOD, NULL},
		{SECOND_ONLY, NAMESERVER_GOOD, NULL},
		{REFUSED, NAMESERVER_REFUSES, "refuses to look up names"},
		{AUTHORITY, NAMESERVER_REFUSES, "refuses to look up names"},
		{SILENT, NAMESERVER_SILENT, "does not answer"},
		{FORGED, NAMESERVER_SILENT, "does not answer"},
	};
	enum { COUNT = sizeof(cases) / sizeof(cases[0]) };
	struct peer peers[COUNT];
	struct config_endpoint written[COUNT + 1] = {{.ip = loopback, .port = 1}};
	char text[NAMESERVER_TEXT_MAX];
	struct nameservers all;
	for (size_t i = 0; i < COUNT; i++) {
		open_peer(&peers[i], cases[i].kind);
		written[i + 1] = (struct config_endpoint){.ip = loopback, .port = peers[i].port};
	}
	nameservers_written(&(struct config_endpoints){written, COUNT + 1}, &all);
	int64_t begin = clock_mono_ms();
	nameservers_ask_and_wait(&all);
	ck_assert_int_ge(clock_mono_ms() - begin, NAMESERVER_TRIES * NAMESERVER_TRY_MS);
	ck_assert_uint_eq(all.n, COUNT + 1);
	ck_assert_int_eq(all.at[0].state, NAMESERVER_AWAY);
	ck_assert(nameserver_trouble(&all.at[0], text));
	ck_assert_str_eq(text, "name server 127.0.0.1:1 can't be reached: Connection refused");
	for (size_t i = 0; i < COUNT; i++) {
		ck_assert_int_eq(all.at[i + 1].state, cases[i].state);
		ck_assert_int_eq(nameserver_trouble(&all.at[i + 1], text), cases[i].words != NULL);
		ck_assert_msg(!cases[i].words || strstr(text, cases[i].words), "%s", text);
		close_peer(&peers[i]);
	}
	nameservers_close(&all);
}
END_TEST

START_TEST(without_servers_nothing_waits)
{
	struct nameservers none;
	struct pollfd fds[NAMESERVERS_MAX];
	nameservers_written(&(struct config_endpoints){NULL, 0}, &none);
	nameservers_ask_and_wait(&none);
	ck_assert_uint_eq(nameservers_poll(&none, fds), 0);
	ck_assert_int_eq(nameservers_until(&none, 0), -1);
}
END_TEST

START_TEST(what_is_an_answer)
{
	unsigned char packet[NAMESERVER_QUESTION];
	nameserver_question(0x1234, packet);
	struct span all = {(const char *)packet, sizeof(packet)};
	ck_assert_int_eq(nameserver_judge(all, 0x1234), NAMESERVER_UNKNOWN);
	packet[2] |= 0x80;
	ck_assert_int_eq(nameserver_judge(all, 0x1234), NAMESERVER_REFUSES);
	packet[3] = 0x80;
	ck_assert_int_eq(nameserver_judge(all, 0x1234), NAMESERVER_GOOD);
	ck_assert_int_eq(nameserver_judge(all, 0x1235), NAMESERVER_UNKNOWN);
	ck_assert_int_eq(nameserver_judge(all, 0x0034), NAMESERVER_UNKNOWN);
	packet[3] = 0x80 | 5;
	ck_assert_int_eq(nameserver_judge(all, 0x1234), NAMESERVER_REFUSES);
	ck_assert_int_eq(nameserver_judge((struct span){(const char *)packet, 12}, 0x1234), NAMESERVER_REFUSES);
	ck_assert_int_eq(nameserver_judge((struct span){(const char *)packet, 11}, 0x1234), NAMESERVER_UNKNOWN);
	ck_assert_int_eq(nameserver_judge((struct span){0}, 0), NAMESERVER_UNKNOWN);
}
END_TEST

START_TEST(more_servers_than_are_used)
{
	struct nameservers servers;
	nameservers_resolvconf(
		SPAN("nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n"
		     "nameserver 10.0.0.5\nnameserver 10.0.0.6\nnameserver 10.0.0.7\nnameserver 10.0.0.8\n"
		     "nameserver 10.0.0.9"),
		&servers);
	ck_assert_uint_eq(servers.n, NAMESERVERS_MAX);
	ck_assert_uint_eq(servers.at[7].ip.octets[15], 8);
	ck_assert_uint_eq(servers.at[7].port, 53);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nameserver");
	TCase *all = tcase_create("nameserver");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, each_kind);
	tcase_add_test(all, without_servers_nothing_waits);
	tcase_add_test(all, what_is_an_answer);
	tcase_add_test(all, more_servers_than_are_used);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
