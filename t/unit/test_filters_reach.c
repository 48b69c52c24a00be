/* Connections to filters, and the words when there is none. */
#include "smtpd/filters/reach.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/unit/suite.h"

enum { STRANGER = 65534, WAIT_MS = 5000 };

static char folder[64], path[CONFIG_FILTER_PATH_MAX + 1];
static struct reach reach;
static struct config_filter_address address;
static char why[DIAL_WHY_MAX + 1];

static void setup(void)
{
	strcpy(folder, "/tmp/reach-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 0755), 0);
	snprintf(path, sizeof(path), "%s/socket", folder);
	address = (struct config_filter_address){.text = "unix:somewhere", .path = path};
	reach_init(&reach, "mailroot-filters");
	snprintf(reach.user, sizeof(reach.user), "joe");
	str_clear(&reach.groups);
	str_append_text(&reach.groups, "root:x:0:\nclamav:x:4711:joe\nodd line\n");
}

static void teardown(void)
{
	unlink(path);
	rmdir(folder);
	reach_free(&reach);
}

static int listen_at(const char *where, int backlog)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", where);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(listen(fd, backlog), 0);
	return fd;
}

/* Waits for the end of the try. */
static int connect_now(int *fd)
{
	*fd = reach_begin(&address);
	if (*fd < 0)
		return *fd;
	struct pollfd socket = {.fd = *fd, .events = POLLOUT};
	ck_assert_int_eq(poll(&socket, 1, WAIT_MS), 1);
	return reach_result(*fd);
}

static void expect(int err, const char *words)
{
	int fd;
	ck_assert_int_eq(connect_now(&fd), -err);
	if (fd >= 0)
		close(fd);
	reach_why(&reach, &address, err, why);
	ck_assert_msg(strstr(why, words), "%s", why);
}

START_TEST(a_socket_is_reached)
{
	int fd, listener = listen_at(path, 5);
	ck_assert_int_eq(connect_now(&fd), 0);
	int peer = accept(listener, NULL, NULL);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	char octet;
	ck_assert_int_eq(read(peer, &octet, 1), 1);
	close(peer);
	close(fd);
	close(listener);
}
END_TEST

/* It may come in parts, and its rest is of no interest. */
START_TEST(a_greeting)
{
	static const struct {
		const char *octets;
		int result;
	} greetings[] = {{"\0\0\0\15O", 0}, {"\0\0\0\15c", -EPROTO}, {"220 x", -EPROTO}};
	for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
		struct reach_greeting greeting = {0};
		int ends[2];
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
		ck_assert(reach_greet(ends[0]));
		for (size_t n = 0; n < MILTER_HEAD; n++) {
			ck_assert_int_eq(reach_greeted(ends[0], &greeting), -EAGAIN);
			ck_assert_int_eq(write(ends[1], greetings[i].octets + n, 1), 1);
		}
		ck_assert_int_eq(reach_greeted(ends[0], &greeting), greetings[i].result);
		close(ends[1]);
		close(ends[0]);
	}
}
END_TEST

