/*
 * mailroot-filter, the program of `mailrootctl filter test`: shows a message to one filter, as smtpd would, and says
 * what the filter does with it. It connects by itself, as the user of mailroot-filters if it is root. Nothing is
 * delivered.
 */
#ifndef CTL_FILTER_TRIAL_H
#define CTL_FILTER_TRIAL_H

#include "ctl/cmd.h"
#include "smtpd/filters/reach.h"
#include "smtpd/milter/filters.h"

/* A trial: the filter, the message, and how far it came. */
struct trial {
	const struct ctl *ctl;
	struct config_server server; /* that of the configuration, with this filter alone */
	struct config_filter filter; /* that of the configuration, but shown all mail of SMTP, of any size */
	struct reach reach;
	struct filters filters;
	struct str text; /* as it stands in the store: envelope lines, our Received, the message */
	struct str replaced;
	bool replacing;
	const char *stage; /* of the verdict: "RCPT" */
	enum filters_verdict verdict;
};

/* The command line; returns the exit status. */
int trial_run(int argc, char **argv);

/* The store of the message, in memory. Borrows T. */
struct store trial_store(struct trial *t);

/* Prints what came out; returns the exit status. */
int trial_show(struct trial *t);

#endif
