/* What a check found: severity, place, fault and remedy. Pure. */
#ifndef CTL_DOCTOR_FINDING_H
#define CTL_DOCTOR_FINDING_H

#include "common/base/str.h"

enum finding_severity {
	FINDING_NOTE,    /* could not be looked at, or good to know */
	FINDING_WARNING, /* some mail is delayed, refused or filed as spam, or soon will be */
	FINDING_ERROR    /* mail is lost, refused or does not move; or strangers can abuse the server */
};

struct finding {
	enum finding_severity severity;
	struct span where; /* file:line, address, host or domain; may be empty */
	struct span what;
	struct span remedy;
};

/* "error", "warning", "note". */
const char *finding_word(enum finding_severity severity);

/* Appends F, for finding_take. Control characters and 8-bit octets, which may come from DNS, are written as \xNN. */
void finding_append(const struct finding *f, struct str *to);

/* Takes the next finding off the front of *TEXT; its spans point into it. False: there is no complete one. */
bool finding_take(struct span *text, struct finding *out);

#endif
