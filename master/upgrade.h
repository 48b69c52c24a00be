/*
 * A newer program takes over without a pause: the installed mailrootd takes the place of this one by execve, in the
 * same process. So the process id, the children and the open sockets stay. First the installed program runs as a child
 * and says whether it can take over (`mailrootd -n`): until it has said yes, nothing changes. Then it gets the handover
 * (handover.h), adopts everything (adopt.h), and renews every process (renew_all).
 */
#ifndef MASTER_UPGRADE_H
#define MASTER_UPGRADE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/str.h"

struct master;

enum { UPGRADE_CHECK_MS = 20000, UPGRADE_SAID_MAX = 1 << 20 };

struct upgrade {
	pid_t pid;        /* of the program that checks; 0 = none */
	int output;       /* its stdout and stderr; -1 = none */
	struct str said;  /* what came from there */
	int64_t until_ms; /* then it is killed */
	bool check;       /* no more than a check was asked for */
	int asker;        /* a connection of mailrootctl that waits for the end of the upgrade; -1 = none */
};

void upgrade_init(struct upgrade *upgrade);
void upgrade_free(struct upgrade *upgrade);

/*
 * Starts the check; the upgrade follows unless CHECK. ASKER (-1 = none) belongs to it from now on. NULL, or why it is
 * impossible now; then ASKER stays with the caller.
 */
const char *upgrade_begin(struct master *master, bool check, int asker);

/* The output of the checking program is readable. */
void upgrade_hear(struct upgrade *upgrade);

/* Process PID ended with STATUS. True: it was the checking program. If all is well, this does not return. */
bool upgrade_checked(struct master *master, pid_t pid, int status);

/* Milliseconds until the checking program has had its time; -1 = there is none. */
int64_t upgrade_tend(struct upgrade *upgrade, int64_t now_ms);

/* Answers the asker, if there is one, with TEXT for people. */
void upgrade_answer(struct upgrade *upgrade, unsigned exit_code, const char *text);

#endif
