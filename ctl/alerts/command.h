/*
 * Runs the command of an alert: without a shell and without arguments, in a process group of its own, with the text on
 * standard input and these variables beside PATH and LANG:
 *
 *	ALERT_STATE    begin, end, summary or test
 *	ALERT_KIND     the word of alerts.def; empty for summary and test, as are the next three
 *	ALERT_SERVER   the virtual server
 *	ALERT_OBJECT   the next hop, file, folder or role
 *	ALERT_SINCE    when the condition began: 2026-11-21T01:00:00Z
 *	ALERT_SUBJECT  the subject of the mail
 *
 * The command inherits no other descriptor; what it writes is dropped. What it leaves running in its group is killed.
 */
#ifndef CTL_ALERTS_COMMAND_H
#define CTL_ALERTS_COMMAND_H

#include "common/base/span.h"

enum { COMMAND_SAID_MAX = 400 };

struct command_alert {
	const char *state, *kind, *server, *object, *since, *subject;
	struct span text;
};

/*
 * Runs PATH for ALERT for at most MS milliseconds; then kills it. True: it exited with status 0. SAID of
 * COMMAND_SAID_MAX octets gets one line in words.
 */
bool command_run(const char *path, const struct command_alert *alert, int64_t ms, char *said);

#endif
