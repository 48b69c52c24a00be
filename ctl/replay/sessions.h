/*
 * What the rows before a row say about it: who is the sender, and has the client authenticated? Logs of IIS don't tell
 * the sessions of a client apart, so what one of them did may hold for all of them: until the client says QUIT as often
 * as HELO, or is silent for SESSIONS_SILENT_S. Pure, and bounded: the client that was silent longest is forgotten.
 */
#ifndef CTL_REPLAY_SESSIONS_H
#define CTL_REPLAY_SESSIONS_H

#include "ctl/replay/row.h"

enum { SESSIONS_MAX = 20000, SESSIONS_SILENT_S = 5 * 60, SESSIONS_SENDER_MAX = 128 };

struct old_session {
	bool authenticated;               /* a reply 235 stands before */
	bool tls;                         /* STARTTLS was accepted before */
	bool mail;                        /* a sender was accepted less than five minutes ago */
	unsigned recipients;              /* of the current message, accepted */
	int64_t octets;                   /* of its text so far; ROW_NO_OCTETS = not logged */
	char sender[SESSIONS_SENDER_MAX]; /* of the last MAIL, printable and cut to fit; "" = none or null */
};

struct sessions;

struct sessions *sessions_new(void); /* NULL: no memory */
void sessions_free(struct sessions *sessions);

/* Takes the next row of an incoming connection; returns what holds at it, valid until the next call. NULL: no memory.
 */
const struct old_session *sessions_take(struct sessions *sessions, const struct row *row);

#endif
