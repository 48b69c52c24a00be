/* What clients get from a parent and its workers while master tells them to reload, pause, retire or stop. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "t/unit/parent_fixture.h"

/* In memory that all processes share: the errno with which accept fails, and the number of its calls. */
static struct {
	_Atomic int error;
	_Atomic unsigned calls;
} * accepting;

int accept4(int fd, struct sockaddr *from, socklen_t *len, int flags)
{
	int error = accepting ? accepting->error : 0;
	if (!error)
		return (int)syscall(SYS_accept4, fd, from, len, flags);
	accepting->calls++;
	errno = error;
	return -1;
}

START_TEST(test_message)
{
	struct ipc_packet packet;
	start("relay { list none }");
	ck_assert_int_eq(receive(arrivals, &packet), WIRE_look);
	for (int i = 0; i < 20; i++) {
		int fd = client();
		say(fd, "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n.\r\nQUIT\r\n");
		hear(fd, "250 2.6.0 <");
		hear(fd, "221 ");
		close(fd);
		ck_assert_int_eq(receive(arrivals, &packet), WIRE_arrived);
	}
	stop();
}
END_TEST

/* Each worker retires after one session, and no client notices. */
START_TEST(test_jobs)
{
	start("processes { spare 1; max 3; jobs 1 }");
	for (int i = 0; i < 20; i++) {
		int fd = client();
		say(fd, "QUIT\r\n");
		hear(fd, "221 ");
		close(fd);
	}
	stop();
}
END_TEST

START_TEST(test_reload)
{
	start("relay { list 192.0.2.1 }");
	int fd = client();
	say(fd, "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@example.net>\r\n");
	hear(fd, "550 5.7.1 Unable to relay for u@example.net\r\n");
	tell(WIRE_reload, sealed("relay { list 127.0.0.1 }"));
	for (int i = 0; !strstr(str_text(&heard), "250 2.1.5 u@example.net"); i++) {
		ck_assert_int_lt(i, 1000);
		say(fd, "MAIL FROM:<a@b.example>\r\nRSET\r\nMAIL FROM:<a@b.example>\r\n");
		say(fd, "RCPT TO:<u@example.com>\r\nRSET\r\nMAIL FROM:<a@b.example>\r\nRCPT "
			"TO:<u@example.net>\r\nNOOP\r\n");
		str_clear(&heard);
		hear(fd, "250 2.0.0 OK\r\n");
		usleep(10 * 1000);
	}
	close(fd);
	/* An invalid text changes nothing. */
	tell(WIRE_reload, fd_sealed("bad", SPAN("nonsense")));
	fd = client();
	say(fd, "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@example.net>\r\n");
	hear(fd, "250 2.1.5 u@example.net\r\n");
	close(fd);
	stop();
}
END_TEST

START_TEST(test_full)
{
	int fds[2];
	start("processes { spare 2; max 5 }\nmax_connections 2");
	for (int i = 0; i < 2; i++) {
		fds[i] = client();
		hear(fds[i], "220 ");
	}
	int fd = client();
	hear(fd, "421 4.3.2 mail.example.com Too many connections");
	close(fd);
	say(fds[0], "QUIT\r\n");
	str_clear(&heard);
	hear(fds[0], "221 ");
	close(fds[0]);
	close(client_with_a_place());
	close(fds[1]);
	stop();
}
END_TEST

/* The list is that of one moment: a session on it may have ended, and a new one may be missing. */
static void kill_workers(void)
{
	char path[64];
	long pid;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fscanf(file, "%ld", &pid) == 1)
		ck_assert(kill((pid_t)pid, SIGKILL) == 0 || errno == ESRCH);
	fclose(file);
}

/* If a worker dies only its session ends, and the queue is asked to scan new/. */
START_TEST(test_worker_killed)
{
	struct ipc_packet packet;
	start("processes { spare 1; max 3 }");
	ck_assert_int_eq(receive(arrivals, &packet), WIRE_look);
	for (int i = 0; i < 5; i++) {
		int fd = client();
		hear(fd, "220 ");
		struct pollfd gone = {.fd = fd, .events = POLLRDHUP};
		do
			kill_workers();
		while (poll(&gone, 1, 100) == 0);
		close(fd);
		ck_assert_int_eq(receive(arrivals, &packet), WIRE_look);
		fd = client();
		say(fd, "QUIT\r\n");
		hear(fd, "221 ");
		close(fd);
	}
	stop();
}
END_TEST

START_TEST(test_stop_ends_sessions)
{
	start("");
	int idle = client();
	hear(idle, "220 ");
	int busy = client();
	say(busy, "EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n");
	hear(busy, "354 ");
	tell(WIRE_stop, -1);
	str_clear(&heard);
	hear(idle, "421 4.3.2 ");
	str_clear(&heard);
	say(busy, "Subject: x\r\n\r\n.\r\n");
	hear(busy, "250 2.6.0 ");
	hear(busy, "421 4.3.2 ");
	close(idle);
	close(busy);
	finish();
}
END_TEST

START_TEST(test_master_gone)
{
	start("");
	int fd = client();
	hear(fd, "220 ");
	fd_close(&control);
	hear(fd, "421 4.3.2 ");
	close(fd);
	finish();
}
END_TEST

