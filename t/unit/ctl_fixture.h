/*
 * mailrootctl against a service that a forked process simulates, in a folder with its configuration and its control
 * socket. The test says how that process answers a connection.
 */
#ifndef T_UNIT_CTL_FIXTURE_H
#define T_UNIT_CTL_FIXTURE_H

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ipc/rows.h"
#include "ctl/commands.h"
#include "t/unit/suite.h"

static char folder[64], conf[100];
static pid_t actor; /* the process that simulates the service; 0 = none */
static char output[65536];

/* CELLS are separated by | here. */
static inline void send_row(int fd, const char *kind, const char *cells)
{
	char joined[1000];
	struct wire_ctl_row row = {.kind = span_of(kind)};
	struct str packet;

	snprintf(joined, sizeof(joined), "%s", cells);
	for (char *c = joined; *c; c++)
		*c = *c == '|' ? ROW_SEPARATOR : *c;
	row.cells = span_of(joined);
	str_init(&packet, WIRE_PACKET_MAX);
	if (!wire_encode_ctl_row(&row, &packet) || ipc_send(fd, str_span(&packet), NULL, 0))
		_exit(9);
	str_free(&packet);
}

/* WITH is a descriptor for the operator; -1 = none. */
static inline void send_done(int fd, unsigned exit_code, const char *text, int with)
{
	struct wire_ctl_done done = {.exit_code = exit_code, .text = span_of(text)};
	struct str packet;

	str_init(&packet, WIRE_PACKET_MAX);
	if (!wire_encode_ctl_done(&done, &packet) || ipc_send(fd, str_span(&packet), &with, with >= 0))
		_exit(9);
	str_free(&packet);
}

/*
 * Answers with a link to a new process, which simulates the child that the operator wants. Returns the end of the link
 * in the new process, and -1 in the caller.
 */
static inline int send_link(int fd)
{
	int ends[2];

	if (ipc_pair(ends, 200000))
		_exit(9);
	if (fork() == 0) {
		close(ends[0]);
		return ends[1];
	}
	close(ends[1]);
	send_done(fd, 0, "", ends[0]);
	close(ends[0]);
	return -1;
}

/* PLAY_MASTER reads a request from a connection and answers it. */
static inline void fixture_open(void (*play_master)(int fd))
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(folder, "/tmp/ctl-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(conf, sizeof(conf), "%s/conf", folder);
	FILE *to = fopen(conf, "w");
	fprintf(to, "run_dir %s\nvirtual_server one { fqdn mail.example.com }\n", folder);
	fclose(to);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", folder);
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 10), 0);
	actor = fork();
	if (actor == 0) {
		signal(SIGCHLD, SIG_IGN);
		for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd))
			play_master(fd);
		_exit(0);
	}
	close(listener);
}

static inline void stop_actor(void)
{
	if (actor > 0) {
		kill(actor, SIGKILL);
		waitpid(actor, NULL, 0);
	}
	actor = 0;
}

static inline void fixture_close(void)
{
	char command[128];

	stop_actor();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

/*
 * Runs a command line in a process of its own, without a terminal and with INPUT on its standard input. Returns its
 * status; output has both of its streams.
 */
static inline int run(const char *line, const char *input)
{
	char copy[1000];
	char *argv[64] = {(char *)"mailrootctl", (char *)"-c", conf};
	int argc = 3, ends[2], in[2], status;
	size_t len = 0;
	ssize_t n;

	strcpy(copy, line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(write(in[1], input, strlen(input)), (ssize_t)strlen(input));
	close(in[1]);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		close(ends[0]);
		status = commands_run(argc, argv);
		fflush(stdout);
		_exit(status);
	}
	close(in[0]);
	close(ends[1]);
	while ((n = read(ends[0], output + len, sizeof(output) - 1 - len)) > 0)
		len += (size_t)n;
	output[len] = '\0';
	close(ends[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* LINE ends with STATUS, and WORD is in its output. */
static inline void expect(const char *line, int status, const char *word)
{
	int got = run(line, "");

	ck_assert_msg(got == status, "%s: exit %d\n%s", line, got, output);
	ck_assert_msg(strstr(output, word) != NULL, "%s: no \"%s\" in:\n%s", line, word, output);
}

/* WORD is in the output of the last command. */
static inline void shows(const char *word)
{
	ck_assert_msg(strstr(output, word) != NULL, "no \"%s\" in:\n%s", word, output);
}

#endif
