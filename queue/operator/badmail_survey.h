/*
 * Going through the badmail folder for an operator: a listing, a count, or an action on each or on one. In slices.
 */
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
	struct badmail one;      /* that is being looked at for a resend */
	struct resend_look look; /* fd -1 = none */
	bool ended;
	size_t looked, done, failed;
	int64_t told_ms;
	char why[RESEND_WHY_MAX]; /* the last failure */
};

/* The fields above the gap are filled in. 0 or -errno. */
int badmail_survey_begin(struct queue *q, struct badmail_survey *s);

/* As survey_go_on. */
enum survey_step badmail_survey_go_on(struct queue *q, struct badmail_survey *s, int64_t until_ms, struct str *to);

/* Harmless when it has ended. */
void badmail_survey_close(struct badmail_survey *s);

/* Everything about B: its row, its recipients, its history and its reason. */
void badmail_show(struct queue *q, const struct badmail *b, struct str *to);

#endif
