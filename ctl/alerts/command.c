#include "ctl/alerts/command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"

enum { VARIABLES = 8, VARIABLE_MAX = 640, CANNOT_RUN = 127 };

struct environment {
	char text[VARIABLES][VARIABLE_MAX];
	char *at[VARIABLES + 1];
};

static void build_environment(const struct command_alert *alert, struct environment *to)
{
	const char *const variables[VARIABLES][2] = {
		{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"},
		{"LANG", "C"},
		{"ALERT_STATE", alert->state},
		{"ALERT_KIND", alert->kind},
		{"ALERT_SERVER", alert->server},
		{"ALERT_OBJECT", alert->object},
		{"ALERT_SINCE", alert->since},
		{"ALERT_SUBJECT", alert->subject},
	};
	for (size_t i = 0; i < VARIABLES; i++) {
		snprintf(to->text[i], VARIABLE_MAX, "%s=%s", variables[i][0], variables[i][1]);
		to->at[i] = to->text[i];
	}
	to->at[VARIABLES] = NULL;
}

static _Noreturn void become_command(const char *path, struct environment *environment, int text)
{
	char *arguments[] = {(char *)path, NULL};
	sigset_t none;
	setpgid(0, 0);
	for (int signo = 1; signo < NSIG; signo++)
		signal(signo, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
	bool ready = nothing >= 0 && dup2(text, STDIN_FILENO) == STDIN_FILENO && dup2(nothing, STDOUT_FILENO) > 0 &&
		     dup2(nothing, STDERR_FILENO) > 0 && close_range(STDERR_FILENO + 1, UINT_MAX, 0) == 0 &&
		     chdir("/") == 0;
	if (ready)
		execve(path, arguments, environment->at);
	_exit(CANNOT_RUN);
}

/*
 * Waits for the end of PID until MS are over (-ETIMEDOUT) or waiting fails (-errno), kills what is left of its group,
 * and takes its status.
 */
static int await_end(pid_t pid, int64_t ms, int *status)
{
	int fd = pidfd_open(pid, 0);
	int err = fd < 0 ? -errno : fd_await(fd, clock_mono_ms() + ms);
	fd_close(&fd);
	kill(-pid, SIGKILL); /* before the pid is free for others */
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	return err;
}

static bool explain(const char *path, int err, int status, int64_t ms, char *said)
{
	if (err == -ETIMEDOUT)
		snprintf(said, COMMAND_SAID_MAX, "%.300s did not end within %lld s and was killed", path,
			 (long long)ms / 1000);
	else if (err)
		snprintf(said, COMMAND_SAID_MAX, "%.300s was killed: its end can't be awaited: %s", path,
			 strerror(-err));
	else if (WIFSIGNALED(status))
		snprintf(said, COMMAND_SAID_MAX, "%.300s was ended by signal %d", path, WTERMSIG(status));
	else if (WEXITSTATUS(status) == CANNOT_RUN)
		snprintf(said, COMMAND_SAID_MAX, "%.300s can't be run, or ended with status 127", path);
	else
		snprintf(said, COMMAND_SAID_MAX, "%.300s ended with status %d", path, WEXITSTATUS(status));
	return !err && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool command_run(const char *path, const struct command_alert *alert, int64_t ms, char *said)
{
	struct environment environment;
	int status = 0;
	build_environment(alert, &environment);
	int text = fd_sealed("alert", alert->text);
	pid_t pid = text < 0 ? -1 : fork();
	if (pid == 0)
		become_command(path, &environment, text);
	fd_close(&text);
	if (pid < 0) {
		snprintf(said, COMMAND_SAID_MAX, "%.300s can't be started: no memory, descriptor or process is left",
			 path);
		return false;
	}
	setpgid(pid, pid);
	int err = await_end(pid, ms, &status);
	return explain(path, err, status, ms, said);
}
