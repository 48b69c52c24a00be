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
 * Asks on a terminal whether to continue; without a terminal --yes is required. WHAT is a sentence that says what will
 * happen. On false the reason was printed.
 */
bool cmd_confirm(const struct ctl *ctl, const char *what);

/* The commands. Each returns the exit status. */
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
int cmd_oauth_status(struct ctl *ctl);
int cmd_oauth_test(struct ctl *ctl);
int cmd_oauth_login(struct ctl *ctl);
int cmd_oauth_forget(struct ctl *ctl);
int cmd_oauth_import(struct ctl *ctl);
int cmd_explain_relay(struct ctl *ctl);
int cmd_explain_route(struct ctl *ctl);

#endif
