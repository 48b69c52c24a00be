/*
 * The whole program mailroot-smtpd except main: a parent that the test starts as master does, its workers, and clients
 * on loopback.
 */
#ifndef T_UNIT_PARENT_FIXTURE_H
#define T_UNIT_PARENT_FIXTURE_H

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log_level.h"
#include "common/ipc/ipc.h"
#include "common/ipc/rows.h"
#include "common/net/net.h"
#include "smtpd/parent.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

enum { FDS_ABOVE = 40, TARGETS = CHILD_FD_LISTEN + 1 };

static char folder[64], global[256];
static int control, arrivals, listener; /* the ends of master and of the queue; where the parent listens */
static uint16_t port;
static pid_t parent;
static char buffer[WIRE_PACKET_MAX];
static struct str heard; /* by the client since it connected */

static inline void make_folders(void)
{
	char path[128];
	strcpy(folder, "/tmp/test_smtpd_parent.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 0755), 0);
	snprintf(path, sizeof(path), "%s/test", folder);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	strcat(path, "/new");
	ck_assert_int_eq(mkdir(path, 0777), 0);
	ck_assert_int_eq(chmod(path, 0777), 0);
	snprintf(global, sizeof(global), "mailroot_dir %s\nsmtpd_user nobody\n", folder);
}

static inline int sealed(const char *lines)
{
	struct str text;
	memory_canonical(global, lines, &text);
	int fd = fd_sealed("config", str_span(&text));
	str_free(&text);
	ck_assert_int_ge(fd, 0);
	return fd;
}

_Noreturn static inline void run_parent(const int *fds)
{
	char *argv[] = {(char[]){"mailroot-smtpd"}, (char[]){"--server"}, (char[]){"test"},
			(char[]){"--listeners"},    (char[]){"1"},        NULL};
	static struct parent p;
	int above[TARGETS];
	for (int i = CHILD_FD_CONTROL; i < TARGETS; i++)
		above[i] = fcntl(fds[i], F_DUPFD, FDS_ABOVE);
	for (int i = CHILD_FD_CONTROL; i < TARGETS; i++)
		dup2(above[i], i);
	close_range(TARGETS, ~0U, 0);
	log_set_level(LOG_LEVEL_ERROR);
	struct child child;
	child_start(sizeof(argv) / sizeof(argv[0]) - 1, argv, CHILD_SMTPD, &child);
	parent_init(&p, &child);
	parent_jail(&p);
	parent_ready(&p);
	_exit(parent_loop(&p));
}

static inline void listen_somewhere(void)
{
	const struct config_endpoint where = {.ip = memory_address("127.0.0.1")};
	struct sockaddr_in name;
	socklen_t len = sizeof(name);
	listener = net_listen(&where, false, false);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&name, &len), 0);
	port = ntohs(name.sin_port);
}

static inline enum wire_type receive(int link, struct ipc_packet *packet)
{
	ck_assert_int_eq(ipc_receive(link, buffer, sizeof(buffer), 0, packet), 0);
	ck_assert(!packet->eof);
	return wire_type_of(packet->text);
}

static inline void start(const char *lines)
{
	int controls[2], arrival_ends[2];
	struct ipc_packet packet;
	make_folders();
	listen_somewhere();
	ck_assert_int_eq(ipc_pair(controls, 1 << 20), 0);
	ck_assert_int_eq(ipc_pair(arrival_ends, 1 << 20), 0);
	int config = sealed(lines), null = open("/dev/null", O_RDWR | O_CLOEXEC);
	parent = fork();
	ck_assert_int_ge(parent, 0);
	if (!parent)
		run_parent((int[TARGETS]){[0] = 0,
					  [1] = 1,
					  [2] = 2,
					  [CHILD_FD_CONTROL] = controls[1],
					  [CHILD_FD_CONFIG] = config,
					  [CHILD_FD_ARRIVALS] = arrival_ends[0],
					  [CHILD_FD_VERDICTS... CHILD_FD_LISTEN - 1] = null,
					  [CHILD_FD_LISTEN] = listener});
	close(controls[1]);
	close(config);
	close(null);
	control = controls[0];
	arrivals = arrival_ends[1];
	close(arrival_ends[0]);
	str_init(&heard, 1 << 20);
	ck_assert_int_eq(receive(control, &packet), WIRE_ready);
}

static inline void remove_files(void)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/test/new", folder);
	DIR *dir = opendir(path);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/test", folder);
	rmdir(path);
	rmdir(folder);
}

/* The parent was told to stop, and ends with status 0. */
static inline void finish(void)
{
	int status;
	ck_assert_int_eq(waitpid(parent, &status, 0), parent);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	fd_close(&control);
	fd_close(&arrivals);
	fd_close(&listener);
	str_free(&heard);
	remove_files();
}

static inline void tell(enum wire_type type, int fd)
{
	struct str packet;
	str_init(&packet, 1000);
	if (type == WIRE_stop)
		wire_encode_stop(&(struct wire_stop){.now = false}, &packet);
	else if (type == WIRE_reload)
		wire_encode_reload(&(struct wire_reload){.generation = 2}, &packet);
	else
		wire_encode_attach(&(struct wire_attach){.kind = CHILD_LINK_CTL}, &packet);
	ck_assert_int_eq(ipc_send(control, str_span(&packet), &fd, fd >= 0), 0);
	if (fd >= 0)
		close(fd);
	str_free(&packet);
}

static inline void stop(void)
{
	tell(WIRE_stop, -1);
	finish();
}

static inline int client(void)
{
	struct ipaddr ip = memory_address("127.0.0.1");
	int fd = net_connect_from(NULL, &ip, port, 10000);
	ck_assert_int_ge(fd, 0);
	str_clear(&heard);
	return fd;
}

static inline void say(int fd, const char *text)
{
	ck_assert_int_eq(fd_write_all(fd, span_of(text)), 0);
}

static inline void hear(int fd, const char *text)
{
	char octet;
	while (!strstr(str_text(&heard), text)) {
		ck_assert_msg(read(fd, &octet, 1) == 1, "not heard: %s\n%s", text, str_text(&heard));
		str_append_c(&heard, octet);
	}
}

/* A slot may become free a moment after its session ends: until then new clients get 421. */
static inline int client_with_a_place(void)
{
	for (int i = 0; i < 1000; i++) {
		int fd = client();
		hear(fd, "\n");
		if (strstr(str_text(&heard), "220 "))
			return fd;
		close(fd);
	}
	ck_abort_msg("never served");
}

static inline int attach(void)
{
	int ends[2];
	ck_assert_int_eq(ipc_pair(ends, 1 << 20), 0);
	tell(WIRE_attach, ends[1]);
	return ends[0];
}

/* The rows of an answer, one line each, and its end. */
static inline unsigned ask(int link, const struct str *request, struct str *rows)
{
	struct ipc_packet packet;
	struct wire_ctl_row row;
	struct wire_ctl_done done;
	ck_assert_int_eq(ipc_send(link, str_span(request), NULL, 0), 0);
	while (receive(link, &packet) == WIRE_ctl_row) {
		ck_assert(wire_decode_ctl_row(packet.text, &row));
		str_append(rows, row.kind);
		for (size_t i = 0; i < row.cells.len; i++)
			str_append_c(rows, row.cells.at[i] == ROW_SEPARATOR && !i ? '|' : row.cells.at[i]);
		str_append_c(rows, '\n');
	}
	ck_assert(wire_decode_ctl_done(packet.text, &done));
	str_append(rows, done.text);
	return (unsigned)done.exit_code;
}

#endif
