/* Walks the badmail folder for an operator: lists, counts, resends or deletes all messages or one. In slices. */
#ifndef QUEUE_OPERATOR_BADMAIL_SURVEY_H
#define QUEUE_OPERATOR_BADMAIL_SURVEY_H

#include <dirent.h>

#include "common/ipc/rows.h"
#include "queue/operator/survey.h"
#include "queue/spool/resend.h"

struct badmail_survey {
	char id[BADMAIL_ID_MAX + 1]; /* "" = all */
	enum row_action action;      /* ROW_RESEND, ROW_DELETE; 0 = list them */
	bool count_only;
	size_t limit; /* rows of a listing, 0 = any number */

	DIR *folder;             /* owned */
	struct badmail one;      /* the message at hand */
	struct resend_look look; /* the check before a resend; fd -1 = none runs */
	bool ended;
	size_t looked, done, failed;
	int64_t told_ms;          /* when progress was last reported */
	char why[RESEND_WHY_MAX]; /* of the last failure */
};

/* Begins S, whose fields above the gap the caller has set. 0 or -errno. Close S in either case. */
int badmail_survey_begin(struct queue *q, struct badmail_survey *s);

/* As survey_go_on (survey.h). */
enum survey_step badmail_survey_go_on(struct queue *q, struct badmail_survey *s, int64_t until_ms, struct str *to);

/* Closes what S holds. S may have ended or be zeroed. */
void badmail_survey_close(struct badmail_survey *s);

/* Appends to TO all about message B: its row, its recipients, its history and its reason. */
void badmail_show(struct queue *q, const struct badmail *b, struct str *to);

#endif
