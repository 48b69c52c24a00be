/*
 * What one session says for the transaction log: a record for each command with its reply, and one for the end of each
 * message text. Where the log is off nothing is done; where it is on, one send for all commands that came together.
 */
#ifndef SMTPD_SESSION_TRANSCRIPT_H
#define SMTPD_SESSION_TRANSCRIPT_H

#include "common/ipc/record.h"
#include "smtpd/session/session.h"

struct transcript {
	struct record_writer *writer; /* NULL = no log at all */
	uint64_t session;             /* its number, of this host and for as long as pids last */
	int fd;
	bool named; /* the addresses below are known */
	char ours[IPADDR_TEXT_MAX];
	uint16_t our_port, peer_port;
	int64_t began_ms; /* when the command in hand was heard, monotonic */
};

/* The session on FD. WRITER (may be NULL) and FD are borrowed. */
void transcript_begin(struct transcript *t, struct record_writer *writer, int fd);

/* A command, or the end of a message text, has been heard. */
void transcript_heard(struct transcript *t);

/* The reply to LINE stands in s->out; without one (BDAT waits for its chunk) there is nothing to record yet. */
void transcript_command(struct transcript *t, const struct session *s, struct span line);

/* The reply to the text of DATA or the chunk of BDAT, of OCTETS as they came, stands in s->out. BEFORE: the state in
 * which the text was taken. */
void transcript_text(struct transcript *t, const struct session *s, enum session_state before, uint64_t octets);

/* A reply that answers no command stands in s->out, if any: VERB says what happened. */
void transcript_event(struct transcript *t, const struct session *s, struct span verb);

/* Sends what is collected: before waiting for the client, and at the end. */
void transcript_flush(struct transcript *t);

#endif
