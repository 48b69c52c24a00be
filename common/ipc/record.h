/*
 * Entries of the transaction log on their way: a writer (smtpd, delivery) collects them and sends many in one packet;
 * the log reads them one by one. A writer never waits: what finds no room on the link is counted, and the count goes
 * with the next packet that does.
 */
#ifndef COMMON_IPC_RECORD_H
#define COMMON_IPC_RECORD_H

#include "common/ipc/wire.h"

/* Of wire.def: what is longer is cut by record_add. */
enum { RECORD_NAME_MAX = 255, RECORD_VERB_MAX = 16, RECORD_ARGUMENT_MAX = 2048, RECORD_TEXT_MAX = 512 };

struct record_writer {
	int fd;          /* the records link: borrowed, never blocks */
	struct str list; /* not yet sent */
	struct str packet;
	uint64_t count; /* records in `list` */
	uint64_t sender, serial;
	uint64_t dropped;  /* found no room; not yet told */
	uint64_t sessions; /* the writer's own count, to number them */
};

/* One a process, after the fork: a random number names the sender. */
void record_writer_init(struct record_writer *w, int fd);

/* Sends what there is, and says on stderr what could never be told. */
void record_writer_free(struct record_writer *w);

/* Takes RECORD; texts that are too long are cut. Sends when a packet is full. */
void record_add(struct record_writer *w, const struct wire_record *record);

/* Sends what there is. One system call; none when there is nothing. */
void record_flush(struct record_writer *w);

/* Takes the next record off *list (wire_records.list). False at the end, or with *list not empty where it is torn. */
bool record_next(struct span *list, struct wire_record *out);

#endif
