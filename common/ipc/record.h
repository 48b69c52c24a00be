/*
 * Entries of the transaction log: a writer (smtpd, delivery) collects them and sends many in one packet; the log reads
 * them one by one. A writer never waits: entries that find no room on the link are counted, and the next packet carries
 * the count.
 */
#ifndef COMMON_IPC_RECORD_H
#define COMMON_IPC_RECORD_H

#include "common/ipc/wire.h"

/* Limits in wire.def: record_add cuts longer texts. */
enum { RECORD_NAME_MAX = 255, RECORD_VERB_MAX = 16, RECORD_ARGUMENT_MAX = 2048, RECORD_TEXT_MAX = 512 };

struct record_writer {
	int fd;          /* the records link: borrowed, never blocks */
	struct str list; /* not yet sent */
	struct str packet;
	uint64_t count; /* records in `list` */
	uint64_t sender, serial;
	uint64_t dropped;  /* lost, and not reported yet */
	uint64_t sessions; /* the writer's own count, for their numbers */
};

/* One for each process, after the fork: a random number identifies the sender. */
void record_writer_init(struct record_writer *w, int fd);

/* Sends the collected records, and logs the number of lost ones that could not be reported. */
void record_writer_free(struct record_writer *w);

/* Adds RECORD; long texts are cut. Sends when a packet is full. */
void record_add(struct record_writer *w, const struct wire_record *record);

/* Sends the collected records. One system call; none when there is nothing. */
void record_flush(struct record_writer *w);

/* Takes the next record off *list (wire_records.list). False at the end, or with *list not empty when it is torn. */
bool record_next(struct span *list, struct wire_record *out);

#endif
