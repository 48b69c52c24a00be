/*
 * mailroot-doctor, the program of `mailrootctl doctor`: makes the checks of doctor.def and reports what each found.
 * Each check runs in a process of its own, all at the same time, so one that hangs (DNS, a network file system) delays
 * no other one. Nothing is changed, and no mail is sent.
 */
#ifndef CTL_DOCTOR_DOCTOR_H
#define CTL_DOCTOR_DOCTOR_H

#include "common/config/config.h"
#include "ctl/doctor/finding.h"

enum {
	DOCTOR_MS = 15000,        /* for a check to end by itself */
	DOCTOR_GIVE_UP_MS = 17000 /* then it is given up */
};

/* What a check gets. */
struct doctor {
	const struct config *config; /* without the servers that are not asked for, or not enabled */
	const char *file;            /* the configuration */
	bool guest;                  /* not root: can't look at everything */
	bool dns;                    /* a name server answers */
	int64_t until;               /* clock_mono_ms: the end of DOCTOR_MS */
	struct arena arena;          /* of the texts of findings */
	struct str found;            /* finding.h */
};

/* Formats a text of a finding; it lives as long as the check. "" without memory. */
const char *doctor_text(struct doctor *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "FILE:LINE" of a setting, or the configuration file for a default. */
const char *doctor_place(struct doctor *d, const struct config_origin *at);

/* Reports a finding. WHERE may be "". */
void doctor_find(struct doctor *d, enum finding_severity severity, const char *where, const char *what,
		 const char *remedy);

/* The command line: exit status 0 = sound, 1 = errors or warnings, 2 = usage. */
int doctor_run(int argc, char **argv);

#endif
