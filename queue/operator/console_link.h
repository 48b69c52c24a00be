/* A link to mailrootctl, and the answer that it waits for: shared by console.c and console_request.c. */
#ifndef QUEUE_OPERATOR_CONSOLE_LINK_H
#define QUEUE_OPERATOR_CONSOLE_LINK_H

#include "queue/operator/badmail_survey.h"
#include "queue/operator/survey.h"
#include "queue/operator/text_stream.h"

struct console;
struct explain;

enum ctl_work { CTL_NOTHING, CTL_SURVEY, CTL_TEXT, CTL_BADMAIL, CTL_EXPLAIN, CTL_PROBE };

struct ctl {
	int fd;
	enum wire_link link; /* what may be asked on it */
	size_t at;           /* in console->ctls */
	enum ctl_work work;
	struct survey survey;
	struct text_stream text;
	struct badmail_survey badmail;
	char probe[MSGID_LEN + 1];       /* in CTL_PROBE: the id of the test message */
	int64_t probe_until, probe_told; /* when to stop waiting; when progress was last reported */
	struct explain *explain;         /* in CTL_EXPLAIN; owned */
	bool slow;                       /* its socket is full */
	struct str out;                  /* packets to be sent, each after its length */
	size_t sent;                     /* octets of `out` that were sent */
};

/* Begins to answer the request TEXT on C. False: it is not permitted on this link, or not well-formed. */
bool console_request(struct console *all, struct ctl *c, struct span text);

/* Ends the answer with EXIT_CODE (of mailrootctl) and TEXT. */
void console_done(struct ctl *c, uint64_t exit_code, const char *text);

#endif
