/*
 * Where the lines of the service's log are: in a file that was named, in the systemd journal, or in the files that
 * syslog daemons write. Whoever asks is told what was searched and what was not.
 */
#ifndef CTL_LOGSOURCE_H
#define CTL_LOGSOURCE_H

#include <stdio.h>

#include "ctl/logline.h"

enum { LOGSOURCE_MAX = 16, LOGSOURCE_TEXT_MAX = 160 };

struct logsource_report {
	char searched[LOGSOURCE_MAX][LOGSOURCE_TEXT_MAX];
	size_t searched_count;
	char missed[LOGSOURCE_MAX][LOGSOURCE_TEXT_MAX]; /* what is there and could not be read, and why */
	size_t missed_count;
};

/*
 * Standard input can be read but once: where FILE is "-" it is copied, and PATH (SIZE octets) names the copy while the
 * descriptor returned is open. -1 = there was no need to, or no way.
 */
int logsource_keep(const char *file, char *path, size_t size);

/*
 * Gives TAKE each line of ours, oldest first: of FILE ("-" = standard input), or where that is "" of all places.
 * False: there was no place to look at. Spans are valid during the call only.
 */
bool logsource_read(const char *file, void (*take)(void *context, const struct logline *line), void *context,
		    struct logsource_report *report);

/* One line that says what was searched, and one for each thing that was not. */
void logsource_tell(const struct logsource_report *report, FILE *to);

#endif
