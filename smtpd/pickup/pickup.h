/*
 * mailroot-pickup reads the pickup folder and maildrop/. Each virtual server has one process, which sends one file at a
 * time. It runs as the user of the queue. This user owns both folders, so it may remove the files of other users. The
 * process can access these folders, badmail and new/, and nothing else of the file system.
 */
#ifndef SMTPD_PICKUP_PICKUP_H
#define SMTPD_PICKUP_PICKUP_H

#include "common/process/child.h"
#include "common/recipients/known.h"
#include "smtpd/pickup/pickup_trouble.h"

enum {
	PICKUP_TURN = 100,           /* files between two checks for packets from master, */
	PICKUP_TURN_MS = 1000,       /* or fewer, if filters take that long */
	PICKUP_IDLE_MS = 30 * 1000,  /* between two rounds without an inotify event */
	PICKUP_REMOTE_MS = 2 * 1000, /* the same where inotify does not work */
	PICKUP_AGAIN_MS = 500,       /* between two rounds while files wait: doubled each time, up to the next */
	PICKUP_AGAIN_MAX_MS = 5 * 1000,
	PICKUP_TROUBLE_TEXT = 2000,
	PICKUP_STAGED_MAX = 1000, /* messages that previous processes left between two steps; each can leave one */
};

/* A message that is complete but has no name in new/ yet. */
struct pickup_staged {
	char name[MSGNAME_MAX + 1]; /* its temporary name, see spool_publish */
	bool alone;                 /* the file that it was made of is removed */
};

enum pickup_place_kind { PICKUP_FOLDER, PICKUP_MAILDROP, PICKUP_PLACES };

/* A folder that pickup reads. */
struct pickup_place {
	bool off;
	struct pickup_folder folder;
	struct pickup_file file;
	struct pickup_trouble trouble;
	int64_t next_ms; /* time of the next round, monotonic */
	int64_t again_ms;
	unsigned waiting, sent; /* files in this round */
	bool seen;              /* a round is complete */
};

struct pickup {
	struct child *child;
	int new_fd, badmail_fd;
	struct spool spool;
	struct store_spool store;
	struct known known; /* the lists of recipients */
	struct pickup_place places[PICKUP_PLACES];
	struct pickup_staged *staged; /* found at the start and kept until every place was seen, and those that could
					 not be named since */
	size_t staged_count;
	bool unnamed; /* one of them is alone and can't be named: no file is sent before it */
	struct str trouble, said;
	struct filter_services filters;
	volatile sig_atomic_t stop;       /* by an order of master, a signal, or because another folder is there */
	volatile sig_atomic_t waiting_fd; /* that a signal shuts for reading; -1 = none */
};

/* The three steps before the loop: opens descriptors as root, enters the jail, says `ready`. */
void pickup_init(struct pickup *p, struct child *child);
void pickup_jail(struct pickup *p);
void pickup_ready(struct pickup *p);

/* Runs until master says stop or ends, or until another folder replaces one of these. Returns the exit status. */
int pickup_loop(struct pickup *p);

#endif
