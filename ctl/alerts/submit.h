/*
 * Sends one mail over a connected socket by SMTP, without TLS and without authentication: to the host of `via`, or to a
 * listener of our own.
 */
#ifndef CTL_ALERTS_SUBMIT_H
#define CTL_ALERTS_SUBMIT_H

#include "common/base/span.h"

enum { SUBMIT_SAID_MAX = 400 };

struct submission {
	const char *helo; /* name of this machine */
	const char *from; /* address of the envelope */
	const char *to;
	struct span mail; /* header and body, lines with CRLF */
};

/*
 * Sends WHAT over FD, which blocks and stays open, within MS milliseconds in all. True: the host has taken the mail.
 * SAID of SUBMIT_SAID_MAX octets gets one line in words, with the host's reply. False also when the connection ends
 * before the reply to the text, so the mail may come twice.
 */
bool submit(int fd, const struct submission *what, int64_t ms, char *said);

#endif
