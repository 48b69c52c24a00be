#include "common/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"

enum { READ_CHUNK = 32 * 1024 };

void fd_close(int *fd)
{
	int saved = errno;
	if (*fd != -1)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int fd_set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags == -1)
		return -errno;
	int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	if (wanted != flags && fcntl(fd, F_SETFL, wanted) == -1)
		return -errno;
	return 0;
}

int fd_write_all(int fd, struct span text)
{
	while (text.len) {
		ssize_t n = write(fd, text.at, text.len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		text = span_skip(text, (size_t)n);
	}
	return 0;
}

bool fd_error_lasts(int err)
{
	static const int lasting[] = {EACCES, EPERM,  ENOENT, ENOTDIR, ELOOP,  ENAMETOOLONG,
				      EISDIR, EINVAL, EBADF,  ENXIO,   ENODEV, ENOEXEC};
	for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++)
		if (-err == lasting[i])
			return true;
	return false;
}

int fd_read_all(int fd, struct str *to)
{
	char chunk[READ_CHUNK];
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		if (n == 0)
			return 0;
		if ((size_t)n > to->max - to->len)
			return -EFBIG;
		if (!str_append(to, (struct span){chunk, (size_t)n}))
			return -ENOMEM;
	}
}

int fd_copy(int from, off_t at, off_t end, int to)
{
	while (at < end) {
		ssize_t n = sendfile(to, from, &at, (size_t)(end - at));
		if (n == -1 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO;
	}
	return 0;
}

int fd_copy_as(int from, int folder, const char *name)
{
	char hidden[NAME_MAX + 2];
	struct stat st;
	if (fstat(from, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EXDEV;
	snprintf(hidden, sizeof(hidden), ".%s", name);
	int to = openat(folder, hidden, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (to < 0)
		return -errno;
	int err = fd_copy(from, 0, st.st_size, to);
	if (!err && fsync(to) < 0)
		err = -errno;
	fd_close(&to);
	if (!err && renameat(folder, hidden, folder, name) < 0)
		err = -errno;
	if (!err && fsync(folder) < 0)
		err = -errno;
	if (err)
		unlinkat(folder, hidden, 0);
	return err;
}

int fd_rename_new(int from_folder, const char *from, int to_folder, const char *to)
{
	if (renameat2(from_folder, from, to_folder, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (linkat(from_folder, from, to_folder, to, 0) == 0) {
		unlinkat(from_folder, from, 0);
		return 0;
	}
	if (errno != EPERM) /* fs.protected_hardlinks: a file of another user */
		return -errno;
	if (faccessat(to_folder, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(from_folder, from, to_folder, to) == 0 ? 0 : -errno;
}

int fd_await(int fd, int64_t until)
{
	for (;;) {
		struct pollfd polled = {.fd = fd, .events = POLLIN};
		int64_t left = until - clock_mono_ms();
		int n = left > 0 ? poll(&polled, 1, left < INT_MAX ? (int)left : INT_MAX) : 0;
		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

bool fd_error_stays(int err)
{
	return err != EINTR && err != EAGAIN && err != ECONNABORTED;
}

void fd_rest(int err)
{
	if (fd_error_stays(err))
		poll(NULL, 0, FD_REST_MS);
}

bool fd_same(int a, int b)
{
	char from_a[READ_CHUNK], from_b[READ_CHUNK];
	for (off_t at = 0;;) {
		ssize_t got = pread(a, from_a, sizeof(from_a), at);
		if (got < 0 || pread(b, from_b, sizeof(from_b), at) != got)
			return false;
		if (got == 0)
			return true;
		if (memcmp(from_a, from_b, (size_t)got) != 0)
			return false;
		at += got;
	}
}

int fd_open_regular(const char *path, const char **why)
{
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	*why = "";
	if (fd < 0) {
		*why = errno == ENOENT ? "" : strerror(errno);
		return -1;
	}
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
		return fd;
	*why = "it is not a regular file";
	fd_close(&fd);
	return -1;
}

bool fd_may_hang(const char *path)
{
	struct stat file;
	return stat(path, &file) == 0 && !S_ISREG(file.st_mode);
}

int fd_sealed(const char *name, struct span text)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -errno;
	int err = fd_write_all(fd, text);
	if (err == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == -1)
		err = -errno;
	if (err == 0 && lseek(fd, 0, SEEK_SET) == -1)
		err = -errno;
	if (err == 0)
		return fd;
	fd_close(&fd);
	return err;
}

void fd_random(void *to, size_t n)
{
	char *at = to;
	while (n) {
		ssize_t got = getrandom(at, n, 0);
		if (got == -1 && errno != EINTR)
			log_fatal(EXIT_TEMPORARY, "the kernel gives no random numbers: %s", strerror(errno));
		if (got == -1)
			continue;
		at += got;
		n -= (size_t)got;
	}
}
