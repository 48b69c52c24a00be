/*
 * The pickup folder: which of its files are complete, so that pickup may send them, and when to look again.
 *
 *	ready     regular, one link, readable, open for writing in no process (a lease shows this), and not changed for
 *	          PICKUP_QUIET_MS; a file that was moved here is ready at once
 *	wait      may become ready without help: written to, empty for a short time, a second link
 *	skip      hidden (except claimed files), *.tmp *.part *.partial *.filepart *~, folders
 *	trouble   all other files; they stay in the folder until an administrator corrects them
 *
 * Some file systems have no leases (NFS, CIFS, FUSE). There a file must not have changed for PICKUP_WATCH_MS of our own
 * clock, because the times of the file come from another machine.
 *
 * maildrop/ is simpler: sendmail gives a file its name when it is complete, and locks it until it is synced.
 */
#ifndef SMTPD_PICKUP_PICKUP_FOLDER_H
#define SMTPD_PICKUP_PICKUP_FOLDER_H

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/base/span.h"

enum {
	PICKUP_QUIET_MS = 1000,
	PICKUP_WATCH_MS = 5000,
	PICKUP_EMPTY_MS = 60 * 1000,  /* an empty file that is older is bad */
	PICKUP_ODD_MS = 10 * 1000,    /* a younger odd file may wait: some programs link, then unlink */
	PICKUP_LEFT_MS = 3600 * 1000, /* an unfinished file of sendmail that is older is removed */
	PICKUP_WATCHED = 4096,        /* files that are watched at a time because leases do not work */
	PICKUP_MOVED = 1024,          /* names that are remembered as moved here; files beyond that wait like others */
};

enum pickup_look {
	PICKUP_READY,
	PICKUP_WAIT,
	PICKUP_SKIP,
	/* An administrator must correct these: */
	PICKUP_UNREADABLE,
	PICKUP_LINKED,
	PICKUP_SPECIAL,
	PICKUP_LOOK_COUNT
};

struct pickup_watched {
	ino_t inode;
	off_t size;
	struct timespec changed;
	int64_t since_ms, seen_ms; /* monotonic */
};

struct pickup_folder {
	int fd;      /* -1 = it can't be opened */
	int inotify; /* -1 = it does not work here */
	char *path;
	dev_t device;
	ino_t inode;
	bool maildrop;
	bool remote; /* other machines may change files, which inotify does not report */
	struct pickup_watched *watched;
	uint64_t *moved; /* hashes of names, 0 = free slot */
	size_t moved_count;
	DIR *listing; /* NULL = no round is in progress */
};

/* Opens PATH, as root. False with errno: the caller may call only pickup_folder_gone and pickup_folder_close. */
bool pickup_folder_open(struct pickup_folder *f, const char *path, bool maildrop);
void pickup_folder_close(struct pickup_folder *f);

/* True if the path no longer leads to the folder that was there at pickup_folder_open. */
bool pickup_folder_gone(const struct pickup_folder *f);

/* Reads the events of inotify. Returns the milliseconds after which a round should begin, -1 = no event. */
int64_t pickup_folder_hear(struct pickup_folder *f);

/* The next file name of a round, NULL at its end. The first call begins the round. */
const char *pickup_folder_next(struct pickup_folder *f);

/* What to do with NAME. CLAIMED: the name is that of a claimed file, so it is not skipped as hidden. *st is the status
 * of the file, or zeroed when it is not known. */
enum pickup_look pickup_folder_look(struct pickup_folder *f, const char *name, bool claimed, struct stat *st);

/* Pure: NAME is hidden, or is a name that programs give to a file while they write it. */
bool pickup_folder_skips(const char *name);

#endif
