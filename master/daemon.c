#include "master/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log.h"

static const struct sockaddr_un syslog_address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};

/* The process that the administrator started: prints what the daemon reports. The last octet is the exit status. */
static _Noreturn void wait_for_report(int fd)
{
	char text[4096];
	size_t len = 0;
	ssize_t n;
	while (len < sizeof(text) && ((n = read(fd, text + len, sizeof(text) - len)) > 0 || (n < 0 && errno == EINTR)))
		len += n > 0 ? (size_t)n : 0;
	if (!len) {
		fprintf(stderr, "mailrootd: the service ended before it was ready; the log has the reason\n");
		_exit(1);
	}
	fwrite(text, 1, len - 1, stderr);
	_exit(text[len - 1]);
}

int daemon_detach(void)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		return -1;
	pid_t pid = fork();
	if (pid < 0)
		return -1;
	if (pid > 0) {
		fd_close(&ends[1]);
		wait_for_report(ends[0]);
	}
	fd_close(&ends[0]);
	setsid();
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (nothing >= 0) {
		dup2(nothing, 0);
		dup2(nothing, 1);
		fd_close(&nothing);
	}
	return ends[1];
}

void daemon_report(int *report_fd, int status, const char *text)
{
	char exit_status = (char)status;
	if (*report_fd < 0)
		return;
	/* On error the process that waited is gone. */
	if (fd_write_all(*report_fd, span_of(text)) == 0)
		(void)!fd_write_all(*report_fd, (struct span){&exit_status, 1});
	fd_close(report_fd);
}

bool daemon_log_to_syslog(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (connect(fd, (const struct sockaddr *)&syslog_address, sizeof(syslog_address)) ||
	    dup2(fd, STDERR_FILENO) < 0) {
		fd_close(&fd);
		return false;
	}
	fd_close(&fd);
	return true;
}

void daemon_log_again(void)
{
	int type = 0;
	socklen_t len = sizeof(type);
	if (getsockopt(STDERR_FILENO, SOL_SOCKET, SO_TYPE, &type, &len) || type != SOCK_DGRAM)
		return;
	if (connect(STDERR_FILENO, (const struct sockaddr *)&syslog_address, sizeof(syslog_address)))
		return; /* no syslog now: lines are lost until it is back */
}

static int read_pid(int fd)
{
	char text[16];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	uint64_t pid = 0;
	if (n > 0)
		span_to_u64(span_trim((struct span){text, span_find((struct span){text, (size_t)n}, '\n')}), INT32_MAX,
			    &pid);
	return (int)pid;
}

int daemon_lock(const char *run_dir, int *other)
{
	char path[PATH_MAX], text[16];
	struct stat st;
	*other = 0;
	snprintf(path, sizeof(path), "%s/mailrootd.pid", run_dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0) /* a symbolic link, a folder, a socket */
		return errno == ELOOP || errno == EISDIR || errno == ENXIO ? -EMEDIUMTYPE : -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
		fd_close(&fd);
		return -EMEDIUMTYPE; /* a hard link to another file, which would be overwritten */
	}
	for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB); tries++) {
		if (errno != EWOULDBLOCK || tries == 20) {
			int err = -errno;
			*other = read_pid(fd);
			fd_close(&fd);
			return err;
		}
		poll(NULL, 0, 50);
	}
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n)
		log_warning("can't write %s: %s", path, strerror(errno));
	return fd;
}
