/*
 * The root process: one loop over signals, control links of children, and mailrootctl. It reads nothing from the
 * network, owns the listeners and the kept links, and starts all other processes.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include <limits.h>

#include "master/control.h"
#include "master/globals.h"
#include "master/probation.h"
#include "master/server.h"
#include "master/upgrade.h"

enum { MASTER_HOSTNAME_MAX = 256 };

struct master {
	const char *file; /* of the configuration, absolute */
	char hostname[MASTER_HOSTNAME_MAX];
	const char *program;      /* that was started, and that an upgrade starts */
	bool foreground;          /* -f */
	char programs[PATH_MAX];  /* folder of the children's programs */
	struct config config;     /* in force */
	struct config_tree *tree; /* the tree from which it was built */
	struct probation probation;
	struct upgrade upgrade;
	uint64_t generation; /* reloads so far */
	struct folders_owner owner;
	struct listeners_all listeners;
	struct server *servers[MASTER_SERVERS_MAX]; /* those of the file, and removed ones that are ending */
	size_t server_count;
	struct globals globals;
	struct control control;
	int signal_fd;
	int lock_fd;      /* pid file, locked for life */
	int report_fd;    /* to the process that the administrator started; -1 = none, or it has ended */
	int64_t began_ms; /* wall clock */
	bool announced;   /* READY=1 was sent */
	bool stopping;
};

/*
 * Reads and checks FILE; false with errors on stderr. Call first: a faulty file is reported before anything else
 * happens.
 */
bool master_configure(struct master *master, const char *file);

/*
 * Sets up accounts, pid file and control socket (unless they were adopted), and signals. Errors go to stderr.
 */
bool master_start(struct master *master);

/* Runs until a stop is complete; frees MASTER and returns the exit status. */
int master_run(struct master *master);
void master_free(struct master *master);

/* Begins a graceful stop. HURRY does not wait for the current jobs. */
void master_stop(struct master *master, bool hurry);

/* NULL = there is none. */
struct server *master_server(struct master *master, struct span name);

/* Adds a server by CONFIG, a part of master->config, and TREE; starts it if it is enabled. False: no room. */
bool master_add(struct master *master, const struct config_tree *tree, const struct config_server *config);

/* Adds server NAME, which is no longer in the configuration, so that it ends. NULL: no room. */
struct server *master_add_ended(struct master *master, const char *name);

#endif
