/* The checks: diagnose_ID for each line of doctor.def. Each reports by doctor_find. */
#ifndef CTL_DOCTOR_DIAGNOSE_H
#define CTL_DOCTOR_DIAGNOSE_H

#include "ctl/doctor/doctor.h"

#define CHECK(id, needs, title) void diagnose_##id(struct doctor *d);
#include "ctl/doctor/doctor.def"
#undef CHECK

#endif
