#include "queue/badmail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/mail/msgid.h"

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
