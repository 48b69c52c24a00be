/*
 * Reads log files line by line, in memory that does not grow with them. Lines that are no rows are counted, and the
 * first ones kept to be shown.
 */
#ifndef CTL_REPLAY_READER_H
#define CTL_REPLAY_READER_H

#include "common/base/arena.h"
#include "ctl/replay/row.h"

enum { READER_LINE_MAX = 64 * 1024, READER_BAD_KEPT = 10, READER_TEXT_MAX = 120 };

/* A line of a file; the name is valid as long as the reader. */
struct place {
	const char *file;
	uint64_t line;
};

struct bad_line {
	struct place place;
	const char *why;
	char text[READER_TEXT_MAX]; /* its beginning, printable */
};

struct reader {
	void (*take)(void *context, const struct row *row, const struct place *place);
	void *context;
	struct arena names;
	uint64_t files, rows, bad;
	uint64_t unread; /* files and folders; the reasons were printed */
	struct bad_line kept[READER_BAD_KEPT];
};

void reader_init(struct reader *reader, void (*take)(void *, const struct row *, const struct place *), void *context);
void reader_free(struct reader *reader);

/* Reads PATH: a file, "-" for standard input, or a folder, whose files *.log are read in the order of their names. */
void reader_read(struct reader *reader, const char *path);

#endif
