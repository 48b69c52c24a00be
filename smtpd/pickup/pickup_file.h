/*
 * Makes a message in new/ of one file of the pickup folder. The file is claimed: it was renamed to a name with the id
 *of the message, so no other process uses it. Even if a process is killed in between, the message is sent exactly once:
 *
 *	1  stage: read the claimed file, write the message under a name that the scan ignores, make it durable
 *	2  remove the claimed file
 *	3  publish: rename the message to its final name, and notify the queue
 *
 * A process that finds a claimed file removes the staged message of that id, which may be empty after a power failure,
 * and starts again. A process that finds a staged message without a claimed file continues with step 3.
 */
#ifndef SMTPD_PICKUP_PICKUP_FILE_H
#define SMTPD_PICKUP_PICKUP_FILE_H

#include <sys/types.h>

#include "common/config/config.h"
#include "common/ipc/counters.h"
#include "common/mail/dot.h"
#include "common/recipients/known.h"
#include "smtpd/accept/store_spool.h"
#include "smtpd/accept/submission.h"
#include "smtpd/milter/filters.h"
#include "smtpd/pickup/stuffing.h"

enum {
	PICKUP_BLOCK = 64 * 1024, /* octets in one read */
	PICKUP_WHY_MAX = 500,     /* room for that of a filter */
};

enum pickup_result {
	PICKUP_SENT,
	PICKUP_DISCARDED, /* a filter discards the message, and the file is removed; the notice is sent */
	PICKUP_UNNAMED, /* steps 1 and 2 are done, 3 failed for each message that is still `staged`; why has the reason
			 */
	PICKUP_BAD,     /* the file can never be sent; why has the reason, and the file stays as it is */
	PICKUP_LATER,   /* the file changed meanwhile (why is ""), or the service has a problem (why has the reason) */
};

struct pickup_file {
	const struct config_server *server; /* the current configuration */
	int folder_fd;                      /* borrowed; the folder of the claimed file */
	bool sync_folder; /* the spool is on another file system: sync the folder between steps 2 and 3 */
	bool maildrop;    /* written by sendmail: never dot-stuffed, may ask for notices, has its size in its name */
	const struct known *known;      /* the lists of recipients */
	struct config_origin undecided; /* of SUBMISSION_LATER: the line by which a recipient can't be decided now */
	const struct filter_services *services; /* borrowed; NULL = no filters are asked */
	struct store_spool *store;
	struct spool_file notice; /* about refused recipients */
	struct recipients rcpts;
	struct submission submission;
	struct str head; /* the header as read, with CRLF, and the rest of its last block */
	char *block;     /* PICKUP_BLOCK octets as read */
	char *text;      /* the same with CRLF */

	/* The file that is being sent. */
	int fd;
	uid_t uid;
	off_t at;       /* offset of the next read */
	bool finished;  /* read_text has returned the end of the file */
	int error;      /* the first error in writing the message: 0 or -errno */
	bool discarded; /* by a filter */
	bool stuffed;
	struct dot_reader dot;
	struct unstuffing unstuffing;
	uint64_t octets; /* written, without envelope and Received; before a filter changes them */
	struct filters filters;
	struct content_message message; /* as it is stored; its `store` counts only while filters are asked */
	char last;                      /* the last octet written */
	enum counter badmail;           /* of PICKUP_BAD: what is counted */
	char why[PICKUP_WHY_MAX];
};

/* FOLDER_FD, KNOWN and STORE are borrowed. False without memory. The caller sets sync_folder, maildrop, services and
 * server. */
bool pickup_file_init(struct pickup_file *f, int folder_fd, const struct known *known, struct store_spool *store);
void pickup_file_free(struct pickup_file *f);

/* Sends the file CLAIMED, whose name was NAME before, as message ID. PICKUP_LATER without memory. */
enum pickup_result pickup_file_send(struct pickup_file *f, const char *claimed, const char *name, const char *id);

/* Step 3 for the staged message that is open in FILE. 0 or -errno. */
int pickup_file_publish(struct store_spool *store, struct spool_file *file);

#endif
