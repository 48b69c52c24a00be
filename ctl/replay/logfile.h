/*
 * The lines of one log file, of whatever format: W3C if a #Fields line stands above, otherwise each line is recognised
 * by itself. Pure.
 */
#ifndef CTL_REPLAY_LOGFILE_H
#define CTL_REPLAY_LOGFILE_H

#include "ctl/replay/w3clog.h"

struct logfile {
	struct w3clog w3c;
	int64_t day_s; /* that the name of the file says, or ROW_NO_TIME */
	bool begun;
};

enum logfile_line { LOGFILE_ROW, LOGFILE_NOTHING, LOGFILE_BAD };

/* NAME: of the file, which may say its date. */
void logfile_init(struct logfile *file, const char *name);

/*
 * Takes the next line, without its line end. NOTHING: it is empty, or a directive. BAD with a phrase in *why. Octets
 * NUL at its ends, which IIS left behind after a crash, and a byte order mark are ignored. The spans point into LINE.
 */
enum logfile_line logfile_take(struct logfile *file, struct span line, struct row *out, const char **why);

#endif
