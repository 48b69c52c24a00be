/*
 * The processes of the whole service, which belong to no virtual server: the exporter of metrics. They ask for the
 * state of the service as mailrootctl does, and nothing depends on them. So they start when the servers have been
 * started, and an upgrade does not take them over: they end with the links of the older master, and the newer one
 * starts its own.
 */
#ifndef MASTER_GLOBALS_H
#define MASTER_GLOBALS_H

#include "master/supervise.h"

enum { GLOBALS_MAX = CHILD_ALL_COUNT - CHILD_ROLE_COUNT };

struct globals {
	struct supervised children[GLOBALS_MAX]; /* by role */
	struct str texts[GLOBALS_MAX];           /* canonical configuration of each */
	unsigned needed;                         /* (1 << index) of those that the configuration needs */
	int64_t pulse_ms;                        /* next round of pulse.h */
	bool stopping;
};

void globals_init(struct globals *globals);
void globals_free(struct globals *globals);

/* Takes the configuration for children that start from now on. False: no memory, and nothing changed. */
bool globals_configure(struct globals *globals, const struct config_tree *tree, const struct config *config);

/*
 * After globals_configure: sends the texts to the running children as GENERATION, and starts those of ROLES (enum
 * config_role) anew.
 */
void globals_reload(struct globals *globals, unsigned roles, uint64_t generation, int64_t now_ms);

/* Starts and stops what is due; PROGRAMS is the folder of the programs. Milliseconds until the next call, -1 = none. */
int64_t globals_tend(struct globals *globals, const char *programs, int64_t now_ms);

/* Makes a link to the child of ROLE for mailrootctl (tell_connect). -ENOENT: the configuration needs none. */
int globals_connect(struct globals *globals, enum child_role role);

/* The control link of children[I] is readable. */
void globals_hear(struct globals *globals, size_t i);

/* Process PID ended with STATUS. True: it was one of them. */
bool globals_gone(struct globals *globals, pid_t pid, int status, int64_t now_ms);

/* Tells all of them to end. */
void globals_stop(struct globals *globals, int64_t now_ms);

/* One of them has a process. */
bool globals_alive(const struct globals *globals);

#endif
