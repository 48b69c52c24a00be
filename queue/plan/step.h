/* The next step of an attempt. Pure. */
#ifndef QUEUE_PLAN_STEP_H
#define QUEUE_PLAN_STEP_H

#include "queue/model/loaded.h"

enum step {
	STEP_REST,    /* nothing now: jobs are running, or the message waits or is gone */
	STEP_FINISH,  /* no recipient needs anything any more: remove the message */
	STEP_NOTICE,  /* send the notice that is due */
	STEP_TRY,     /* the notice that was due first is written: make the attempt */
	STEP_GIVE_UP, /* only failures are left, and the null sender gets no notice: to badmail */
	STEP_AGAIN,   /* some recipients were not tried: load the message again */
	STEP_DEFER    /* only delayed recipients are left: wait for the next try */
};

/* The next step for loaded message W. NOTICE_DUE: a notice to its sender is due (notice_due.h). */
enum step step_next(const struct loaded *w, bool notice_due);

#endif
