/* The command line of import-iis. Pure but for getopt's own state; strings are borrowed from argv. */
#ifndef CTL_IMPORT_ARGUMENTS_H
#define CTL_IMPORT_ARGUMENTS_H

#include "ctl/import/take.h"

enum { ARGUMENTS_WHY_MAX = 300 };

struct arguments {
	const char *file;   /* the metabase */
	const char *out;    /* NULL = standard output */
	const char *report; /* NULL = only the things to do, on standard error */
	bool anonymise;
	bool help;
	struct take_choices choices;
};

/* False with WHY (ARGUMENTS_WHY_MAX). Changes argv: the halves of N=NAME become strings of their own. */
bool arguments_parse(int argc, char **argv, struct arguments *out, char *why);

#endif
