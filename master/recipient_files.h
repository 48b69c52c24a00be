/*
 * Passes the files of recipients to smtpd, pickup and local, which need no access to /etc then: master opens them and
 * never reads them. A change of a file is noticed by its metadata.
 */
#ifndef MASTER_RECIPIENT_FILES_H
#define MASTER_RECIPIENT_FILES_H

#include <sys/stat.h>

#include "common/config/config.h"
#include "master/supervise.h"

struct server;

/* A file of recipients, as it was when the children were told, and at the last look. All 0: it was missing. */
struct recipient_file {
	char *path;     /* owned */
	bool passed_on; /* `told` holds */
	struct stat told, seen;
};

struct recipient_files_watch {
	struct recipient_file at[CONFIG_RECIPIENT_FILES_MAX];
	size_t n;
	int64_t look_ms; /* when to look again, monotonic */
};

enum {
	RECIPIENT_FILES_LOOK_MS = 10 * 1000, /* between two looks at the files */
	RECIPIENT_FILES_REST_MS = 2 * 1000   /* how long a file must not change before it is passed on */
};

/* Whether processes of ROLE get them. */
bool recipient_files_wanted(enum child_role role);

/* Sends all of them to CHILD of SERVER, which wants them, after its start. */
void recipient_files_tell(const struct server *server, struct supervised *child);

/* Sends all of them to each process of SERVER that wants them: before the configuration that an operator has reloaded.
 */
void recipient_files_reload(struct server *server);

/*
 * Looks at the files when that is due, and sends those that have changed, and have rested since. Milliseconds until the
 * next call is needed; -1 = SERVER has no such files.
 */
int64_t recipient_files_tend(struct server *server, int64_t now_ms);

void recipient_files_free(struct recipient_files_watch *watch);

#endif
