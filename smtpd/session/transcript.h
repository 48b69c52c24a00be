/*
 * Writes one session to the transaction log: one record for each command with its reply, and one for the end of each
 * message text. If the log is off, nothing is done. If it is on, all commands that came together take one send.
 */
#ifndef SMTPD_SESSION_TRANSCRIPT_H
#define SMTPD_SESSION_TRANSCRIPT_H

#include "common/ipc/record.h"
#include "smtpd/session/session.h"

struct transcript {
	struct record_writer *writer; /* NULL = the log is off */
	uint64_t session;             /* its number, unique on this host as long as pids are */
	int fd;
	struct session_ends ends; /* asked of the socket only when the log is on and the session does not know them */
	int64_t began_ms;         /* when the current command was received, monotonic */
};

/* Begins the session on FD. WRITER (may be NULL) and FD are borrowed. */
void transcript_begin(struct transcript *t, struct record_writer *writer, int fd);

/* A command, or the end of a message text, has been received. */
void transcript_heard(struct transcript *t);

/* Records LINE with its reply in s->out. Without a reply (BDAT waits for its chunk) it records nothing yet. */
void transcript_command(struct transcript *t, const struct session *s, struct span line);

/*
 * Records the reply in s->out to the text of DATA or the chunk of BDAT, which had OCTETS as received. BEFORE: the state
 * in which the text was received.
 */
void transcript_text(struct transcript *t, const struct session *s, enum session_state before, uint64_t octets);

/* Records a reply in s->out, if any, that answers no command. VERB names the event. */
void transcript_event(struct transcript *t, const struct session *s, struct span verb);

/* Sends the collected records: before waiting for the client, and at the end. */
void transcript_flush(struct transcript *t);

#endif
