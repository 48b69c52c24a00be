/* Runs the checks of doctor.def, each in a process of its own, and collects what they found. */
#ifndef CTL_DOCTOR_CHECKS_H
#define CTL_DOCTOR_CHECKS_H

#include "ctl/doctor/doctor.h"

enum checks_id {
#define CHECK(id, needs, title) CHECKS_##id,
#include "ctl/doctor/doctor.def"
#undef CHECK
	CHECKS_COUNT
};

struct checks_result {
	const char *id, *title;
	bool complete;    /* it was made, to its end */
	struct str found; /* finding.h */
};

/* Results of checks that are not made yet, by checks_id. Free them with checks_free. */
void checks_init(struct checks_result results[CHECKS_COUNT]);

/* Makes all checks. */
void checks_make(struct doctor *d, struct checks_result results[CHECKS_COUNT]);
void checks_free(struct checks_result results[CHECKS_COUNT]);

#endif
