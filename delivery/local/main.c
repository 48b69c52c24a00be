/*
 * mailroot-local: copies into the drop folders of one virtual server, and notices. A pool under `user`, which owns the
 * spool. Init, jail, ready, loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/base/log.h"
#include "common/process/privs.h"
#include "common/spool/spool.h"
#include "delivery/local/local_jobs.h"
#include "delivery/pool/pool.h"

/* Copies and notices wait for the disk: more workers don't make it faster. */
enum { WORKERS_SPARE = 1, WORKERS_MAX = 16 };

static void open_spool(const struct config_server *server, struct spool *out)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/new", server->dir);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 ? -errno : spool_probe(fd, out);
	if (err)
		log_fatal(EXIT_TEMPORARY, "can't write into %s: %s", path, strerror(-err));
}

/*
 * The whole file system stays accessible, within the user's rights: a drop folder may be mounted or created after the
 * start, which no Landlock rule could cover.
 */
static void enter_jail(const struct child *child)
{
	static const char *const everything[] = {"/", NULL};
	const struct privs_jail jail = {.user = child->config.user, .may_fork = true, .paths = everything};
	privs_enter(&jail);
	umask(022);
}

int main(int argc, char **argv)
{
	struct child child;
	struct local_common common = {.known = {NULL, NULL}};
	signal(SIGPIPE, SIG_IGN);
	tzset();
	child_start(argc, argv, CHILD_LOCAL, &child);
	const struct config_processes *processes = &child.server->delivery.processes;
	const struct pool_setup setup = {.child = &child,
					 .kind = CHILD_LINK_LOCAL,
					 .spare = WORKERS_SPARE,
					 .max = processes->max < WORKERS_MAX ? (size_t)processes->max : WORKERS_MAX,
					 .jobs = (uint64_t)processes->jobs,
					 .hear = local_jobs_hear,
					 .lists = &common.known,
					 .work = local_jobs_work,
					 .context = &common};
	enter_jail(&child);
	open_spool(child.server, &common.spool);
	child_ready();
	int status = pool_run(&setup);
	known_free(&common.known);
	return status;
}
