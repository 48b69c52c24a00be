/* The location of a finding, for the parts of `check` that look beyond the configuration's own text. */
#ifndef CTL_EXAMINE_PLACE_H
#define CTL_EXAMINE_PLACE_H

#include "common/tls/certificate.h"
#include "ctl/examine.h"

/* The setting that findings are about. */
struct place {
	const struct examine *how;
	struct config_report *report;
	const struct config_origin *at;
	unsigned said; /* a set of (1 << grade) */
};

/* Appends "FILE:LINE: warning: TEXT" to the report, and counts it. PLACE is a struct place. */
void place_say(void *place, enum certificate_grade grade, const char *text);

/* Checks the folders of every enabled virtual server (examine_folders.c). */
void examine_folders(struct place place, const struct config *config);

/*
 * Checks that name servers answer, and that they know the names of smart hosts and routes (examine_names.c). Takes some
 * seconds at most.
 */
void examine_names(struct place place, const struct config *config);

#endif
