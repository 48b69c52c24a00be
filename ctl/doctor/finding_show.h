/* A finding for a person and for a program. */
#ifndef CTL_DOCTOR_FINDING_SHOW_H
#define CTL_DOCTOR_FINDING_SHOW_H

#include "ctl/doctor/finding.h"
#include "ctl/json.h"

/* Prints F, with its remedy. CHECK: what found it, "spf" or "spf, dkim"; NULL = not said. */
void finding_show(const char *check, const struct finding *f);

/* Writes F as an object. */
void finding_show_json(struct json *json, const char *check, const struct finding *f);

#endif
