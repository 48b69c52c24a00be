/*
 * The root process: one loop over signals, control links of children and mailrootctl. It reads no octet from the
 * network, owns listeners and kept links, and starts everything else.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include <limits.h>

#include "master/control.h"
#include "master/probation.h"
#include "master/server.h"

enum { MASTER_HOSTNAME_MAX = 256 };

struct master {
	const char *file; /* of the configuration, absolute */
	char hostname[MASTER_HOSTNAME_MAX];
	char programs[PATH_MAX];  /* folder of the children's programs */
	struct config config;     /* in force */
	struct config_tree *tree; /* what it was built from */
	struct probation probation;
	uint64_t generation; /* reloads so far */
	struct folders_owner owner;
	struct listeners_all listeners;
	struct server *servers[MASTER_SERVERS_MAX]; /* as in the file, and those that are ending */
	size_t server_count;
	struct control control;
	int signal_fd;
	int lock_fd;      /* pid file, locked for life */
	int report_fd;    /* to the process that the administrator started; -1 = it is us, or it has gone */
	int64_t began_ms; /* wall clock */
	bool announced;   /* READY=1 was sent */
	bool stopping;
};

/*
 * Reads and checks FILE; errors go to stderr and give false. Then pid file, control socket, servers. CONFIG and TREE of
 * the first start are read here, so that a faulty file is told before anything else happens.
 */
bool master_configure(struct master *master, const char *file);

/* Accounts, pid file, control socket, signals, the table of servers. Says on stderr what is wrong. */
bool master_start(struct master *master);

/* Until a stop is complete; frees MASTER and returns the exit status. */
int master_run(struct master *master);
void master_free(struct master *master);

/* Begins a graceful stop; HURRY does not wait for jobs in hand. */
void master_stop(struct master *master, bool hurry);

/* NULL = there is none. */
struct server *master_server(struct master *master, struct span name);

/* Adds what CONFIG, a part of master->config, and TREE say; it starts when it is enabled. False when there is no room
 * for it. */
bool master_add(struct master *master, const struct config_tree *tree, const struct config_server *config);

#endif
