/*
 * Starts one child: fork, descriptors in their places (common/process/child.h has the table), clean environment, exec.
 * The child leads a process group of its own, so that Ctrl-C in a terminal reaches master alone, and so that a stop
 * that takes too long can kill its workers with it.
 */
#ifndef MASTER_SPAWN_H
#define MASTER_SPAWN_H

#include <sys/types.h>

#include "common/base/span.h"
#include "common/process/child.h"

struct spawn {
	const char *folder;      /* of the programs */
	const char *program;     /* file name in it */
	const char *server;      /* NULL = a role of the whole service */
	struct span config;      /* canonical text of the role */
	int kept[CHILD_FD_KEPT]; /* from CHILD_FD_ARRIVALS on; -1 = /dev/null */
	bool paused;             /* smtpd starts paused */
	const int *listeners;
	size_t listener_count; /* at most SPAWN_LISTENERS_MAX */
};

enum { SPAWN_LISTENERS_MAX = 128 }; /* 64 `listen` lines; "*" is two sockets */

/*
 * 0 with the child's pid and our non-blocking end of its control link (owned by the caller), or -errno. A failure after
 * the fork shows as exit status EXIT_TEMPORARY and a line in the log.
 */
__attribute__((warn_unused_result)) int spawn_child(const struct spawn *what, pid_t *pid, int *control);

/*
 * Finds the programs: the folder of our own executable if they are there (a build tree), otherwise MAILROOT_LIBEXECDIR.
 * TO holds SIZE octets.
 */
void spawn_find_programs(char *to, size_t size);

#endif
