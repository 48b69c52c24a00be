/*
 * The child is this executable, started as master starts a child. It checks what it was given and reports errors on its
 * control link.
 */
#include "master/spawn.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "t/unit/suite.h"

extern char **environ;

static int same_file(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_rdev == b.st_rdev && a.st_ino == b.st_ino;
}

static void look(FILE *to, int argc, char **argv)
{
	char text[32] = "";
	sigset_t mask;
	int last = CHILD_FD_LISTEN;

	if (argc > 4)
		last += atoi(argv[4]);
	for (int fd = 0; fd < last; fd++)
		if (fcntl(fd, F_GETFD) != 0)
			fprintf(to, "%d is missing or closes on exec;", fd);
	for (int fd = last; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			fprintf(to, "%d leaked;", fd);
	if (!same_file(0, "/dev/null") || !same_file(1, "/dev/null"))
		fprintf(to, "0 and 1 are not /dev/null;");
	if (pread(CHILD_FD_CONFIG, text, sizeof(text) - 1, 0) != 6 || strcmp(text, "canon\n") != 0)
		fprintf(to, "4 is not the configuration;");
	if (write(CHILD_FD_CONFIG, "x", 1) != -1)
		fprintf(to, "4 is not sealed;");
	sigprocmask(SIG_SETMASK, NULL, &mask);
	if (sigismember(&mask, SIGTERM) || signal(SIGPIPE, SIG_DFL) != SIG_DFL)
		fprintf(to, "signals were inherited;");
	if (getpgrp() != getpid())
		fprintf(to, "no process group of its own;");
	for (char **e = environ; *e; e++)
		if (strncmp(*e, "LANG=C", 6) && strncmp(*e, "PATH=", 5) && strncmp(*e, "TZ=Asia/Tokyo", 13) &&
		    !strstr(*e, "SAN_OPTIONS="))
			fprintf(to, "environment holds %s;", *e);
	if (!getenv("TZ"))
		fprintf(to, "TZ is gone;");
	for (int fd = CHILD_FD_ARRIVALS; fd < last; fd++)
		if (!same_file(fd, "/dev/null") && write(fd, "x", 1) != 1)
			fprintf(to, "%d does not lead where it should;", fd);
}

static int be_child(int argc, char **argv)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	look(to, argc, argv);
	for (int i = 1; i < argc; i++)
		fprintf(to, "%s ", argv[i]);
	fclose(to);
	int bad = send(CHILD_FD_CONTROL, text, len, 0) != (ssize_t)len;
	free(text);
	return bad ? 9 : 7;
}

/* The report of the child; its exit status must be 7. */
static void run(struct spawn *what, char *said, size_t size)
{
	pid_t pid;
	int control, status;

	ck_assert_int_eq(spawn_child(what, &pid, &control), 0);
	ck_assert(fcntl(control, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(control, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 7 << 8);
	ssize_t n = recv(control, said, size - 1, 0);
	ck_assert_int_gt(n, 0);
	said[n] = '\0';
	close(control);
}

static struct spawn myself(void)
{
	struct spawn what = {
		.folder = BUILD_DIR "/t", .program = "test_master_spawn", .server = "main", .config = SPAN("canon\n")};
	for (size_t i = 0; i < CHILD_FD_KEPT; i++)
		what.kept[i] = -1;
	return what;
}

static void set_scene(void)
{
	sigset_t mask;

	setenv("TZ", "Asia/Tokyo", 1);
	setenv("LD_SOMETHING", "x", 1);
	setenv("NOTIFY_SOCKET", "/x", 1);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGPIPE, SIG_IGN);
}

START_TEST(a_child_has_what_it_needs_and_no_more)
{
	struct spawn what = myself();
	char said[4000];

	set_scene();
	int leak = open("/dev/zero", O_RDONLY); /* no close-on-exec */
	run(&what, said, sizeof(said));
	ck_assert_str_eq(said, "--server main ");
	close(leak);
}
END_TEST

/* Some sources are at numbers of targets; each must arrive at its own target. */
START_TEST(descriptors_that_overlap_find_their_places)
{
	struct spawn what = myself();
	char said[4000], octet;
	int listeners[3], ends[5][2];

	set_scene();
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends[i]), 0);
	what.kept[CHILD_FD_VERDICTS - CHILD_FD_ARRIVALS] = ends[0][0];
	what.kept[0] = ends[1][0];
	for (int i = 0; i < 3; i++)
		listeners[i] = ends[4 - i][0];
	what.listeners = listeners;
	what.listener_count = 3;
	run(&what, said, sizeof(said));
	ck_assert_str_eq(said, "--server main --listeners 3 ");
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(recv(ends[i][1], &octet, 1, MSG_DONTWAIT), 1);
		close(ends[i][0]);
		ck_assert_int_eq(recv(ends[i][1], &octet, 1, MSG_DONTWAIT), 0);
		close(ends[i][1]);
	}
}
END_TEST

START_TEST(the_most_listeners_and_no_more)
{
	struct spawn what = myself();
	int listeners[SPAWN_LISTENERS_MAX + 1], control;
	char said[4000];
	pid_t pid;

	set_scene();
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i <= SPAWN_LISTENERS_MAX; i++)
		listeners[i] = nothing;
	what.listeners = listeners;
	what.listener_count = SPAWN_LISTENERS_MAX;
	run(&what, said, sizeof(said));
	ck_assert_str_eq(said, "--server main --listeners 128 ");
	what.listener_count++;
	ck_assert_int_eq(spawn_child(&what, &pid, &control), -EINVAL);
	close(nothing);
}
END_TEST

START_TEST(a_program_that_is_missing_is_temporary)
{
	struct spawn what = myself();
	int control, status;
	pid_t pid;

	what.program = "no-such-program";
	ck_assert_int_eq(spawn_child(&what, &pid, &control), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, EXIT_TEMPORARY << 8);
	close(control);
}
END_TEST

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--server") == 0)
		return be_child(argc, argv);
	Suite *suite = suite_create("spawn");
	TCase *tc = tcase_create("spawn");
	tcase_add_test(tc, a_child_has_what_it_needs_and_no_more);
	tcase_add_test(tc, descriptors_that_overlap_find_their_places);
	tcase_add_test(tc, the_most_listeners_and_no_more);
	tcase_add_test(tc, a_program_that_is_missing_is_temporary);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
