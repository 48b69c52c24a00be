/* A log process as master starts it, killed at any moment: every record that was sent is in the log exactly once. */
#include "queue/log/log_loop.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log_level.h"
#include "common/ipc/ipc.h"
#include "common/ipc/record.h"
#include "t/unit/suite.h"

enum { FDS_ABOVE = 40, TARGETS = CHILD_FD_LISTEN, RECORDS = 30000, KILLS = 150, FILE_MAX = 64 << 20 };

static char folder[64];
static int control, records[2]; /* read end, write end */
static pid_t process;
static struct record_writer writer;
static char packet_room[WIRE_PACKET_MAX];

static int sealed(const char *settings)
{
	char text[1000];
	snprintf(text, sizeof(text),
		 "user nobody\nvirtual_server main {\nfqdn mail.example.com\nlog { dir %s/log\n%s\n}\n}\n", folder,
		 settings);
	int fd = fd_sealed("config", span_of(text));
	ck_assert_int_ge(fd, 0);
	return fd;
}

_Noreturn static void be_log(const int *fds)
{
	char *argv[] = {(char[]){"mailroot-log"}, (char[]){"--server"}, (char[]){"main"}, NULL};
	struct child child;
	int above[TARGETS];
	for (int i = CHILD_FD_CONTROL; i < TARGETS; i++)
		above[i] = fcntl(fds[i], F_DUPFD, FDS_ABOVE);
	for (int i = CHILD_FD_CONTROL; i < TARGETS; i++)
		dup2(above[i], i);
	close_range(TARGETS, ~0U, 0);
	log_set_level(LOG_LEVEL_ERROR);
	child_start(sizeof(argv) / sizeof(argv[0]) - 1, argv, CHILD_LOG, &child);
	_exit(log_loop_run(&child));
}

static void start(const char *settings)
{
	int ends[2], null = open("/dev/null", O_RDWR | O_CLOEXEC), config = sealed(settings);
	struct ipc_packet packet;
	ck_assert_int_eq(ipc_pair(ends, 1 << 20), 0);
	process = fork();
	ck_assert_int_ge(process, 0);
	if (!process)
		be_log((int[TARGETS]){[CHILD_FD_CONTROL] = ends[1],
				      [CHILD_FD_CONFIG] = config,
				      [CHILD_FD_ARRIVALS] = null,
				      [CHILD_FD_VERDICTS] = null,
				      [CHILD_FD_NAMES] = null,
				      [CHILD_FD_RECORDS] = records[0]});
	close(ends[1]);
	close(config);
	close(null);
	control = ends[0];
	ck_assert_int_eq(ipc_receive(control, packet_room, sizeof(packet_room), 0, &packet), 0);
	ck_assert_int_eq(wire_type_of(packet.text), WIRE_ready);
}

static void end(int signo, int want)
{
	int status;
	if (signo)
		ck_assert_int_eq(kill(process, signo), 0);
	ck_assert_int_eq(waitpid(process, &status, 0), process);
	ck_assert_int_eq(status, want);
	fd_close(&control);
}

static void stop(void)
{
	struct str packet;
	str_init(&packet, 64);
	ck_assert(wire_encode_stop(&(struct wire_stop){false}, &packet));
	ck_assert_int_eq(ipc_send(control, str_span(&packet), NULL, 0), 0);
	str_free(&packet);
	end(0, 0);
}

static void setup(void)
{
	char path[128];
	strcpy(folder, "/tmp/mailroot-loop-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 0755), 0);
	snprintf(path, sizeof(path), "%s/log", folder);
	ck_assert_int_eq(mkdir(path, 0777), 0);
	ck_assert_int_eq(chmod(path, 0777), 0);
	ck_assert_int_eq(ipc_pair(records, 1 << 20), 0);
	ck_assert_int_eq(fd_set_nonblock(records[1], true), 0);
	record_writer_init(&writer, records[1]);
}

static void teardown(void)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/log", folder);
	DIR *dir = opendir(path);
	for (const struct dirent *entry; dir && (entry = readdir(dir));)
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
	rmdir(folder);
	record_writer_free(&writer);
	fd_close(&records[0]);
	fd_close(&records[1]);
}

/* Sends a packet with COUNT records from *next on. Unlike a worker it tries again if there is no room. */
static void send_some(uint64_t *next, uint64_t count)
{
	static const struct timespec moment = {0, 200000};
	for (;;) {
		for (uint64_t i = 0; i < count; i++)
			record_add(&writer, &(struct wire_record){.session = *next + i, .verb = SPAN("NOOP")});
		record_flush(&writer);
		if (!writer.dropped)
			break;
		writer.dropped = 0;
		nanosleep(&moment, NULL);
	}
	*next += count;
}

static void read_log(const char *name, struct str *to)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/log/%s", folder, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	str_init(to, FILE_MAX);
	ck_assert_int_eq(fd_read_all(fd, to), 0);
	fd_close(&fd);
}

