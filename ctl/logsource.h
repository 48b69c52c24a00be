/*
 * Finds the lines of the service's log: in a file that was named, in the systemd journal, or in the files of syslog
 * daemons. Reports what was searched and what was not.
 */
#ifndef CTL_LOGSOURCE_H
#define CTL_LOGSOURCE_H

#include <stdio.h>

#include "ctl/logline.h"

enum { LOGSOURCE_MAX = 16, LOGSOURCE_TEXT_MAX = 220 };

struct logsource_report {
	char searched[LOGSOURCE_MAX][LOGSOURCE_TEXT_MAX];
	size_t searched_count;
	char missed[LOGSOURCE_MAX][LOGSOURCE_TEXT_MAX]; /* sources that could not be read, and why */
	size_t missed_count;
};

/*
 * Standard input can be read only once: if FILE is "-" it is copied, and PATH (SIZE octets) names the copy while the
 * returned descriptor is open. -1 = not needed, or not possible.
 */
int logsource_keep(const char *file, char *path, size_t size);

/*
 * Calls TAKE for each line of Mailroot, oldest first: from FILE ("-" = standard input), or from all places if FILE is
 * "". False: there was no log. Spans are valid during the call only.
 */
bool logsource_read(const char *file, void (*take)(void *context, const struct logline *line), void *context,
		    struct logsource_report *report);

/* Prints one line that says what was searched, and one for each source that was not. */
void logsource_tell(const struct logsource_report *report, FILE *to);

#endif
