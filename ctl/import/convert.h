/* The whole import in memory: from the text of a metabase to the text of a configuration and of a report. */
#ifndef CTL_IMPORT_CONVERT_H
#define CTL_IMPORT_CONVERT_H

#include "ctl/import/take.h"

struct convert_result {
	struct str config, report;
	struct str todos; /* the list of things to do, which is in the report, too */
	unsigned todo_count;
	size_t servers;
	struct str findings;    /* what the configuration's own checks say of the result; usually nothing */
	unsigned errors;        /* of these, how many are errors */
	struct xml_fault fault; /* if the metabase can't be read */
};

/*
 * Imports TEXT, the content of FILE (a name for the report). CHOICES->strict is set here if need be: when the checks of
 * the configuration refuse the result, it is made anew without relay rules. False with out->fault. The caller frees
 * *out with convert_free in either case.
 */
bool convert(struct span text, const char *file, struct take_choices *choices, struct convert_result *out);
void convert_free(struct convert_result *result);

#endif
