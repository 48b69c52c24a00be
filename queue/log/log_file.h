/*
 * The files of one transaction log. It collects lines into batches, writes a batch with one write, and opens the next
 * file when a record belongs to it. The log must never delay mail. If the disk is full, records are lost; their number
 * is logged once on stderr and, when writing succeeds again, in the transaction log itself.
 *
 * A kill at any moment neither loses nor repeats a record. Before a batch is written, a note (".last-batch" in the same
 * folder) states where the batch ends and which packet of the link was its last. After a restart the caller searches
 * the link for this packet. If it is not there, the batch was written and its packets were removed. If it is there,
 * log_file_stands tells whether the batch was written.
 */
#ifndef QUEUE_LOG_LOG_FILE_H
#define QUEUE_LOG_LOG_FILE_H

#include <sys/types.h>

#include "queue/log/log_format.h"
#include "queue/log/log_period.h"

enum { LOG_FILE_BATCH = 256 * 1024 }; /* octets; a batch is written when it has as many */

/* The last packet in a batch, and how many packets are in it. */
struct log_mark {
	uint64_t sender, serial;
	uint64_t packets;
};

struct log_file {
	struct log_format format;
	struct log_naming naming;
	int dir_fd;  /* owned */
	int note_fd; /* owned; -1 = none, so a kill may repeat records */
	int fd;      /* -1 = none open */
	ino_t inode; /* of the open file */
	char name[LOG_PERIOD_NAME_MAX];
	uint64_t number;
	int64_t begun_ms, end_ms; /* the time that the file was opened for, and the end of its period */
	uint64_t size;
	bool header_due;
	struct str lines; /* of the current packet */
	struct str batch; /* not written yet */
	uint64_t lines_count, batch_count;
	uint64_t lost, lost_told;   /* lost records that are not in the log yet; those that the batch reports */
	bool failing;               /* a failure was logged, and its end was not */
	int64_t seen_ms, failed_ms; /* time of the last packet, and of the last failure */
	uint64_t lost_failing;
};

/* Opens the folder DIR. 0 or -errno. The strings of FORMAT are borrowed. */
__attribute__((warn_unused_result)) int log_file_init(struct log_file *f, const char *dir,
						      const struct log_format *format, const struct log_naming *naming);
void log_file_free(struct log_file *f);

/* Changes the format, the fields or the period. The caller must have written the batch before. */
void log_file_change(struct log_file *f, const struct log_format *format, const struct log_naming *naming);

/* Adds one record of the current packet. */
void log_file_add(struct log_file *f, const struct wire_record *record);

/* The writers dropped COUNT records. */
void log_file_lost(struct log_file *f, uint64_t count);

/*
 * True if the current packet, whose first record has the time TIME_MS, belongs to another file than the batch. Then the
 * caller must write the batch first.
 */
bool log_file_moves(const struct log_file *f, int64_t time_ms, int64_t now_ms);

/* Moves the current packet to the batch, and opens its file if none is open. True when the batch is full. */
bool log_file_take(struct log_file *f, int64_t time_ms, int64_t now_ms);

/* Writes the batch, whose last packet is MARK. Records that can't be written are counted as lost. */
void log_file_write(struct log_file *f, const struct log_mark *mark);

/* Reads the note of the previous process: its last batch. False = there is none. */
bool log_file_recall(const struct log_file *f, struct log_mark *mark);

/*
 * For a recalled batch whose packets are still in the link; call it before a record is added. True = the whole batch is
 * in the log. False = it is not, and any part of it was cut off, so that the batch can be written again.
 */
bool log_file_stands(const struct log_file *f);

#endif