/* The sessions from 0 to COUNT - 1 are in the log, in this order, once. */
static void assert_sessions(const char *name, uint64_t count)
{
	struct str text;
	uint64_t want = 0;
	read_log(name, &text);
	struct span rest = str_span(&text), line;
	ck_assert(!rest.len || rest.at[rest.len - 1] == '\n');
	while (span_line(&rest, &line)) {
		char number[64];
		snprintf(number, sizeof(number), "\"session\":%llu,", (unsigned long long)want++);
		ck_assert_msg(memmem(line.at, line.len, number, strlen(number)), "%s: %.*s", number, SPAN_ARGS(line));
	}
	ck_assert_uint_eq(want, count);
	str_free(&text);
}

START_TEST(killed_at_any_moment)
{
	uint64_t next = 0;
	srand(1);
	for (int i = 0; i < KILLS; i++) {
		int status;
		start("format json; period unlimited");
		for (int packets = rand() % 200; packets > 0 && next < RECORDS; packets--)
			send_some(&next, 1 + (uint64_t)rand() % 5);
		const struct timespec moment = {0, rand() % 1500 * 1000};
		nanosleep(&moment, NULL);
		ck_assert_int_eq(kill(process, SIGKILL), 0);
		ck_assert_int_eq(waitpid(process, &status, 0), process);
		fd_close(&control);
	}
	start("format json; period unlimited");
	stop();
	ck_assert_uint_gt(next, 1000);
	assert_sessions("json1.log", next);
}
END_TEST

START_TEST(stop_writes_what_is_in_the_link)
{
	uint64_t next = 0;
	start("format json; period unlimited");
	send_some(&next, 100);
	end(SIGTERM, 0);
	send_some(&next, 100);
	start("format json; period unlimited");
	stop();
	assert_sessions("json1.log", next);
}
END_TEST

/* Master is dead. The records of workers are still written, and the log ends after the last worker. */
START_TEST(log_outlasts_the_writers)
{
	uint64_t next = 0;
	start("format json; period unlimited");
	fd_close(&control);
	fd_close(&records[0]);
	kill(process, SIGTERM); /* as the kernel does */
	for (int i = 0; i < 50; i++) {
		const struct timespec moment = {0, 1000000};
		send_some(&next, 10);
		nanosleep(&moment, NULL);
	}
	fd_close(&records[1]);
	end(0, 0);
	assert_sessions("json1.log", next);
}
END_TEST

START_TEST(log_that_is_off_ends_too)
{
	start("format off");
	fd_close(&control);
	fd_close(&records[0]);
	fd_close(&records[1]);
	end(SIGTERM, 0);
}
END_TEST

/* Only the malformed packet itself is lost: empty, too large, of another type, with descriptors. */
START_TEST(junk_on_the_link)
{
	static const char junk[200 * 1024] = "\1";
	uint64_t next = 0;
	start("format json; period unlimited");
	for (int i = 0; i < 50; i++) {
		send_some(&next, 3);
		ck_assert_int_ge(send(records[1], junk, (size_t)(i % 5) * 20, 0), 0);
		send_some(&next, 1);
		ck_assert(send(records[1], junk, sizeof(junk), 0) > 0 || errno == EAGAIN);
		struct str packet;
		str_init(&packet, 64);
		ck_assert(wire_encode_stop(&(struct wire_stop){true}, &packet));
		ck_assert(ipc_send(records[1], str_span(&packet), &records[0], 1) == 0 || errno == EAGAIN);
		str_free(&packet);
		if (i % 10 == 5) {
			end(SIGKILL, SIGKILL);
			start("format json; period unlimited");
		}
	}
	stop();
	assert_sessions("json1.log", next);
}
END_TEST

static void reload(const char *settings)
{
	struct str packet;
	int config = sealed(settings);
	str_init(&packet, 64);
	ck_assert(wire_encode_reload(&(struct wire_reload){1}, &packet));
	ck_assert_int_eq(ipc_send(control, str_span(&packet), &config, 1), 0);
	str_free(&packet);
	close(config);
}

START_TEST(reload_changes_the_file)
{
	uint64_t first = 0, second = 0;
	start("format json; period unlimited");
	send_some(&first, 10);
	stop();
	start("format json; period unlimited");
	reload("format json; period 1M");
	reload("format iis; period unlimited");
	/* For another folder, or off, the process ends so that master starts a new one. */
	reload("format off");
	end(0, 0);
	start("format off");
	send_some(&second, 10);
	reload("format w3c");
	end(0, 0);
	assert_sessions("json1.log", first);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log_loop");
	TCase *tc = tcase_create("loop");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, killed_at_any_moment);
	tcase_add_test(tc, stop_writes_what_is_in_the_link);
	tcase_add_test(tc, log_outlasts_the_writers);
	tcase_add_test(tc, log_that_is_off_ends_too);
	tcase_add_test(tc, junk_on_the_link);
	tcase_add_test(tc, reload_changes_the_file);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
