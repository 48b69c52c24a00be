#include "master/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/installed.h"
#include "common/base/log.h"
#include "common/base/program.h"
#include "common/ipc/ipc.h"

/* A child gets its whole environment from here: a service must not depend on what started it. */
static const char *const kept_variables[] = {
	"TZ",           "KRB5_CONFIG",
#ifdef __SANITIZE_ADDRESS__
	"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS",
#endif
};
enum { KEPT_COUNT = sizeof(kept_variables) / sizeof(kept_variables[0]), ENVIRONMENT_MAX = KEPT_COUNT + 3 };

enum { PLACES_MAX = CHILD_FD_LISTEN + SPAWN_LISTENERS_MAX };

enum { CONTROL_SNDBUF = 256 * 1024, ARGUMENTS_MAX = 10 };

static void build_environment(char text[ENVIRONMENT_MAX][256], char *environment[ENVIRONMENT_MAX])
{
	size_t n = 0;
	snprintf(text[n++], 256, "LANG=C");
	snprintf(text[n++], 256, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	for (size_t i = 0; i < KEPT_COUNT; i++) {
		const char *value = getenv(kept_variables[i]);
		if (value && strlen(value) < 200)
			snprintf(text[n++], 256, "%s=%.200s", kept_variables[i], value);
	}
	for (size_t i = 0; i < n; i++)
		environment[i] = text[i];
	environment[n] = NULL;
}

/* Moves sources[i] to descriptor i for all i < n: first all of them above every target, so that none is overwritten
 * before it was moved. */
static bool place_descriptors(int *sources, int n)
{
	for (int i = 0; i < n; i++) {
		sources[i] = fcntl(sources[i], F_DUPFD, PLACES_MAX);
		if (sources[i] < 0)
			return false;
	}
	for (int i = 0; i < n; i++) {
		if (dup2(sources[i], i) < 0)
			return false;
	}
	return close_range((unsigned)n, UINT_MAX, 0) == 0;
}

static void default_signals(void)
{
	sigset_t none;
	for (int signo = 1; signo < NSIG; signo++)
		signal(signo, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become_child(const struct spawn *what, int control, int config)
{
	char path[PATH_MAX], count[16], text[ENVIRONMENT_MAX][256];
	char *environment[ENVIRONMENT_MAX];
	int sources[PLACES_MAX];
	int n = CHILD_FD_LISTEN;
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	sources[0] = sources[1] = nothing;
	sources[CHILD_FD_LOG] = CHILD_FD_LOG;
	sources[CHILD_FD_CONTROL] = control;
	sources[CHILD_FD_CONFIG] = config;
	for (size_t i = 0; i < CHILD_FD_KEPT; i++)
		sources[CHILD_FD_ARRIVALS + i] = what->kept[i] >= 0 ? what->kept[i] : nothing;
	for (size_t i = 0; i < what->listener_count; i++)
		sources[n++] = what->listeners[i];

	setpgid(0, 0);
	default_signals();
	umask(022);
	build_environment(text, environment);
	snprintf(path, sizeof(path), "%s/%s", what->folder, what->program);
	snprintf(count, sizeof(count), "%zu", what->listener_count);
	char *arguments[ARGUMENTS_MAX] = {(char *)what->program};
	size_t used = 1;
	if (what->server) {
		arguments[used++] = "--server";
		arguments[used++] = (char *)what->server;
	}
	if (what->listener_count) {
		arguments[used++] = "--listeners";
		arguments[used++] = count;
	}
	if (what->paused)
		arguments[used++] = "--paused";

	if (nothing < 0 || chdir("/") || !place_descriptors(sources, n))
		log_fatal(EXIT_TEMPORARY, "%s%s%s: its descriptors can't be set up: %s", what->program,
			  what->server ? " of server " : "", what->server ? what->server : "", strerror(errno));
	execve(path, arguments, environment);
	log_fatal(EXIT_TEMPORARY, "%s can't be started: %s", path, strerror(errno));
}

int spawn_child(const struct spawn *what, pid_t *pid, int *control)
{
	int ends[2];
	if (what->listener_count > SPAWN_LISTENERS_MAX)
		return -EINVAL;
	int config = fd_sealed("configuration", what->config);
	if (config < 0)
		return config;
	int err = ipc_pair(ends, CONTROL_SNDBUF);
	if (err) {
		fd_close(&config);
		return err;
	}
	fd_set_nonblock(ends[0], true);
	*pid = fork();
	if (*pid == 0)
		become_child(what, ends[1], config);
	err = *pid < 0 ? -errno : 0;
	fd_close(&config);
	fd_close(&ends[1]);
	if (err)
		fd_close(&ends[0]);
	else
		setpgid(*pid, *pid);
	*control = ends[0];
	return err;
}

void spawn_find_programs(char *to, size_t size)
{
	program_find(child_role_program(CHILD_SMTPD), MAILROOT_LIBEXECDIR, to, size);
	char *slash = strrchr(to, '/');
	if (slash)
		*slash = '\0';
}
