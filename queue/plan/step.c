#include "queue/plan/step.h"

enum step step_next(const struct loaded *w, bool notice_due)
{
	bool more = w->counts[RECIPIENT_OPEN] || w->counts[RECIPIENT_DELAYED];
	if (w->job_count)
		return STEP_REST;
	if (loaded_done(w))
		return STEP_FINISH;
	if (notice_due && !w->notice_delayed)
		return STEP_NOTICE;
	if (w->notice_first)
		return STEP_TRY;
	if (!more && !w->sender.text.len)
		return STEP_GIVE_UP;
	return w->counts[RECIPIENT_OPEN] ? STEP_AGAIN : STEP_DEFER;
}
