/* The place of a finding, for the parts of `check` that look beyond the configuration's own text. */
#ifndef CTL_EXAMINE_PLACE_H
#define CTL_EXAMINE_PLACE_H

#include "common/tls/certificate.h"
#include "ctl/examine.h"

/* Findings about one setting. */
struct place {
	const struct examine *how;
	struct config_report *report;
	const struct config_origin *at;
	unsigned said; /* a set of (1 << grade) */
};

/* "FILE:LINE: warning: TEXT" at the end of the report, counted. PLACE is a struct place. */
void place_say(void *place, enum certificate_grade grade, const char *text);

/* Folders that the service can't use, of every virtual server that is enabled (examine_folders.c). */
void examine_folders(struct place place, const struct config *config);

/* Name servers that do not answer, and smart hosts and routes whose names they do not know (examine_names.c). Takes
 * some seconds at most, whatever answers. */
void examine_names(struct place place, const struct config *config);

#endif
