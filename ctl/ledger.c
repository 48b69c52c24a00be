#include "ctl/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/mail/msgid.h"
#include "common/spool/moved.h"

bool ledger_find(const char *at, size_t lines, const char *id)
{
	size_t low = 0, high = lines;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(at + middle * MOVED_LINE, id, MSGID_LEN);
		if (!order)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static int map(struct ledger *ledger, int fd)
{
	struct stat st;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EBADMSG;
	if (st.st_size < MOVED_LINE)
		return 0;
	if (ledger->count == LEDGER_LISTS_MAX)
		return -EMFILE;
	char *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	ledger->lists[ledger->count++] = (struct ledger_list){at, (size_t)st.st_size / MOVED_LINE};
	return 0;
}

static int open_list(int moved, const char *name)
{
	enum { FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC };
	if (strncmp(name, MOVED_DONE, strlen(MOVED_DONE)) == 0)
		return openat(moved, name, FLAGS);
	int folder = strncmp(name, MOVED_IN, strlen(MOVED_IN)) == 0 ? openat(moved, name, FLAGS | O_DIRECTORY) : -1;
	int fd = folder < 0 ? -1 : openat(folder, MOVED_LIST, FLAGS);
	int err = folder < 0 ? ENOENT : errno;
	fd_close(&folder);
	errno = err;
	return fd;
}

int ledger_open(int moved, struct ledger *out)
{
	const struct dirent *entry;
	out->count = 0;
	int again = openat(moved, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = again < 0 ? NULL : fdopendir(again);
	int err = all ? 0 : -errno;
	while (!err && (errno = 0, entry = readdir(all))) {
		int fd = open_list(moved, entry->d_name);
		err = map(out, fd);
		fd_close(&fd);
	}
	if (!all)
		fd_close(&again);
	else
		closedir(all);
	return err;
}

void ledger_close(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->count; i++)
		munmap((void *)(uintptr_t)ledger->lists[i].at, ledger->lists[i].lines * MOVED_LINE);
	ledger->count = 0;
}

bool ledger_has(const struct ledger *ledger, const char *id)
{
	for (size_t i = 0; i < ledger->count; i++)
		if (ledger_find(ledger->lists[i].at, ledger->lists[i].lines, id))
			return true;
	return false;
}
