#include "ctl/doctor/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"

enum { READ_MAX = 16 * 1024 };

/* A job under way. */
struct running {
	pid_t pid; /* 0 = it has ended */
	int from;  /* -1 = it has ended */
};

/* Libraries log what the results say better. */
static void be_silent(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null >= 0)
		dup2(null, STDERR_FILENO);
	fd_close(&null);
}

_Noreturn static void be_job(const struct jobs *jobs, size_t which, int to)
{
	struct str text;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	be_silent();
	str_init(&text, JOBS_TEXT_MAX);
	jobs->run(jobs->context, which, &text);
	_exit(fd_write_all(to, str_span(&text)) || text.failed ? 1 : 0);
}

static void start(const struct jobs *jobs, size_t which, struct running *to)
{
	int ends[2];
	*to = (struct running){.from = -1};
	if (pipe2(ends, O_CLOEXEC))
		return;
	pid_t pid = fork();
	if (pid == 0)
		be_job(jobs, which, ends[1]);
	fd_close(&ends[1]);
	if (pid < 0)
		fd_close(&ends[0]);
	else
		*to = (struct running){.pid = pid, .from = ends[0]};
}

/* Reads once. At the end of file the job has ended. */
static void read_more(struct running *one, struct jobs_result *result)
{
	char octets[READ_MAX];
	int status = 0;
	ssize_t n = read(one->from, octets, sizeof(octets));
	if (n > 0) {
		str_append(&result->text, (struct span){octets, (size_t)n});
		return;
	}
	if (n < 0 && errno == EINTR)
		return;
	waitpid(one->pid, &status, 0);
	result->complete = WIFEXITED(status) && WEXITSTATUS(status) == 0 && !result->text.failed;
	one->pid = 0;
	fd_close(&one->from);
}

static void collect(const struct jobs *jobs, struct running *all, struct pollfd *ready, struct jobs_result *results)
{
	for (;;) {
		bool waits = false;
		int64_t left = jobs->until - clock_mono_ms();
		for (size_t i = 0; i < jobs->n; i++) {
			ready[i] = (struct pollfd){.fd = all[i].from, .events = POLLIN};
			waits |= all[i].from >= 0;
		}
		if (!waits || left <= 0 || (poll(ready, jobs->n, (int)left) < 0 && errno != EINTR))
			return;
		for (size_t i = 0; i < jobs->n; i++)
			if (all[i].from >= 0 && ready[i].revents)
				read_more(&all[i], &results[i]);
	}
}

/* What it wrote so far is lost: a job writes at its end. A process in a dead file system can't be awaited. */
static void give_up(struct running *one)
{
	if (!one->pid)
		return;
	kill(one->pid, SIGKILL);
	waitpid(one->pid, NULL, WNOHANG);
	fd_close(&one->from);
}

void jobs_run(const struct jobs *jobs, struct jobs_result *results)
{
	struct running *all = calloc(jobs->n + 1, sizeof(*all));
	struct pollfd *ready = calloc(jobs->n + 1, sizeof(*ready));
	for (size_t i = 0; i < jobs->n; i++) {
		results[i] = (struct jobs_result){.complete = false};
		str_init(&results[i].text, JOBS_TEXT_MAX);
	}
	for (size_t i = 0; all && ready && i < jobs->n; i++)
		start(jobs, i, &all[i]);
	if (all && ready)
		collect(jobs, all, ready, results);
	for (size_t i = 0; all && i < jobs->n; i++)
		give_up(&all[i]);
	free(all);
	free(ready);
}

void jobs_free(struct jobs_result *results, size_t n)
{
	for (size_t i = 0; i < n; i++)
		str_free(&results[i].text);
}
