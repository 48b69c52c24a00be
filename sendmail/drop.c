#include "sendmail/drop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/fd.h"

/* The file that a signal handler removes, where the file system has no unnamed files. name "" = none. */
static struct {
	int folder_fd;
	char name[MSGID_LEN + 2];
} hidden;

static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU};
enum { DEADLY_COUNT = sizeof(deadly) / sizeof(deadly[0]) };

static void on_signal(int signo)
{
	if (hidden.name[0])
		unlinkat(hidden.folder_fd, hidden.name, 0);
	signal(signo, SIG_DFL);
	raise(signo);
}

void drop_arm(void)
{
	struct sigaction action = {.sa_handler = on_signal}, before;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < DEADLY_COUNT; i++) {
		/* Signals that the caller ignores, as nohup does, stay ignored. */
		if (sigaction(deadly[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			sigaction(deadly[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* EFBIG instead */
}

static void block(sigset_t *before)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < DEADLY_COUNT; i++)
		sigaddset(&set, deadly[i]);
	sigprocmask(SIG_BLOCK, &set, before);
}

static const char *remedy(int err)
{
	switch (-err) {
	case ENOENT:
		return "mailrootd creates the folder when it starts: has it ever run here? If it has, mailroot.conf says sendmail_server off or another mailroot_dir, and this user can't read that file";
	case EACCES:
	case EPERM:
		return "this user may not put mail there; check with `ls -ld`: the folder's mode is 1733 unless an administrator changed it";
	case ENOSPC:
	case EDQUOT:
		return "free some space there, then send the message again";
	case EROFS:
		return "it is read-only for this process: a read-only file system, or ProtectSystem= of a systemd unit";
	case EFBIG:
		return "this process may not write files of that size (ulimit -f)";
	default:
		return "send the message again later";
	}
}

static bool fail(const struct drop *drop, int err, struct failure *failure)
{
	return failure_set(failure, failure_status(FAILURE_FOLDER, err), "%.300s: %s; %s", drop->place->folder,
			   strerror(-err), remedy(err));
}

bool drop_init(struct drop *drop, const struct place *place, struct failure *failure)
{
	sigset_t before;
	*drop = (struct drop){.place = place, .file = {.text.fd = -1}};
	drop->folder_fd = open(place->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (drop->folder_fd < 0)
		return fail(drop, -errno, failure);
	block(&before);
	int err = spool_probe(drop->folder_fd, &drop->spool);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return !err || fail(drop, err, failure);
}

void drop_free(struct drop *drop)
{
	drop_abort(drop);
	spool_file_free(&drop->file);
	fd_close(&drop->folder_fd);
}

static bool check_space(const struct drop *drop, struct failure *failure)
{
	struct statvfs fs;
	if (fstatvfs(drop->folder_fd, &fs) != 0 || (uint64_t)fs.f_bavail * fs.f_frsize >= drop->place->free_floor)
		return true;
	return failure_set(
		failure, EX_TEMPFAIL,
		"%.300s: less than %llu MiB are free (free_space_floor); free some space there, then send the message again",
		drop->place->folder, (unsigned long long)drop->place->free_floor >> 20);
}

bool drop_begin(struct drop *drop, struct failure *failure)
{
	sigset_t before;
	if (!check_space(drop, failure))
		return false;
	block(&before);
	int err = spool_begin(&drop->spool, NULL, &drop->file);
	drop->open = !err;
	hidden.folder_fd = drop->folder_fd;
	if (drop->open && drop->file.text.hidden[0])
		snprintf(hidden.name, sizeof(hidden.name), ".%s", drop->file.text.hidden);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return !err || fail(drop, err, failure);
}

bool drop_write(struct drop *drop, struct span text, struct failure *failure)
{
	int err = spool_write(&drop->file, text);
	return !err || fail(drop, err, failure);
}

bool drop_commit(struct drop *drop, struct failure *failure)
{
	sigset_t before;
	block(&before);
	int err = spool_commit(&drop->file);
	hidden.name[0] = '\0';
	drop->open = false;
	spool_release(&drop->file);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return !err || fail(drop, err, failure);
}

void drop_abort(struct drop *drop)
{
	if (!drop->open)
		return;
	spool_abort(&drop->file);
	hidden.name[0] = '\0';
	drop->open = false;
}
