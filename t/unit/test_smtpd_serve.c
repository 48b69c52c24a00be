/* One real connection: a socket, the spool on disk, the arrivals link, time-outs, a stop, a newer policy. */
#include "smtpd/serve.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log_level.h"
#include "common/ipc/ipc.h"
#include "smtpd/accept/store_spool.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

static char folder[] = "/tmp/test_smtpd_serve.XXXXXX";
static struct config config;
static struct spool spool;
static struct store_spool spool_store;
static struct store store;
static struct live live;
static struct serve_stop stop;
static int arrivals[2], ends[2];
static pthread_t server;
static struct str heard;
static _Atomic bool stress;
static int stop_at_start; /* the order to stop comes before the session */
static int records[2];
static struct record_writer writer;
static struct record_writer *recorded; /* NULL = no transaction log */

#if !defined(__SANITIZE_ADDRESS__)

/* The number of allocations of this thread until one fails; 0 = none fails. */
static _Thread_local unsigned left;
static unsigned fail_at; /* of the serving thread */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

static bool fails(void)
{
	if (left == 0 || --left > 0)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}
#define SERVE_WITH_FAILURE (left = fail_at)
#else
#define SERVE_WITH_FAILURE 0
#endif

static bool let_wait(void *context)
{
	(void)context;
	return true;
}

static void *run(void *unused)
{
	struct ipaddr client = memory_address("127.0.0.1");
	const struct serve_services services = {.store = &store, .pause = let_wait, .stress = &stress};
	(void)SERVE_WITH_FAILURE;
	serve(ends[1], &client, &(struct serve_tls){0}, &live, &services, &stop,
	      &(struct serve_watch){.records = recorded});
	return unused;
}

static void start(const char *lines)
{
	strcpy(folder + sizeof(folder) - sizeof("XXXXXX"), "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	memory_config(lines, &config);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(spool_probe(fd, &spool), 0);
	ck_assert_int_eq(ipc_pair(arrivals, 64 * 1024), 0);
	store_spool_init(&spool_store, &spool, NULL, arrivals[0]);
	store = store_spool_ops(&spool_store);
	live = (struct live){.snapshot = live.snapshot, .server = &config.servers[0]};
	stop = (struct serve_stop){.stop = stop_at_start, .waiting_fd = -1};
	str_init(&heard, 1 << 20);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(pthread_create(&server, NULL, run, NULL), 0);
}

/* All text up to the end of the connection. */
static void hear_all(void)
{
	shutdown(ends[0], SHUT_WR);
	ck_assert_int_eq(fd_read_all(ends[0], &heard), 0);
}

static unsigned files(bool remove)
{
	unsigned n = 0;
	DIR *dir = opendir(folder);
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.' && strlen(entry->d_name) <= 2)
			continue;
		n++;
		if (remove)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
	return n;
}

static void finish(void)
{
	fd_close(&ends[0]);
	if (server)
		pthread_join(server, NULL);
	server = 0;
	fd_close(&arrivals[0]);
	fd_close(&arrivals[1]);
	store_spool_free(&spool_store);
	fd_close(&spool.new_fd);
	files(true);
	rmdir(folder);
	config_free(&config);
	str_free(&heard);
}

static void say(const char *text)
{
	ck_assert_int_eq(fd_write_all(ends[0], span_of(text)), 0);
}

/* Reads until TEXT has come. */
static void hear(const char *text)
{
	char octet;
	while (!strstr(str_text(&heard), text)) {
		ck_assert_msg(read(ends[0], &octet, 1) == 1, "not heard: %s\n%s", text, str_text(&heard));
		str_append_c(&heard, octet);
	}
}

static const char envelope[] = "EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\n";

START_TEST(test_message)
{
	char buffer[4096];
	struct ipc_packet packet;
	struct wire_arrived arrived;
	start("free_space_floor 1K");
	say(envelope);
	say("DATA\r\nSubject: x\r\n\r\n\xe4\r\n.\r\nQUIT\r\n");
	hear_all();
	ck_assert_ptr_nonnull(strstr(str_text(&heard), "250 2.6.0 <"));
	ck_assert_ptr_nonnull(strstr(str_text(&heard), "221 2.0.0 "));
	ck_assert_int_eq(ipc_receive(arrivals[1], buffer, sizeof(buffer), MSG_DONTWAIT, &packet), 0);
	ck_assert(wire_decode_arrived(packet.text, &arrived));
	struct msgname name;
	ck_assert(msgname_parse(arrived.name, &name));
	ck_assert(name.eight_bit);
	ck_assert_ptr_nonnull(strstr(str_text(&heard), name.id));
	int fd = openat(spool.new_fd, strndupa(arrived.name.at, arrived.name.len), O_RDWR);
	struct stat st;
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_size, name.size);
	ck_assert_int_eq(spool_lock(fd), 0);
	close(fd);
	ck_assert_uint_eq(files(false), 1);
	finish();
}
END_TEST