START_TEST(a_greeting_that_ends_early)
{
	struct reach_greeting greeting = {0};
	int ends[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	ck_assert_int_eq(write(ends[1], "\0\0", 2), 2);
	close(ends[1]);
	ck_assert_int_eq(reach_greeted(ends[0], &greeting), -EAGAIN);
	ck_assert_int_eq(reach_greeted(ends[0], &greeting), -ECONNRESET);
	close(ends[0]);
}
END_TEST

START_TEST(what_is_wrong_with_a_path)
{
	char other[CONFIG_FILTER_PATH_MAX + 8];
	snprintf(other, sizeof(other), "%s2", path);
	expect(ENOENT, "/socket does not exist: is the filter running");
	close(listen_at(path, 5));
	expect(ECONNREFUSED, "nothing listens at /tmp/reach-");
	unlink(path);
	fclose(fopen(path, "w"));
	expect(ENOTSOCK, "/socket is not a socket");
	unlink(path);
	int listener = listen_at(other, 5);
	ck_assert_int_eq(symlink(other, path), 0);
	expect(ELOOP, "/socket is a symbolic link: write the path of the socket itself");
	close(listener);
	unlink(other);
}
END_TEST

START_TEST(a_filter_that_accepts_nothing)
{
	int fds[8], listener = listen_at(path, 0);
	size_t n = 0;
	while (n < 8 && (fds[n] = reach_begin(&address)) >= 0)
		n++;
	ck_assert_uint_lt(n, 8);
	ck_assert_int_eq(fds[n], -EAGAIN);
	reach_why(&reach, &address, EAGAIN, why);
	ck_assert_ptr_nonnull(strstr(why, "does not accept connections: does the filter hang?"));
	while (n)
		close(fds[--n]);
	close(listener);
}
END_TEST

static uint16_t tcp_port(int family, int *fd)
{
	struct sockaddr_in6 at = {.sin6_family = (sa_family_t)family};
	socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(at);
	*fd = socket(family, SOCK_STREAM, 0);
	if (family == AF_INET)
		((struct sockaddr_in *)&at)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		at.sin6_addr = in6addr_loopback;
	if (bind(*fd, (struct sockaddr *)&at, len) != 0)
		return 0; /* no IPv6 here */
	ck_assert_int_eq(getsockname(*fd, (struct sockaddr *)&at, &len), 0);
	return ntohs(at.sin6_port); /* at the same place in both */
}

START_TEST(tcp)
{
	static const struct {
		int family;
		const char *ip;
	} loopback[] = {{AF_INET, "127.0.0.1"}, {AF_INET6, "::1"}};
	for (size_t i = 0; i < 2; i++) {
		int listener, fd;
		address = (struct config_filter_address){.text = "inet:here", .path = NULL};
		ck_assert(ipaddr_parse(span_of(loopback[i].ip), &address.ip));
		address.port = tcp_port(loopback[i].family, &listener);
		if (!address.port && loopback[i].family == AF_INET6)
			continue;
		expect(ECONNREFUSED, "nothing listens at inet:here: is the filter running?");
		ck_assert_int_eq(listen(listener, 1), 0);
		ck_assert_int_eq(connect_now(&fd), 0);
		close(fd);
		close(listener);
	}
	reach_why(&reach, &address, ETIMEDOUT, why);
	ck_assert_ptr_nonnull(strstr(why, "inet:here did not answer in time: is its host up"));
	reach_why(&reach, &address, ETIME, why);
	ck_assert_str_eq(why, "inet:here accepts connections, but does not answer: does the filter hang?");
	reach_why(&reach, &address, EHOSTUNREACH, why);
	ck_assert_str_eq(why, "can't connect to inet:here: No route to host");
	reach_why(&reach, &address, EMFILE, why);
	ck_assert_str_eq(why, "mailroot-filters can't connect: Too many open files");
}
END_TEST

/* As a user who is in no group; the group of the socket and of the folder is clamav, or 4712. */
static const struct {
	mode_t folder, socket;
	gid_t group;
	const char *words;
} refusals[] = {
	{0755, 0660, 4711,
	 "user joe may not write to /tmp/reach-*/socket, but group clamav may: add the user to the group"},
	{0755, 0660, 4712, "but group 4712 may"},
	{0755, 0600, 4711, "let the filter make its socket with mode 0660"},
	{0755, 0660, 0, "let the filter make its socket with mode 0660"},
	{0750, 0660, 4711, "user joe may not enter the folder /tmp/reach-*, but group clamav may: add the user"},
	{0700, 0666, 4711, "let the filter make it for a group of its own that may enter"},
};

/* WORDS has * in place of the end of the folder's name. */
static bool matches(const char *text, const char *words)
{
	size_t len = strcspn(words, "*");
	char first[200];
	snprintf(first, sizeof(first), "%.*s", (int)len, words);
	const char *at = strstr(text, first);
	return at && (!words[len] || !strncmp(at + len + 6, words + len + 1, strlen(words + len + 1)));
}

START_TEST(permission)
{
	int listener = listen_at(path, 5), status;
	ck_assert_int_eq(chown(path, 0, refusals[_i].group), 0);
	ck_assert_int_eq(chown(folder, 0, refusals[_i].group), 0);
	ck_assert_int_eq(chmod(path, refusals[_i].socket), 0);
	ck_assert_int_eq(chmod(folder, refusals[_i].folder), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (setgid(STRANGER) != 0 || setuid(STRANGER) != 0 || reach_begin(&address) != -EACCES)
			_exit(2);
		reach_why(&reach, &address, EACCES, why);
		if (matches(why, refusals[_i].words))
			_exit(0);
		fprintf(stderr, "%s\n", why);
		_exit(1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(listener);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("filters reach");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_socket_is_reached);
	tcase_add_test(all, a_greeting);
	tcase_add_test(all, a_greeting_that_ends_early);
	tcase_add_test(all, what_is_wrong_with_a_path);
	tcase_add_test(all, a_filter_that_accepts_nothing);
	tcase_add_test(all, tcp);
	if (geteuid() == 0) /* another user, and groups, for a socket */
		tcase_add_loop_test(all, permission, 0, sizeof(refusals) / sizeof(refusals[0]));
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
