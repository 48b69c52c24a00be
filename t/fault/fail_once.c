/*
 * Loaded into the programs of a role (LD_PRELOAD): one call fails once, on demand. Which call and when is in a page of
 * memory that fail_once.py maps too, so that it works in a jail. fail_once.py compiles it, with PAGE.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PREFIX "mailroot-" /* the name of a program is this and its role */

enum { CALL_NONE, CALL_FSTAT, CALL_PREAD, CALL_MALLOC, CALL_RECVMSG, CALL_SENDMSG };

struct page {
	char role[16];
	volatile uint32_t call; /* 0 = nothing fails */
	volatile uint32_t nth;  /* counts the calls of the parent of the role from now on */
	volatile int32_t error;
	volatile uint32_t struck; /* number of failed calls */
};

static struct page *page;
static pid_t parent;
static char role[16];

__attribute__((constructor)) static void begin(void)
{
	char line[4096] = "";
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	long n = syscall(SYS_read, fd, line, sizeof(line) - 1);
	syscall(SYS_close, fd);
	if (n > 0 && strncmp(line, PREFIX, strlen(PREFIX)) == 0)
		strncpy(role, line + strlen(PREFIX), sizeof(role) - 1);
	fd = (int)syscall(SYS_openat, AT_FDCWD, PAGE, O_RDWR | O_CLOEXEC);
	void *at = (void *)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	syscall(SYS_close, fd);
	page = at == MAP_FAILED ? NULL : at;
	parent = (pid_t)syscall(SYS_getpid);
}

static int strikes(uint32_t call)
{
	if (!page || page->call != call || (pid_t)syscall(SYS_getpid) != parent || strcmp(page->role, role) != 0)
		return 0;
	if (--page->nth)
		return 0;
	page->call = CALL_NONE;
	page->struck++;
	errno = page->error;
	return 1;
}

int fstat(int fd, struct stat *st)
{
	return strikes(CALL_FSTAT) ? -1 : fstatat(fd, "", st, AT_EMPTY_PATH);
}

ssize_t pread(int fd, void *to, size_t size, off_t at)
{
	return strikes(CALL_PREAD) ? -1 : syscall(SYS_pread64, fd, to, size, at);
}

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

void *malloc(size_t size)
{
	return strikes(CALL_MALLOC) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return strikes(CALL_MALLOC) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return strikes(CALL_MALLOC) ? NULL : __libc_realloc(old, size);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	return strikes(CALL_RECVMSG) ? -1 : syscall(SYS_recvmsg, fd, message, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	return strikes(CALL_SENDMSG) ? -1 : syscall(SYS_sendmsg, fd, message, flags);
}
