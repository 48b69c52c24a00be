#include "common/process/prefork.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/process/pace.h"

enum { SURPLUS_SLACK = 5, TICK_MS = 1000, GENERATION_WRAP = 1000000000 };

/*
 * What the parent tells its workers. A worker that was taken over might overwrite it, so the parent never reads it
 * back.
 */
struct notes {
	_Atomic size_t spare;
	_Atomic size_t high; /* slots at and above it are empty */
	_Atomic bool mute;   /* waking the parent would change nothing */
};

struct worker {
	pid_t pid; /* 0 = none */
	int64_t born;
	uint64_t generation;
	bool leaving; /* was told to end */
};

struct prefork {
	struct prefork_ops ops;
	void *context;
	size_t slots, spare, max, want;
	size_t high, alive;
	uint64_t generation; /* of the worker forked last */
	struct worker *workers;
	struct scoreboard *board;
	struct notes *notes;
	struct pace pace;
	int epoll_fd, signal_fd, poke_fd;
	bool busy; /* in a worker: its own state */
};

static bool watch(struct prefork *p, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	return fd != -1 && epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool open_descriptors(struct prefork *p)
{
	sigset_t chld;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	p->signal_fd = signalfd(-1, &chld, SFD_NONBLOCK | SFD_CLOEXEC);
	p->poke_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return p->epoll_fd != -1 && watch(p, p->signal_fd) && watch(p, p->poke_fd);
}

struct prefork *prefork_new(const struct prefork_ops *ops, void *context, size_t spare, size_t max, int64_t surplus_ms)
{
	struct prefork *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->ops = *ops;
	p->context = context;
	p->slots = max;
	p->pace.surplus_ms = surplus_ms;
	/* No parent forks more than one a millisecond, so the next parent, or one beside this, has other numbers. */
	p->generation = (uint64_t)clock_wall_ms() % GENERATION_WRAP;
	p->epoll_fd = p->signal_fd = p->poke_fd = -1;
	p->workers = calloc(max, sizeof(*p->workers));
	p->board = scoreboard_new(max);
	p->notes = mmap(NULL, sizeof(*p->notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!p->workers || !p->board || p->notes == MAP_FAILED || !open_descriptors(p)) {
		prefork_free(p);
		return NULL;
	}
	prefork_resize(p, spare, max);
	return p;
}

void prefork_free(struct prefork *p)
{
	int keep = errno;
	prefork_signal(p, SIGKILL);
	for (size_t slot = 0; slot < p->high; slot++) {
		if (p->workers[slot].pid)
			waitpid(p->workers[slot].pid, NULL, 0);
	}
	fd_close(&p->epoll_fd);
	fd_close(&p->signal_fd);
	fd_close(&p->poke_fd);
	if (p->notes != MAP_FAILED)
		munmap(p->notes, sizeof(*p->notes));
	scoreboard_free(p->board);
	free(p->workers);
	free(p);
	errno = keep;
}

static void set_mute(struct prefork *p)
{
	atomic_store(&p->notes->mute, p->want || p->alive >= p->max);
}

static void set_high(struct prefork *p, size_t high)
{
	p->high = high;
	atomic_store(&p->notes->high, high);
}

void prefork_resize(struct prefork *p, size_t spare, size_t max)
{
	p->spare = spare;
	p->max = max < p->slots ? max : p->slots;
	atomic_store(&p->notes->spare, spare);
	set_mute(p);
}

void prefork_want(struct prefork *p, size_t workers)
{
	p->want = workers;
	set_mute(p);
}

/* A worker's first steps before `work`. SIGPIPE stays as it is, as with exec. The limit does not apply to root. */
static void leave_parent(struct prefork *p, pid_t parent)
{
	const int usual[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGALRM, SIGCHLD};
	const struct rlimit nothing = {0, 0};
	sigset_t none;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		signal(usual[i], SIG_DFL);
	signal(SIGUSR2, SIG_IGN); /* is about current work: a worker that does not handle it yet has none */
	if (!p->ops.may_fork)
		setrlimit(RLIMIT_NPROC, &nothing);
	fd_close(&p->epoll_fd);
	fd_close(&p->signal_fd);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* All signals are blocked while parent and child share the parent's handlers. */
static pid_t fork_quietly(struct prefork *p, size_t slot)
{
	sigset_t all, before;
	pid_t parent = getpid();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0) {
		leave_parent(p, parent);
		_exit(p->ops.work(p->context, slot));
	}
	int keep = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = keep;
	return pid;
}

static bool fork_worker(struct prefork *p, size_t slot, int64_t now)
{
	if (p->ops.prepare && !p->ops.prepare(p->context, slot))
		return false;
	scoreboard_set(p->board, slot, SCOREBOARD_STARTING, (struct span){NULL, 0}, clock_wall_ms());
	if (slot >= p->high)
		set_high(p, slot + 1);
	pid_t pid = fork_quietly(p, slot);
	if (pid > 0) {
		p->workers[slot] = (struct worker){.pid = pid, .born = now, .generation = ++p->generation};
		p->alive++;
	} else {
		log_error("can't fork: %s; trying again in a second", strerror(errno));
		scoreboard_reset(p->board, slot);
		pace_fork_failed(&p->pace, now);
	}
	if (p->ops.forked)
		p->ops.forked(p->context, slot, pid);
	return pid > 0;
}

/* Forks into the lowest free slots, so that `high` stays low. True when all N were forked. */
static bool fork_workers(struct prefork *p, size_t n, int64_t now)
{
	for (size_t slot = 0; n && slot < p->slots; slot++) {
		if (p->workers[slot].pid)
			continue;
		if (!fork_worker(p, slot, now))
			return false;
		n--;
	}
	return true;
}

static void log_death(const struct worker *w, int status, int64_t lived)
{
	if (WIFSIGNALED(status))
		log_warning("worker=%d died by signal=%d (%s) after=%lldms", w->pid, WTERMSIG(status),
			    strsignal(WTERMSIG(status)), (long long)lived);
	else
		log_warning("worker=%d ended with status=%d after=%lldms", w->pid, WEXITSTATUS(status),
			    (long long)lived);
}

static void bury(struct prefork *p, size_t slot, int status, int64_t now)
{
	struct worker dead = p->workers[slot];
	bool failed = !dead.leaving && !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	p->workers[slot] = (struct worker){0};
	p->alive--;
	scoreboard_reset(p->board, slot);
	size_t high = p->high;
	while (high && !p->workers[high - 1].pid)
		high--;
	set_high(p, high);
	if (failed)
		log_death(&dead, status, now - dead.born);
	if (pace_death(&p->pace, failed, now - dead.born, now))
		log_error("%d workers in a row died right after their start; starting one a second", PACE_EARLY_ROW);
	if (p->ops.gone)
		p->ops.gone(p->context, slot, status);
}

static size_t find_slot(const struct prefork *p, pid_t pid)
{
	size_t slot = 0;
	while (slot < p->high && p->workers[slot].pid != pid)
		slot++;
	return slot;
}

static void reap_each(struct prefork *p, int64_t now)
{
	int status;
	for (size_t slot = p->high; slot-- > 0;) {
		pid_t pid = p->workers[slot].pid;
		if (pid && waitpid(pid, &status, WNOHANG) == pid)
			bury(p, slot, status, now);
	}
}

/* Checks which process is dead before it reaps: a child that is no worker is not reaped here. */
static void reap(struct prefork *p, int64_t now)
{
	for (;;) {
		siginfo_t info = {0};
		int status;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
			return;
		size_t slot = find_slot(p, info.si_pid);
		if (slot == p->high)
			break;
		if (waitpid(info.si_pid, &status, WNOHANG) == info.si_pid)
			bury(p, slot, status, now);
	}
	reap_each(p, now);
}

static void drain(struct prefork *p)
{
	struct signalfd_siginfo info;
	uint64_t pokes;
	while (read(p->signal_fd, &info, sizeof(info)) > 0)
		;
	while (read(p->poke_fd, &pokes, sizeof(pokes)) > 0)
		;
}

/* EMPTY for workers that were told to end, whatever they report. */
static enum scoreboard_state state_of(const struct prefork *p, size_t slot)
{
	const struct worker *w = &p->workers[slot];
	return w->pid && !w->leaving ? scoreboard_state(p->board, slot) : SCOREBOARD_EMPTY;
}

static void tell(struct prefork *p, size_t slot, int signo)
{
	struct worker *w = &p->workers[slot];
	if (!w->pid)
		return;
	kill(w->pid, signo);
	if (signo == SIGTERM || signo == SIGUSR1 || signo == SIGKILL)
		w->leaving = true;
}

static void retire_one(struct prefork *p)
{
	size_t slot = p->high;
	while (slot-- > 0) {
		if (state_of(p, slot) == SCOREBOARD_IDLE) {
			tell(p, slot, SIGUSR1);
			return;
		}
	}
}

static size_t difference(size_t wanted, size_t have)
{
	return wanted > have ? wanted - have : 0;
}

/* Forks up to MISSING workers. Returns the time-out for prefork_tend, OTHERWISE when nothing is left to do. */
static int fill(struct prefork *p, size_t missing, size_t room, int otherwise, int64_t now)
{
	if (missing > room)
		missing = room;
	size_t forks = pace_forks(&p->pace, missing, room, now);
	bool done = fork_workers(p, forks, now);
	set_mute(p);
	int64_t delay = pace_delay(&p->pace, now);
	if (missing && delay)
		return (int)delay;
	if (!done)
		return TICK_MS;
	return missing > forks ? 0 : otherwise;
}

static int tend_wanted(struct prefork *p, int64_t now)
{
	size_t wanted = p->want < p->max ? p->want : p->max;
	size_t missing = difference(wanted, p->alive);
	return fill(p, missing, missing, -1, now);
}

/* `mute` is set before the count: a worker that turns busy later wakes the parent. */
static int tend_spare(struct prefork *p, int64_t now)
{
	set_mute(p);
	size_t count[SCOREBOARD_BUSY + 1] = {0};
	for (size_t slot = 0; slot < p->high; slot++)
		count[state_of(p, slot)]++;
	size_t idle = count[SCOREBOARD_IDLE];
	bool surplus = idle > p->spare + SURPLUS_SLACK;
	if (pace_retire(&p->pace, surplus, now))
		retire_one(p);
	size_t missing = difference(p->spare, idle + count[SCOREBOARD_STARTING]);
	int otherwise = idle == p->alive && !surplus ? -1 : TICK_MS;
	return fill(p, missing, difference(p->max, p->alive), otherwise, now);
}

int prefork_tend(struct prefork *p)
{
	int64_t now = clock_mono_ms();
	drain(p);
	reap(p, now);
	return p->want ? tend_wanted(p, now) : tend_spare(p, now);
}

int prefork_fd(const struct prefork *p)
{
	return p->epoll_fd;
}

void prefork_signal(struct prefork *p, int signo)
{
	for (size_t slot = 0; slot < p->high; slot++)
		tell(p, slot, signo);
}

size_t prefork_count(const struct prefork *p)
{
	return p->alive;
}

size_t prefork_max(const struct prefork *p)
{
	return p->max;
}

size_t prefork_slots(const struct prefork *p)
{
	return p->slots;
}

bool prefork_alive(const struct prefork *p, size_t slot)
{
	return slot < p->slots && p->workers[slot].pid;
}

uint64_t prefork_generation(const struct prefork *p, size_t slot)
{
	return p->workers[slot].generation;
}

void prefork_end_work(struct prefork *p, size_t slot, uint64_t served)
{
	scoreboard_ask_end(p->board, slot, served);
	tell(p, slot, SIGUSR2);
}

struct scoreboard *prefork_scoreboard(struct prefork *p)
{
	return p->board;
}

void prefork_idle(struct prefork *p, size_t slot)
{
	scoreboard_set(p->board, slot, SCOREBOARD_IDLE, (struct span){NULL, 0}, clock_wall_ms());
	p->busy = false;
}

void prefork_busy(struct prefork *p, size_t slot, struct span doing)
{
	uint64_t one = 1;
	scoreboard_set(p->board, slot, SCOREBOARD_BUSY, doing, clock_wall_ms());
	if (p->busy)
		return;
	p->busy = true;
	if (atomic_load(&p->notes->mute))
		return;
	size_t idle = scoreboard_count(p->board, atomic_load(&p->notes->high), SCOREBOARD_IDLE);
	if (idle < atomic_load(&p->notes->spare))
		(void)!write(p->poke_fd, &one, sizeof(one)); /* full: the parent is awake */
}
