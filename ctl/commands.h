/* The commands of mailrootctl: one table, and common functions. Each family of commands has a file: cmd_<family>.c. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl/link.h"
#include "ctl/options.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NOT_RUNNING = 3 };

struct ctl {
	struct options options;
	const char *const *args; /* the arguments after the command's words */
	size_t arg_count;
};

struct command {
	const char *words[2]; /* "queue", "list"; the second is NULL for a one-word command */
	unsigned options;     /* set of enum option_bit */
	size_t args_min, args_max;
	int (*run)(struct ctl *ctl); /* exit status */
	const char *synopsis;        /* the arguments after the words */
	const char *help;
};

/* Runs the command line. */
int commands_run(int argc, char **argv);

/* Finds the command that WORDS begin with, and how many words it takes. NULL with WHY (OPTIONS_WHY_MAX): none. Pure. */
const struct command *commands_find(const char *const *words, size_t n, size_t *taken, char *why);

/* Whether COMMAND has these options and arguments; false with WHY (OPTIONS_WHY_MAX). Pure. */
bool commands_fits(const struct command *command, const struct options *options, size_t args, char *why);

/* Prints "mailrootctl: ..." on stderr; returns EXIT_FAILED. */
int commands_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* run_dir of the configuration file, or the default if the file can't be read. Owned by the caller. */
char *commands_run_dir(const struct ctl *ctl);

/* Connects to master. On failure prints the reason, sets *status to the exit status and returns -1. */
int commands_connect(const struct ctl *ctl, int *status);

/*
 * Asks on a terminal whether to continue; without a terminal --yes is required. WHAT is a sentence that says what will
 * happen. On false the reason was printed.
 */
bool commands_confirm(const struct ctl *ctl, const char *what);

int cmd_check(struct ctl *ctl);
int cmd_config_show(struct ctl *ctl);
int cmd_config_doc(struct ctl *ctl);
int cmd_status(struct ctl *ctl);
int cmd_sessions(struct ctl *ctl);
int cmd_kick(struct ctl *ctl);
int cmd_reload(struct ctl *ctl);
int cmd_stop(struct ctl *ctl);
int cmd_server_start(struct ctl *ctl);
int cmd_server_stop(struct ctl *ctl);
int cmd_server_pause(struct ctl *ctl);
int cmd_server_continue(struct ctl *ctl);
int cmd_mailq(struct ctl *ctl);
int cmd_queue_list(struct ctl *ctl);
int cmd_queue_show(struct ctl *ctl);
int cmd_queue_retry(struct ctl *ctl);
int cmd_queue_hold(struct ctl *ctl);
int cmd_queue_release(struct ctl *ctl);
int cmd_queue_delete(struct ctl *ctl);
int cmd_queue_bounce(struct ctl *ctl);
int cmd_trace(struct ctl *ctl);
int cmd_log_summary(struct ctl *ctl);
int cmd_test(struct ctl *ctl);
int cmd_badmail_list(struct ctl *ctl);
int cmd_badmail_show(struct ctl *ctl);
int cmd_badmail_resend(struct ctl *ctl);
int cmd_badmail_delete(struct ctl *ctl);
int cmd_user_add(struct ctl *ctl);
int cmd_user_passwd(struct ctl *ctl);
int cmd_user_delete(struct ctl *ctl);
int cmd_user_list(struct ctl *ctl);
int cmd_explain_relay(struct ctl *ctl);
int cmd_explain_route(struct ctl *ctl);

#endif
