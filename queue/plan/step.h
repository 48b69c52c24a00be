/* What follows for a message of which no job is left. Pure. */
#ifndef QUEUE_PLAN_STEP_H
#define QUEUE_PLAN_STEP_H

#include "queue/model/loaded.h"

enum step {
	STEP_REST,    /* nothing now: jobs are under way, or the message has been put where it waits, or is gone */
	STEP_FINISH,  /* every recipient is dealt with */
	STEP_NOTICE,  /* the sender is to be told of some recipients first */
	STEP_TRY,     /* the notice that was due before this attempt is written: now the attempt itself */
	STEP_GIVE_UP, /* what failed can't be told to an empty sender, and nothing else is left */
	STEP_AGAIN,   /* some recipients were not tried */
	STEP_DEFER    /* what is left waits for its next try */
};

/* NOTICE_DUE: the sender of W is to be told something (notice_due.h). */
enum step step_next(const struct loaded *w, bool notice_due);

#endif
