/*
 * Writes the archive of `queue export`: a tar archive whose first entry, ARCHIVE_HEAD, has the number of the export. A
 * file is written as FILE.part, and gets its name when it is whole and on disk. Until archive_finish its end is no end
 * of a tar archive, so that nobody imports mail that may still be in the queue.
 */
#ifndef CTL_ARCHIVE_H
#define CTL_ARCHIVE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/str.h"
#include "ctl/ustar.h"

#define ARCHIVE_HEAD "mailroot-export"

enum { ARCHIVE_NUMBER_LEN = 16 };

struct archive {
	int fd;     /* owned, unless it is standard output */
	int folder; /* of FILE; owned; -1 = standard output */
	char name[NAME_MAX + 1], part[NAME_MAX + 8];
	char number[ARCHIVE_NUMBER_LEN + 1]; /* of this export */
	uint64_t at;                         /* octets written */
};

/* Makes FILE.part, or takes standard output for "-". False: the reason was printed, and nothing is left. */
bool archive_create(const char *file, struct archive *out);

/* The archive goes to FD, a pipe, which is borrowed. */
bool archive_to(int fd, struct archive *out);

/*
 * Whether FILE or FILE.part exists, with the number of its export in *out, which is open then. Close it with
 * archive_close.
 */
bool archive_find(const char *file, struct archive *out);

/* Appends one file: the octets of TEXT, or the first entry->size octets of FD, from its beginning. 0 or -errno. */
int archive_add_text(struct archive *archive, const struct ustar *entry, struct span text);
int archive_add_file(struct archive *archive, const struct ustar *entry, int fd);

/* Takes back what was written since the archive had AT octets. -ESPIPE: it is no file. */
int archive_cut(struct archive *archive, uint64_t at);

/* All messages are in the archive: it is on disk, but for its end. 0 or -errno. */
int archive_seal(struct archive *archive);

/* Writes the end, syncs, and gives the file its name. 0 or -errno. */
int archive_finish(struct archive *archive);

/* Removes FILE.part. */
void archive_abandon(struct archive *archive);
void archive_close(struct archive *archive);

#endif
