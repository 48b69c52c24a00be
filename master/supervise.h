/*
 * One child of a virtual server, and when it may be started again. A child that dies is restarted at once. One that
 * keeps dying before it is ready, or within a second of its start, is tried less and less often. One that reports twice
 * in a row that a restart does not help (EXIT_PERMANENT) waits for a reload. Twice, because a temporary error, such as
 * a read error below a library that reads a key, may look like a wrong configuration. No system call here but the close
 * of its link.
 */
#ifndef MASTER_SUPERVISE_H
#define MASTER_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/process/child.h"

enum supervise_state {
	SUPERVISE_DOWN,     /* not running; starts at due_ms */
	SUPERVISE_STARTING, /* runs, not ready yet */
	SUPERVISE_READY,
	SUPERVISE_RETIRING,  /* smtpd: finishes its sessions, then ends */
	SUPERVISE_REPLACING, /* was told to stop, and is started again then; killed at due_ms */
	SUPERVISE_STOPPING,  /* was told to stop; where the others stay, killed at due_ms */
	SUPERVISE_STOPPED,   /* ended as ordered */
	SUPERVISE_FAILED,    /* not started again before a reload */
	SUPERVISE_STATE_COUNT
};

enum {
	SUPERVISE_EARLY_MS = 1000,
	SUPERVISE_REFUSED = 2,      /* EXIT_PERMANENT counts after so many in a row */
	SUPERVISE_REFUSED_MS = 100, /* between the two */
	SUPERVISE_WHY_MAX = 160,
	SUPERVISE_TROUBLE_MAX = CHILD_TROUBLE_MAX,
};

struct supervised {
	enum child_role role;
	enum supervise_state state;
	pid_t pid;                               /* 0 = none */
	int control;                             /* our end of its control link, -1 = none */
	int64_t started_ms;                      /* of the last start, monotonic */
	int64_t due_ms;                          /* DOWN: when to start it */
	bool paused;                             /* smtpd: its last report */
	char version[CHILD_VERSION_MAX + 1];     /* of its program; "" = it has not said yet */
	unsigned early;                          /* deaths in a row within SUPERVISE_EARLY_MS of the start */
	unsigned refused;                        /* ends with EXIT_PERMANENT in a row */
	unsigned silent;                         /* rounds since it was asked whether it works (pulse.h) */
	uint64_t restarts;                       /* unexpected ends and failed starts */
	char why[SUPERVISE_WHY_MAX];             /* the cause of the last of these; "" = none */
	char ended[SUPERVISE_WHY_MAX];           /* how it last ended, expected or not */
	char trouble[SUPERVISE_TROUBLE_MAX + 1]; /* the problems that it reported last, one line each; "" = none */
	pid_t trouble_pid;                       /* the process that reported them; may be gone */
};

const char *supervise_state_name(enum supervise_state state);
enum supervise_state supervise_state_find(struct span name); /* SUPERVISE_STATE_COUNT = there is none */

void supervise_init(struct supervised *child, enum child_role role);

/* There is a process, whatever its state. */
bool supervise_alive(const struct supervised *child);

/*
 * The delay in milliseconds after a child that lived LIVED_MS; *early counts its early deaths in a row. Pure. 0 after
 * the first early death, then growing up to half a minute. A longer life resets the count.
 */
int64_t supervise_delay(unsigned *early, int64_t lived_ms);

/* It is down, and the cause may be corrected: to be started at once. */
void supervise_again(struct supervised *child, int64_t now_ms);

/* It was started as PID with CONTROL as our end of its link, which it owns from now on. */
void supervise_started(struct supervised *child, pid_t pid, int control, int64_t now_ms);

/* It could not be started: counts as an early death. */
void supervise_not_started(struct supervised *child, int64_t now_ms, int err);

/* It ended with STATUS as of waitpid: closes the link and decides what follows. */
void supervise_gone(struct supervised *child, int status, int64_t now_ms);

/* Keeps TEXT, the problems that it reports, cleaned, in place of earlier ones. */
void supervise_trouble(struct supervised *child, struct span text);

/* It works: forgets the problems of an earlier process. */
void supervise_works(struct supervised *child);

/* How a process ended, in words: "exit 100", "killed by signal 9 (Killed)". TO holds SUPERVISE_WHY_MAX. */
void supervise_why(int status, char *to);

#endif