/* The queue can't be notified: the message is not acknowledged, and nothing of it stays. */
START_TEST(test_no_queue)
{
	start("");
	fd_close(&arrivals[1]);
	say(envelope);
	say("DATA\r\n.\r\nQUIT\r\n");
	hear_all();
	ck_assert_ptr_nonnull(strstr(str_text(&heard), "451 4.3.0 "));
	ck_assert_ptr_null(strstr(str_text(&heard), "250 2.6.0 "));
	ck_assert_uint_eq(files(false), 0);
	finish();
}
END_TEST

START_TEST(test_no_space)
{
	start("free_space_floor 8000000G");
	say(envelope);
	hear_all();
	ck_assert_ptr_nonnull(strstr(str_text(&heard), "452 4.3.1 "));
	finish();
}
END_TEST

/* The connection ends after each octet of a message in turn: the message is stored only after the last octet. */
START_TEST(test_cut)
{
	static const char text[] = "DATA\r\nSubject: x\r\n\r\n..\r\n.\r\n";
	for (size_t len = 0; len <= sizeof(text) - 1; len++) {
		start("");
		say(envelope);
		ck_assert_int_eq(fd_write_all(ends[0], (struct span){text, len}), 0);
		hear_all();
		ck_assert_uint_eq(files(false), len == sizeof(text) - 1);
		finish();
	}
}
END_TEST

START_TEST(test_idle)
{
	start("connection_timeout 1s");
	hear("220 ");
	hear("421 4.4.2 mail.example.com Timeout");
	finish();
}
END_TEST

/* The time-out is for the whole command, even if octets keep coming. */
START_TEST(test_trickle)
{
	start("connection_timeout 1s");
	hear("220 ");
	for (int i = 0; !memmem(str_text(&heard), heard.len, "421", 3); i++) {
		char octet;
		ck_assert_int_lt(i, 100);
		send(ends[0], "x", 1, MSG_NOSIGNAL);
		usleep(50 * 1000);
		while (recv(ends[0], &octet, 1, MSG_DONTWAIT) == 1)
			str_append_c(&heard, octet);
	}
	finish();
}
END_TEST

/* A trickle of text has ten minutes; a slow client has as long as it sends 1 KiB/s. */
START_TEST(test_text_time)
{
	const int64_t minute = 60 * 1000, hour = 60 * minute;
	ck_assert_int_eq(serve_text_time_left(0, 0, false), 10 * minute);
	ck_assert_int_eq(serve_text_time_left(10 * minute - 1, 1023, false), 1);
	ck_assert_int_eq(serve_text_time_left(10 * minute + 500, 1024, false), 500);
	ck_assert_int_eq(serve_text_time_left(hour, 3000, false), 1);
	ck_assert_int_eq(serve_text_time_left(hour, 3600 * 1024, false), 10 * minute);
	ck_assert_int_gt(serve_text_time_left(1000 * hour, INT64_MAX, false), 1000 * hour);
	ck_assert_int_eq(serve_text_time_left(0, 0, true), LIMIT_STRESS_MS);
	ck_assert_int_eq(serve_text_time_left(hour, 3600 * 1024, true), LIMIT_STRESS_MS);
	ck_assert_int_eq(serve_text_time_left(hour, 3000, true), 1);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__)
/* Whichever allocation fails, no client is left without a reply, and only acknowledged messages are stored. */
START_TEST(test_no_memory)
{
	for (fail_at = 1; fail_at <= 40; fail_at++) {
		const struct timeval patience = {.tv_sec = 5};
		start("free_space_floor 1K");
		setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		int error = 0;
		while (!error && !strstr(str_text(&heard), "\r\n")) {
			char octet;
			ssize_t n = read(ends[0], &octet, 1);
			error = n < 0 ? errno : n == 0 ? EPIPE : 0;
			if (n == 1)
				str_append_c(&heard, octet);
		}
		ck_assert_msg(error == 0 || error == EPIPE || error == ECONNRESET, "allocation %u: no greeting: %s",
			      fail_at, strerror(error));
		if (!error) {
			(void)!write(ends[0], envelope, sizeof(envelope) - 1);
			(void)!write(ends[0], SPAN("DATA\r\nx\r\n.\r\nQUIT\r\n").at, 18);
			error = fd_read_all(ends[0], &heard);
			ck_assert_msg(error == 0 || error == -ECONNRESET, "allocation %u: no end after\n%s", fail_at,
				      str_text(&heard));
		}
		bool taken = strstr(str_text(&heard), "Queued mail") != NULL;
		pthread_join(server, NULL);
		server = 0;
		ck_assert_uint_eq(files(false), taken);
		finish();
	}
	fail_at = 0;
}
END_TEST
#endif

/* The same as the signal handler of a worker. */
static void tell_to_stop(void)
{
	stop.stop = 1;
	if (stop.waiting_fd != -1)
		shutdown(stop.waiting_fd, SHUT_RD);
}

START_TEST(test_stop_between_commands)
{
	start("");
	say("EHLO c\r\n");
	hear("250 OK\r\n");
	while (stop.waiting_fd == -1)
		usleep(1000);
	tell_to_stop();
	hear("421 4.3.2 mail.example.com Service not available");
	finish();
}
END_TEST

