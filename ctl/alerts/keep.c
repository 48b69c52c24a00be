#include "ctl/alerts/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log.h"

#define NAME     "state"
#define NEW_NAME "state.new"

void keep_open(struct keep *keep, const char *path)
{
	*keep = (struct keep){.folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	str_init(&keep->text, SAVED_MAX);
	if (keep->folder < 0)
		log_error("can't open the folder %s: %s; a restart will repeat alerts", path, strerror(errno));
}

void keep_close(struct keep *keep)
{
	fd_close(&keep->folder);
	str_free(&keep->text);
}

void keep_load(struct keep *keep, struct watch *w, struct throttle *t)
{
	int fd = keep->folder < 0 ? -1 : openat(keep->folder, NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int err = fd < 0 ? 0 : fd_read_all(fd, &keep->text);
	bool good = saved_read(str_span(&keep->text), w, t);
	if (err || (fd >= 0 && !good))
		log_warning("the file of alerts that were told can't be read: alerts may come again");
	fd_close(&fd);
}

/* 0 or -errno. */
static int write_new(int folder, struct span text)
{
	int fd = openat(folder, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int err = fd < 0 ? -errno : fd_write_all(fd, text);
	if (!err && fdatasync(fd))
		err = -errno;
	fd_close(&fd);
	if (!err && renameat(folder, NEW_NAME, folder, NAME))
		err = -errno;
	return err;
}

void keep_save(struct keep *keep, const struct watch *w, const struct throttle *t)
{
	struct str text;
	if (keep->folder < 0)
		return;
	str_init(&text, SAVED_MAX);
	bool good = saved_write(w, t, &text);
	if (good && span_equal(str_span(&text), str_span(&keep->text))) {
		str_free(&text);
		return;
	}
	int err = good ? write_new(keep->folder, str_span(&text)) : -ENOMEM;
	if (err && !keep->failing)
		log_error("can't write which alerts were told: %s; a restart will repeat them", strerror(-err));
	keep->failing = err;
	if (err) {
		str_free(&text);
		return;
	}
	str_free(&keep->text);
	keep->text = text;
}
