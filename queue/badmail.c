#include "queue/badmail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/mail/msgid.h"

static int copy_octets(int from, int to, off_t size)
{
	off_t at = 0;
	while (at < size) {
		ssize_t n = sendfile(to, from, &at, (size_t)(size - at));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO; /* somebody cuts it while we read */
	}
	return fsync(to) == 0 ? 0 : -errno;
}

int badmail_copy(int from, int folder, const char *name)
{
	char hidden[MSGNAME_MAX + 1];
	struct stat st;
	if (fstat(from, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EXDEV;
	snprintf(hidden, sizeof(hidden), ".%s", name);
	int to = openat(folder, hidden, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (to < 0)
		return -errno;
	int err = copy_octets(from, to, st.st_size);
	fd_close(&to);
	if (!err && renameat(folder, hidden, folder, name) < 0)
		err = -errno;
	if (!err && fsync(folder) < 0)
		err = -errno;
	if (err)
		unlinkat(folder, hidden, 0);
	return err;
}