/* Nothing has shut the socket then, and the client says nothing before the greeting. */
START_TEST(test_stop_before_the_pause)
{
	stop_at_start = 1;
	start("connection_timeout 20s\nconnect { greet_pause 30s; dnsbl_except none }");
	stop_at_start = 0;
	hear("421 4.3.2 mail.example.com Service not available");
	finish();
}
END_TEST

static void expect_one_record(const char *verb, uint64_t code)
{
	char room[4096];
	struct ipc_packet packet;
	struct wire_records all;
	struct wire_record one;
	ck_assert_int_eq(ipc_receive(records[0], room, sizeof(room), MSG_DONTWAIT, &packet), 0);
	ck_assert(wire_decode_records(packet.text, &all));
	ck_assert(record_next(&all.list, &one));
	ck_assert_msg(span_equal(one.verb, span_of(verb)), "%.*s is not %s", SPAN_ARGS(one.verb), verb);
	ck_assert_uint_eq(one.code, code);
	ck_assert_msg(!record_next(&all.list, &one), "%.*s is a second record", SPAN_ARGS(one.verb));
}

/* However the pause ends without a greeting, the transaction log says it once. */
START_TEST(test_records_of_the_pause)
{
	static const char lines[] = "log { format w3c }\nconnect { greet_pause 30s; dnsbl_except none }";
	ck_assert_int_eq(ipc_pair(records, 64 * 1024), 0);
	record_writer_init(&writer, records[1]);
	recorded = &writer;
	stop_at_start = 1;
	start(lines);
	stop_at_start = 0;
	hear("421 4.3.2 ");
	finish();
	expect_one_record("STOP", 421);
	start(lines);
	say("EHLO c\r\n");
	hear("554 5.5.1 ");
	finish();
	expect_one_record("CONNECT", 554);
	start("log { format w3c }\nconnect { allow only-listed; list 192.0.2.1 }");
	hear("554 5.7.1 ");
	finish();
	expect_one_record("CONNECT", 554);
	recorded = NULL;
	record_writer_free(&writer);
	fd_close(&records[0]);
	fd_close(&records[1]);
}
END_TEST

START_TEST(test_stress_ends_the_pause)
{
	int64_t begun = clock_mono_ms();
	start("connect { greet_pause 50s; dnsbl_except none }");
	while (stop.waiting_fd == -1)
		usleep(1000);
	stress = true;
	hear("220 ");
	stress = false;
	ck_assert_int_lt(clock_mono_ms() - begun, 40 * 1000);
	finish();
}
END_TEST

/* A client that begins with TLS could not read a reply. */
START_TEST(test_tls_in_the_pause)
{
	start("connect { greet_pause 30s; dnsbl_except none }");
	say("\x16\x03\x01 hello");
	hear_all();
	ck_assert_uint_eq(heard.len, 0);
	finish();
}
END_TEST

START_TEST(test_stop_within_message)
{
	start("");
	say(envelope);
	say("DATA\r\nSubject: x\r\n");
	hear("354 ");
	tell_to_stop();
	say("\r\n.\r\n");
	hear("250 2.6.0 ");
	hear("421 4.3.2 ");
	ck_assert_uint_eq(files(false), 1);
	finish();
}
END_TEST

START_TEST(test_newer_policy)
{
	struct str text;
	struct snapshot *snapshot = snapshot_new(1 << 20);
	live.snapshot = snapshot;
	start("relay { list 192.0.2.1 }");
	say("EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<u@example.net>\r\n");
	hear("550 5.7.1 Unable to relay for u@example.net\r\n");
	memory_canonical("", "relay { list 127.0.0.1 }", &text);
	ck_assert(live_publish(snapshot, str_span(&text)));
	say("RCPT TO:<v@example.net>\r\n");
	hear("250 2.1.5 v@example.net\r\n");
	ck_assert(!live_publish(snapshot, SPAN("this is no configuration")));
	say("RCPT TO:<w@example.net>\r\nQUIT\r\n");
	hear("250 2.1.5 w@example.net\r\n");
	finish();
	live = (struct live){0};
	str_free(&text);
	snapshot_free(snapshot);
}
END_TEST

int main(void)
{
	log_set_level(LOG_LEVEL_WARNING);
	Suite *suite = suite_create("smtpd_serve");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_message);
	tcase_add_test(tcase, test_no_queue);
	tcase_add_test(tcase, test_no_space);
	tcase_add_test(tcase, test_cut);
	tcase_add_test(tcase, test_idle);
	tcase_add_test(tcase, test_trickle);
	tcase_add_test(tcase, test_text_time);
#if !defined(__SANITIZE_ADDRESS__)
	tcase_add_test(tcase, test_no_memory);
#endif
	tcase_add_test(tcase, test_stop_between_commands);
	tcase_add_test(tcase, test_stop_within_message);
	tcase_add_test(tcase, test_stop_before_the_pause);
	tcase_add_test(tcase, test_records_of_the_pause);
	tcase_add_test(tcase, test_stress_ends_the_pause);
	tcase_add_test(tcase, test_tls_in_the_pause);
	tcase_add_test(tcase, test_newer_policy);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
