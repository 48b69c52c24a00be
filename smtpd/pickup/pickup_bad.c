#include "smtpd/pickup/pickup_bad.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/mail/msgid.h"

enum { NAME_SIZE = MSGID_LEN + 8 };

static int write_reason(int badmail, const char *name, struct span reason)
{
	int fd = openat(badmail, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	int err = fd_write_all(fd, reason);
	fd_close(&fd);
	return err;
}

static int copy_and_remove(int folder, const char *claimed, int badmail, const char *name)
{
	struct stat st;
	int fd = openat(folder, claimed, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int err = fstat(fd, &st) < 0 ? -errno : st.st_size > PICKUP_BAD_COPY_MAX ? -EFBIG : 0;
	if (!err)
		err = fd_copy_as(fd, badmail, name);
	fd_close(&fd);
	if (!err && unlinkat(folder, claimed, 0) < 0)
		err = -errno;
	return err;
}

int pickup_bad_move(int folder, const char *claimed, int badmail, const char *id, struct span reason)
{
	char eml[NAME_SIZE], txt[NAME_SIZE];
	snprintf(eml, sizeof(eml), "%s.eml", id);
	snprintf(txt, sizeof(txt), "%s.txt", id);
	int err = write_reason(badmail, txt, reason);
	if (err)
		return err;
	err = renameat(folder, claimed, badmail, eml) < 0 ? -errno : 0;
	if (err == -EXDEV)
		err = copy_and_remove(folder, claimed, badmail, eml);
	if (err)
		unlinkat(badmail, txt, 0);
	return err;
}
