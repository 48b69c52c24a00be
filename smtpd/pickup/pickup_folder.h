/*
 * The pickup folder: which of its files are messages that nobody writes to any more, and when to look again.
 *
 *	may be taken    regular, one link, readable, nobody has it open for writing (a lease says
 *	                so), not changed for QUIET; at once when it was moved here
 *	is waited for   anything that may become so by itself: written to, empty for a while, a second link
 *	is passed over  hidden files (but those that we claimed), *.tmp *.part *.partial *.filepart *~, folders
 *	is trouble      the rest, which stays where it is until somebody mends it
 *
 * Where the file system has no leases (NFS, CIFS, FUSE) a file must have looked the same for PICKUP_WATCH_MS by our own
 * clock, for its times come from another machine.
 *
 * maildrop/ is simpler: sendmail names a file when it is whole, and holds its lock until it has said so to the disk.
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
	PICKUP_EMPTY_MS = 60 * 1000,  /* then an empty file is a bad one */
	PICKUP_ODD_MS = 10 * 1000,    /* what must be mended may be on its way to becoming right: link, then unlink */
	PICKUP_LEFT_MS = 3600 * 1000, /* then what sendmail did not finish is removed */
	PICKUP_WATCHED = 4096,        /* files looked at in this way at one time */
	PICKUP_MOVED = 1024,          /* names remembered as moved here; more wait like others */
};

enum pickup_look {
	PICKUP_READY,
	PICKUP_WAIT,
	PICKUP_PASS,
	/* What must be mended: */
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
	int inotify; /* -1 = none here */
	char *path;
	dev_t device;
	ino_t inode;
	bool maildrop;
	bool remote; /* changes of others may come without a word */
	struct pickup_watched *watched;
	uint64_t *moved; /* hashes of names */
	size_t moved_count;
	DIR *listing; /* NULL = no round is on */
};

/* Opens PATH, as root. False with errno: only pickup_folder_gone and _close may be called. */
bool pickup_folder_open(struct pickup_folder *f, const char *path, bool maildrop);
void pickup_folder_close(struct pickup_folder *f);

/* What stands at its path is not what stood there when it was opened, or could not be. */
bool pickup_folder_gone(const struct pickup_folder *f);

/* Reads what inotify has to say. The milliseconds after which to look, -1 = nothing happened. */
int64_t pickup_folder_hear(struct pickup_folder *f);

/* The next name of a round, NULL at its end. The first call begins a round. */
const char *pickup_folder_next(struct pickup_folder *f);

/* What is to be done with NAME; CLAIMED: it has such a name, which is no reason to pass it over. *st where it is
 * known, zeroed where not. */
enum pickup_look pickup_folder_look(struct pickup_folder *f, const char *name, bool claimed, struct stat *st);

/* Pure: NAME is hidden or one that programs give to what they are still writing. */
bool pickup_folder_passes(const char *name);

#endif
