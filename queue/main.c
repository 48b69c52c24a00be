/* mailroot-queue: the queue manager of one virtual server. Init, jail, ready, loop. */
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "common/base/log.h"
#include "common/ipc/fullness.h"
#include "common/process/privs.h"
#include "queue/manager.h"

/* Descriptors besides one link for each worker: message files that are kept open, folders, other links. */
enum { OTHER_FILES = 1024, LOCAL_WORKERS = 64 };

static void jail(const struct child *child)
{
	/*
	 * All paths that the user may access: a drop folder may be mounted or created after our start, and a rule of
	 * Landlock would not cover it.
	 */
	static const char *const everything[] = {"/", NULL};
	int workers = (int)child->server->delivery.processes.max + LOCAL_WORKERS;
	const struct privs_jail jail = {
		.user = child->config.user, .max_files = workers + OTHER_FILES, .paths = everything};
	privs_enter(&jail);
	umask(022);
}

int main(int argc, char **argv)
{
	static struct loop loop;
	struct child child;
	signal(SIGPIPE, SIG_IGN);
	tzset();
	child_start(argc, argv, CHILD_QUEUE, &child);
	jail(&child);
	loop.queue.fullness = fullness_map_writable(CHILD_FD_FULLNESS);
	if (!loop_open(&loop, &child, CHILD_FD_ARRIVALS, CHILD_FD_VERDICTS))
		exit(EXIT_TEMPORARY);
	child_ready();
	return manager_run(&loop, CHILD_FD_CONTROL);
}