/* Without a free descriptor for new clients, neither a worker nor the parent (if all workers are busy) loops busily. */
static void expect_rest(unsigned most)
{
	accepting->calls = 0;
	accepting->error = ENFILE;
	int fd = client();
	poll(NULL, 0, 2000); /* the limit itself */
	accepting->error = 0;
	ck_assert_uint_ge(accepting->calls, 1);
	ck_assert_msg(accepting->calls <= most, "%u calls in 2 s", accepting->calls);
	hear(fd, "2 mail.example.com ");
	close(fd);
}

START_TEST(test_no_descriptor)
{
	accepting = mmap(NULL, sizeof(*accepting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(accepting != MAP_FAILED);
	start("processes { spare 1; max 1 }");
	int fd = client();
	hear(fd, "220 mail.example.com ");
	expect_rest(20);
	close(fd);
	stop();
}
END_TEST

static void tell_pause(bool paused)
{
	struct str packet;
	struct ipc_packet answer;
	struct wire_paused said;
	str_init(&packet, 1000);
	wire_encode_pause(&(struct wire_pause){.paused = paused}, &packet);
	ck_assert_int_eq(ipc_send(control, str_span(&packet), NULL, 0), 0);
	str_free(&packet);
	ck_assert_int_eq(receive(control, &answer), WIRE_paused);
	ck_assert(wire_decode_paused(answer.text, &said) && said.paused == paused);
}

/* Once the pause is confirmed no client is served. Open sessions finish, and no further client is served after them. */
START_TEST(test_pause)
{
	start("relay { list none }");
	int kept = client();
	hear(kept, "220 ");
	tell_pause(true);
	for (int i = 0; i < 20; i++) {
		int fd = client();
		hear(fd, "421 4.3.2 ");
		close(fd);
	}
	int config = sealed("relay { list 127.0.0.1 }"); /* a reload does not end the pause */
	tell(WIRE_reload, config);
	say(kept, "HELO c\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n");
	hear(kept, "221 ");
	close(kept);
	for (int i = 0; i < 20; i++) {
		int fd = client();
		hear(fd, "421 4.3.2 ");
		close(fd);
	}
	tell_pause(false);
	int fd = client();
	hear(fd, "220 ");
	close(fd);
	stop();
}
END_TEST

/* When this returns, the parent has done what it was told before. */
static int attach_and_wait(void)
{
	struct str request, rows;
	int link = attach();
	str_init(&request, 100);
	str_init(&rows, 1 << 16);
	ck_assert(wire_encode_smtpd_status(&(struct wire_smtpd_status){.detail = true}, &request));
	ck_assert_uint_eq(ask(link, &request, &rows), 0);
	str_free(&request);
	str_free(&rows);
	return link;
}

static void tell_users(bool present, int fd)
{
	struct str packet;
	str_init(&packet, 1000);
	wire_encode_users(&(struct wire_users){.present = present, .file = SPAN("/u")}, &packet);
	ck_assert_int_eq(ipc_send(control, str_span(&packet), &fd, fd >= 0), 0);
	if (fd >= 0)
		close(fd);
	str_free(&packet);
}

/* Whatever the account file, open sessions and new clients are served. */
START_TEST(test_users)
{
	start("");
	int fd = client();
	hear(fd, "220 ");
	tell_users(true, -1);
	tell_users(false, fd_sealed("users", SPAN("ann yescrypt=$y$j9T$a$b changed=1\n")));
	tell_users(true, open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	tell_users(true, fd_sealed("users", SPAN("\xff\n\n=\nann yescrypt=$y$j9T$a$b changed=1\n")));
	tell_users(false, -1);
	close(attach_and_wait());
	str_clear(&heard);
	say(fd, "NOOP\r\n");
	hear(fd, "250 2.0.0 OK");
	close(fd);
	stop();
}
END_TEST

START_TEST(test_retire)
{
	struct str packet;
	start("relay { list none }");
	int kept = client();
	hear(kept, "220 ");
	str_init(&packet, 1000);
	wire_encode_retire(&(struct wire_retire){.retire = true}, &packet);
	ck_assert_int_eq(ipc_send(control, str_span(&packet), NULL, 0), 0);
	str_free(&packet);
	tell(WIRE_reload, sealed("relay { list 127.0.0.1 }")); /* an open session obeys it */
	str_clear(&heard);
	say(kept, "HELO c\r\n");
	hear(kept, "250 ");
	close(attach_and_wait());
	str_clear(&heard);
	say(kept, "MAIL FROM:<a@b.example>\r\nRCPT TO:<x@elsewhere.example>\r\n");
	hear(kept, "250 2.1.5 ");
	say(kept, "QUIT\r\n");
	hear(kept, "221 ");
	close(kept);
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_parent");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_message);
	tcase_add_test(tcase, test_jobs);
	tcase_add_test(tcase, test_reload);
	tcase_add_test(tcase, test_full);
	tcase_add_test(tcase, test_worker_killed);
	tcase_add_test(tcase, test_stop_ends_sessions);
	tcase_add_test(tcase, test_master_gone);
	tcase_add_test(tcase, test_no_descriptor);
	tcase_add_test(tcase, test_pause);
	tcase_add_test(tcase, test_users);
	tcase_add_test(tcase, test_retire);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
