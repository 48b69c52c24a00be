#include "ctl/doctor/checks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "ctl/doctor/diagnose.h"

enum { FOUND_MAX = 1 << 20, TEXTS_MAX = 4 << 20, READ_MAX = 16 * 1024 };
enum { NEEDS_DNS = 1 };

static const struct check {
	const char *id, *title;
	void (*make)(struct doctor *d);
	unsigned needs;
} table[CHECKS_COUNT] = {
#define CHECK(id, needs, title) {#id, title, diagnose_##id, needs},
#include "ctl/doctor/doctor.def"
#undef CHECK
};

/* A check under way. */
struct running {
	pid_t pid; /* 0 = it has ended */
	int from;
};

_Noreturn static void be_check(const struct check *check, struct doctor *d, int to)
{
	arena_init(&d->arena, TEXTS_MAX);
	str_init(&d->found, FOUND_MAX);
	check->make(d);
	_exit(fd_write_all(to, str_span(&d->found)) ? 1 : 0);
}

static void start(const struct check *check, struct doctor *d, struct running *to)
{
	int ends[2];
	*to = (struct running){.from = -1};
	if (pipe2(ends, O_CLOEXEC))
		return;
	to->pid = fork();
	if (to->pid == 0)
		be_check(check, d, ends[1]);
	fd_close(&ends[1]);
	to->from = ends[0];
	if (to->pid < 0) {
		to->pid = 0;
		fd_close(&to->from);
	}
}

/* Reads once. At the end of file the check has ended. */
static void read_more(struct running *one, struct checks_result *result)
{
	char octets[READ_MAX];
	int status = 0;
	ssize_t n = read(one->from, octets, sizeof(octets));
	if (n > 0) {
		str_append(&result->found, (struct span){octets, (size_t)n});
		return;
	}
	if (n < 0 && errno == EINTR)
		return;
	waitpid(one->pid, &status, 0);
	result->complete = WIFEXITED(status) && WEXITSTATUS(status) == 0 && !result->found.failed;
	one->pid = 0;
	fd_close(&one->from);
}

static void collect(struct running all[CHECKS_COUNT], struct checks_result results[CHECKS_COUNT], int64_t until)
{
	struct pollfd ready[CHECKS_COUNT];
	for (;;) {
		bool waits = false;
		int64_t left = until - clock_mono_ms();
		for (size_t i = 0; i < CHECKS_COUNT; i++) {
			ready[i] = (struct pollfd){.fd = all[i].from, .events = POLLIN};
			waits |= all[i].from >= 0;
		}
		if (!waits || left <= 0 || (poll(ready, CHECKS_COUNT, (int)left) < 0 && errno != EINTR))
			return;
		for (size_t i = 0; i < CHECKS_COUNT; i++)
			if (all[i].from >= 0 && ready[i].revents)
				read_more(&all[i], &results[i]);
	}
}

/* What it wrote so far is lost: findings are written at its end. A process in a dead file system can't be awaited. */
static void give_up(struct running *one)
{
	if (!one->pid)
		return;
	kill(one->pid, SIGKILL);
	waitpid(one->pid, NULL, WNOHANG);
	fd_close(&one->from);
}

static void say_incomplete(struct checks_result *result, const char *what, const char *remedy)
{
	const struct finding late = {
		.severity = FINDING_NOTE, .where = {NULL, 0}, .what = span_of(what), .remedy = span_of(remedy)};
	str_clear(&result->found);
	finding_append(&late, &result->found);
}

void checks_init(struct checks_result results[CHECKS_COUNT])
{
	for (size_t i = 0; i < CHECKS_COUNT; i++) {
		results[i] = (struct checks_result){.id = table[i].id, .title = table[i].title};
		str_init(&results[i].found, FOUND_MAX);
	}
}

void checks_make(struct doctor *d, struct checks_result results[CHECKS_COUNT])
{
	static struct running all[CHECKS_COUNT];
	int64_t began = clock_mono_ms();
	d->until = began + DOCTOR_MS;
	for (size_t i = 0; i < CHECKS_COUNT; i++)
		start(&table[i], d, &all[i]);
	collect(all, results, began + DOCTOR_GIVE_UP_MS);
	for (size_t i = 0; i < CHECKS_COUNT; i++) {
		give_up(&all[i]);
		if (!results[i].complete)
			say_incomplete(&results[i],
				       "this was not examined to its end: it took too long, or the process failed",
				       "run doctor again; if that does not help, look at what it examines yourself");
	}
}

void checks_free(struct checks_result results[CHECKS_COUNT])
{
	for (size_t i = 0; i < CHECKS_COUNT; i++)
		str_free(&results[i].found);
}
