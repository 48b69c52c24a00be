/* What the commands of mailrootctl share. Each family of commands has a file: cmd_<family>.c. */
#ifndef CTL_CMD_H
#define CTL_CMD_H

#include "ctl/link.h"
#include "ctl/options.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NOT_RUNNING = 3 };

struct ctl {
	struct options options;
	const char *const *args; /* the arguments after the command's words */
	size_t arg_count;
};

/* Prints "mailrootctl: ..." on stderr; returns EXIT_FAILED. */
int cmd_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* run_dir of the configuration file, or the default if the file can't be read. Owned by the caller. */
char *cmd_run_dir(const struct ctl *ctl);

/* Connects to master. On failure prints the reason, sets *status to the exit status and returns -1. */
int cmd_connect(const struct ctl *ctl, int *status);

/*
 * The virtual server to ask: --server, or the only one. Owned by the caller. NULL: the reason was printed, and *STATUS
 * is the exit status.
 */
char *cmd_choose_server(struct ctl *ctl, int *status);

/* Whether --from and --size of an `explain` are good; *size is 0 when none was given. False: the reason was printed. */
bool cmd_mail_good(const struct ctl *ctl, uint64_t *size);

/*
 * Asks on a terminal whether to continue; without a terminal --yes is required. WHAT is a sentence that says what will
 * happen. On false the reason was printed.
 */
bool cmd_confirm(const struct ctl *ctl, const char *what);

/* The commands of commands.def. Each returns the exit status. */
#define COMMAND(first, second, options, min, max, run, synopsis, help) int run(struct ctl *ctl);
#define PROGRAM(first, second, synopsis, help)
#include "ctl/commands.def"
#undef COMMAND
#undef PROGRAM

#endif
