/*
 * One file of the pickup folder, from the moment that it is ours alone (claimed: renamed to a name with the message's
 * id) to a message in new/, or to badmail. Whatever dies in between, the message is sent once:
 *
 *	1  the claimed file is read, the message written and made durable under a name that no scan takes (staged)
 *	2  the claimed file is removed
 *	3  the message gets its name, in one step, and the queue is told
 *
 * A process that finds a claimed file removes the staged message of its id, which may be without its text after a power
 * cut, and begins anew. A staged message without a claimed file goes on with 3.
 */
#ifndef SMTPD_PICKUP_PICKUP_FILE_H
#define SMTPD_PICKUP_PICKUP_FILE_H

#include <sys/types.h>

#include "common/config/config.h"
#include "common/mail/dot.h"
#include "smtpd/accept/store_spool.h"
#include "smtpd/accept/submission.h"
#include "smtpd/pickup/stuffing.h"

enum {
	PICKUP_BLOCK = 64 * 1024, /* octets that are read at once */
	PICKUP_WHY_MAX = 300,
};

enum pickup_result {
	PICKUP_SENT,
	PICKUP_UNNAMED, /* steps 1 and 2 are done, 3 failed for what is still `staged`; *why says why */
	PICKUP_BAD,     /* it never will be a message; *why says why, and it lies there as before */
	PICKUP_LATER,   /* somebody changed it meanwhile, or we have trouble: *why, "" when there is nothing to say */
};

struct pickup_file {
	const struct config_server *server; /* newest configuration */
	int folder_fd;                      /* borrowed; where the claimed file lies */
	bool sync_folder; /* another file system than the spool's: its removals are made durable before step 3 */
	bool maildrop;    /* written by sendmail: never stuffed, may ask for notices, has its size in its name */
	struct store_spool *store;
	struct spool_file notice; /* of recipients that are no addresses */
	struct recipients rcpts;
	struct submission submission;
	struct str head; /* the header as read, with CRLF, and what came with its last block */
	char *block;     /* PICKUP_BLOCK as read */
	char *text;      /* the same with CRLF */

	/* Of the file in hand. */
	int fd;
	uid_t uid;
	off_t at;      /* how far it is read */
	bool finished; /* its end has come out of read_text */
	int error;     /* the first of writing the message */
	bool stuffed;
	struct dot_reader dot;
	struct unstuffing unstuffing;
	uint64_t octets; /* of the message without envelope and Received */
	char last;       /* octet written */
	char why[PICKUP_WHY_MAX];
};

/* FOLDER_FD and STORE are borrowed. False without memory. The flags above are the caller's to set. */
bool pickup_file_init(struct pickup_file *f, int folder_fd, struct store_spool *store);
void pickup_file_free(struct pickup_file *f);

/* Sends the claimed file CLAIMED, which was NAME, as message ID. Without memory it is PICKUP_LATER. */
enum pickup_result pickup_file_send(struct pickup_file *f, const char *claimed, const char *name, const char *id);

/* Step 3, for the staged message that is open in FILE. */
int pickup_file_publish(struct store_spool *store, struct spool_file *file);

#endif
