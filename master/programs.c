#include "master/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/installed.h"
#include "common/process/child.h"

enum { ANSWER_MAX = 1000 };

static _Noreturn void become(const char *path, int output)
{
	char *arguments[] = {(char *)path, "--version", NULL};
	if (dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0)
		execv(path, arguments);
	dprintf(output, "%s", strerror(errno));
	_exit(EXIT_FAILURE);
}

/* What PATH says of its version, or why it does not. */
static void ask(const char *path, struct str *answer)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC)) {
		str_append_text(answer, strerror(errno));
		return;
	}
	pid_t pid = fork();
	if (pid == 0)
		become(path, ends[1]);
	fd_close(&ends[1]);
	if (pid < 0 || fd_read_all(ends[0], answer))
		str_append_text(answer, "no memory");
	fd_close(&ends[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static bool check(const char *folder, const char *program, struct str *why)
{
	char path[PATH_MAX + 64], expected[100];
	struct str answer;
	snprintf(path, sizeof(path), "%s/%s", folder, program);
	snprintf(expected, sizeof(expected), "%s %s\n", program, MAILROOT_VERSION);
	str_init(&answer, ANSWER_MAX);
	ask(path, &answer);
	struct span said = str_span(&answer);
	bool good = span_equal(said, span_of(expected));
	said.len = span_find(said, '\n');
	if (!good)
		str_printf(why, "%s is not the program of version %s: %.*s\n", path, MAILROOT_VERSION, SPAN_ARGS(said));
	str_free(&answer);
	return good;
}

bool programs_check(const char *folder, unsigned roles, struct str *why)
{
	bool good = true;
	for (enum child_role role = 0; role < CHILD_ROLE_COUNT; role++) {
		if (roles & 1U << role)
			good &= check(folder, child_role_program(role), why);
	}
	return good;
}
