/* What a load balancer is told that asks whether the server is well. */
#include "smtpd/health.h"

#include <check.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

enum { REPLIES_MAX = 2000 };

static struct config config;
static int space_error; /* of the spool; 0 = there is room */
static int64_t floor_asked;
static int queue[2]; /* the end of smtpd, and that of the queue */
static int ends[2];  /* the end of smtpd, and that of the load balancer */
static struct serve_stop stop;
static char replies[REPLIES_MAX];

static int space(void *context, int64_t floor, uint64_t size)
{
	(void)context;
	(void)size;
	floor_asked = floor;
	return space_error;
}

static const struct store spool = {.space = space};

static void setup(void)
{
	space_error = 0;
	stop = (struct serve_stop){.waiting_fd = -1};
	memory_config("listen 127.0.0.1:2525 proxy\n proxy_list 10.0.0.2\n free_space_floor 7M", &config);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, queue), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
}

static void teardown(void)
{
	fd_close(&queue[0]);
	fd_close(&queue[1]);
	fd_close(&ends[1]);
	config_free(&config);
}

/* The whole dialogue with a load balancer that has sent COMMANDS. */
static const char *told(const char *commands)
{
	const struct serve_tls tls = {0};
	const struct config_server *server = &config.servers[0];
	size_t have = 0;
	ssize_t n;
	ck_assert_int_eq(send(ends[1], commands, strlen(commands), 0), (ssize_t)strlen(commands));
	shutdown(ends[1], SHUT_WR);
	health_serve(ends[0], &tls, server, health_trouble(server, &spool, queue[0]), &stop);
	while (have < REPLIES_MAX - 1 && (n = read(ends[1], replies + have, REPLIES_MAX - 1 - have)) > 0)
		have += (size_t)n;
	replies[have] = '\0';
	ck_assert_int_eq(stop.waiting_fd, -1);
	return replies;
}

static void fill_queue(void)
{
	char packet[1024] = "";
	while (send(queue[0], packet, sizeof(packet), MSG_DONTWAIT) > 0)
		;
	ck_assert_int_eq(errno, EAGAIN);
}

START_TEST(well)
{
	ck_assert_str_eq(
		told("EHLO lb\r\nNOOP\r\nRSET\r\nquit\r\n"),
		"220 mail.example.com ready, for checks of a load balancer\r\n"
		"250 mail.example.com\r\n250 2.0.0 OK\r\n250 2.0.0 OK\r\n221 2.0.0 mail.example.com Service closing transmission channel\r\n");
	ck_assert_int_eq(floor_asked, 7 << 20);
}
END_TEST

/* The greeting alone, which is all that some load balancers look at. */
START_TEST(no_command)
{
	ck_assert_str_eq(told(""), "220 mail.example.com ready, for checks of a load balancer\r\n");
}
END_TEST

START_TEST(disk_low)
{
	space_error = -ENOSPC;
	ck_assert_str_eq(told("EHLO lb\r\n"),
			 "421 4.3.2 mail.example.com The spool has no room or can't be written\r\n");
}
END_TEST

START_TEST(disk_read_only)
{
	space_error = -EROFS;
	ck_assert_str_eq(told("EHLO lb\r\n"),
			 "421 4.3.2 mail.example.com The spool has no room or can't be written\r\n");
}
END_TEST

START_TEST(queue_full)
{
	fill_queue();
	ck_assert_str_eq(told("EHLO lb\r\n"), "421 4.3.2 mail.example.com The queue does not answer\r\n");
}
END_TEST

START_TEST(queue_goes_on)
{
	char packet[1024];
	fill_queue();
	while (recv(queue[1], packet, sizeof(packet), MSG_DONTWAIT) > 0)
		;
	ck_assert_int_eq(strncmp(told("QUIT\r\n"), "220 ", 4), 0);
}
END_TEST

START_TEST(queue_gone)
{
	fd_close(&queue[1]);
	ck_assert_str_eq(told("EHLO lb\r\n"), "421 4.3.2 mail.example.com The queue does not answer\r\n");
}
END_TEST

/* While the server is paused, no worker takes a connection, and the parent refuses each without its header. */
START_TEST(paused)
{
	const struct serve_tls tls = {0};
	serve_refusal(ends[0], &tls, &config.servers[0], REPLY_STOPPING, (struct span){0});
	ssize_t n = read(ends[1], replies, REPLIES_MAX - 1);
	ck_assert_int_gt(n, 0);
	replies[n] = '\0';
	ck_assert_str_eq(replies, "421 4.3.2 mail.example.com Service not available, closing transmission channel\r\n");
}
END_TEST

START_TEST(stopped_meanwhile)
{
	stop.stop = 1;
	ck_assert_str_eq(told("EHLO lb\r\nQUIT\r\n"), "220 mail.example.com ready, for checks of a load balancer\r\n");
}
END_TEST

START_TEST(no_mail)
{
	ck_assert_ptr_nonnull(
		strstr(told("EHLO lb\r\nMAIL FROM:<>\r\nQUIT\r\n"), "\r\n503 5.5.1 The load balancer sent"));
}
END_TEST

START_TEST(no_end)
{
	unsigned answers = 0;
	told("NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n");
	for (const char *at = replies; (at = strstr(at, "250 ")); at++)
		answers++;
	ck_assert_uint_eq(answers, 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_health");
	TCase *tc = tcase_create("told");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, well);
	tcase_add_test(tc, no_command);
	tcase_add_test(tc, disk_low);
	tcase_add_test(tc, disk_read_only);
	tcase_add_test(tc, queue_full);
	tcase_add_test(tc, queue_goes_on);
	tcase_add_test(tc, queue_gone);
	tcase_add_test(tc, paused);
	tcase_add_test(tc, stopped_meanwhile);
	tcase_add_test(tc, no_mail);
	tcase_add_test(tc, no_end);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
