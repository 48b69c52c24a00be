#include "smtpd/auth/semaphore.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/base/clock.h"

/* The interval at which a waiting process checks its deadline, so that no signal is missed in a race. */
enum { LOOK_US = 50 * 1000 };

int semaphore_new(void)
{
	int fd = memfd_create("smtpd-semaphore", MFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool lock(int fd, int64_t place, short type, int command)
{
	struct flock request = {.l_type = type, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};
	return fcntl(fd, command, &request) == 0;
}

static int64_t take_free(int fd, int64_t first, size_t count, size_t begin)
{
	for (size_t i = 0; i < count; i++) {
		int64_t place = first + (int64_t)((begin + i) % count);
		if (lock(fd, place, F_WRLCK, F_SETLK))
			return place;
	}
	return SEMAPHORE_NONE;
}

static void on_alarm(int signo)
{
	(void)signo;
}

/* Waits in the kernel's queue for one slot. It has no time-out, so SIGALRM interrupts it. */
static bool wait_for(int fd, int64_t place, int64_t until)
{
	const struct sigaction interrupt = {.sa_handler = on_alarm};
	const struct itimerval look = {{0, LOOK_US}, {0, LOOK_US}}, off = {{0, 0}, {0, 0}};
	struct sigaction before;
	bool taken = false;
	sigaction(SIGALRM, &interrupt, &before);
	setitimer(ITIMER_REAL, &look, NULL);
	do {
		taken = lock(fd, place, F_WRLCK, F_SETLKW);
	} while (!taken && errno == EINTR && clock_mono_ms() < until);
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &before, NULL);
	return taken;
}

int64_t semaphore_acquire(int fd, int64_t first, size_t count, int64_t wait_ms)
{
	int64_t until = clock_mono_ms() + wait_ms;
	size_t begin = (size_t)getpid() % count;
	int64_t place = take_free(fd, first, count, begin);
	if (place != SEMAPHORE_NONE || !wait_ms)
		return place;
	place = first + (int64_t)begin;
	return wait_for(fd, place, until) ? place : SEMAPHORE_NONE;
}

void semaphore_release(int fd, int64_t place)
{
	if (place != SEMAPHORE_NONE)
		lock(fd, place, F_UNLCK, F_SETLK);
}
