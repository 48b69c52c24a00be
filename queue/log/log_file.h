/*
 * The files of one transaction log: collects lines, writes many with one write, changes the file when a record belongs
 * to the next one. The log must never stand in the way of mail: a disk that is full costs records, which are counted,
 * said once on stderr and, as soon as it can be, in the log itself.
 *
 * Killed at any moment it neither loses nor repeats a record: before a batch is written, a note (".last-batch" in the
 * same folder) says where it will end and which packet of the link was its last. After a restart the caller looks for
 * that packet in the link: gone means that the batch was written and taken; there, log_file_stands knows more.
 */
#ifndef QUEUE_LOG_LOG_FILE_H
#define QUEUE_LOG_LOG_FILE_H

#include <sys/types.h>

#include "queue/log/log_format.h"
#include "queue/log/log_period.h"

enum { LOG_FILE_BATCH = 256 * 1024 }; /* octets written at once, about */

/* The last packet in a batch, and how many packets are in it. */
struct log_mark {
	uint64_t sender, serial;
	uint64_t packets;
};

struct log_file {
	struct log_format format;
	struct log_naming naming;
	int dir_fd;  /* owned */
	int note_fd; /* owned; -1 = none, and a kill may then repeat records */
	int fd;      /* -1 = none open */
	ino_t inode; /* of it */
	char name[LOG_PERIOD_NAME_MAX];
	uint64_t number;
	int64_t begun_ms, end_ms; /* of its period: the moment it was opened for, and its end */
	uint64_t size;
	bool header_due;
	struct str lines; /* of one packet */
	struct str batch; /* not yet written */
	uint64_t lines_count, batch_count;
	uint64_t lost, lost_told;   /* not yet in the log; said in the batch */
	bool failing;               /* people were told so, and not yet that it is over */
	int64_t seen_ms, failed_ms; /* of the last packet; when a write failed last */
	uint64_t lost_failing;
};

/* Opens the folder DIR. 0 or -errno. The strings of FORMAT are borrowed. */
__attribute__((warn_unused_result)) int log_file_init(struct log_file *f, const char *dir,
						      const struct log_format *format, const struct log_naming *naming);
void log_file_free(struct log_file *f);

/* Another format, choice of fields or period from now on. What is collected must be written before. */
void log_file_change(struct log_file *f, const struct log_format *format, const struct log_naming *naming);

/* One record of the packet in hand. */
void log_file_add(struct log_file *f, const struct wire_record *record);

/* COUNT records never came. */
void log_file_lost(struct log_file *f, uint64_t count);

/*
 * The packet in hand, with the time of its first record, belongs to another file than the batch, which must be written
 * first.
 */
bool log_file_moves(const struct log_file *f, int64_t time_ms, int64_t now_ms);

/* Moves the packet in hand to the batch, opening its file where none is open. True when the batch is large enough. */
bool log_file_take(struct log_file *f, int64_t time_ms, int64_t now_ms);

/* Writes the batch, whose last packet is MARK. What can't be written is counted as lost. */
void log_file_write(struct log_file *f, const struct log_mark *mark);

/* What a predecessor noted: the last batch that it was about to write. False = nothing. */
bool log_file_recall(const struct log_file *f, struct log_mark *mark);

/*
 * For a recalled batch whose packets are still in the link, before anything is added: true = it stands in the log
 * whole; false = what there was of it has been cut off, so that it can be written again.
 */
bool log_file_stands(const struct log_file *f);

#endif
