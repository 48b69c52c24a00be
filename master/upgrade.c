#include "master/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/installed.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/ipc/wire.h"
#include "master/collect.h"
#include "master/handover.h"
#include "master/master.h"
#include "master/notify.h"

enum { ARGUMENTS_MAX = 6, WHY_MAX = 300 };

void upgrade_init(struct upgrade *upgrade)
{
	*upgrade = (struct upgrade){.output = -1, .asker = -1};
	str_init(&upgrade->said, UPGRADE_SAID_MAX);
}

void upgrade_free(struct upgrade *upgrade)
{
	fd_close(&upgrade->output);
	fd_close(&upgrade->asker);
	str_free(&upgrade->said);
}

void upgrade_answer(struct upgrade *upgrade, unsigned exit_code, const char *text)
{
	struct control_client asker = {.fd = upgrade->asker};
	if (asker.fd < 0)
		return;
	control_done(&asker, exit_code, text, -1);
	fd_close(&upgrade->asker);
}

/* The memory file with ALL, or -errno. */
static int write_out(const struct handover *all)
{
	struct str text;
	str_init(&text, HANDOVER_TEXT_MAX);
	handover_write(all, &text);
	int fd = text.failed ? -ENOMEM : fd_sealed("handover", str_span(&text));
	str_free(&text);
	return fd;
}

/* Starts the installed program in place of this process. It returns only on failure. */
static void start_program(const struct master *master, bool check, int handover)
{
	char number[16], *arguments[ARGUMENTS_MAX] = {(char *)master->program, "-c", (char *)master->file};
	size_t used = 3;
	if (master->foreground)
		arguments[used++] = "-f";
	if (check)
		arguments[used++] = "-n";
	snprintf(number, sizeof(number), "%d", handover);
	setenv(HANDOVER_VARIABLE, number, 1);
	fcntl(handover, F_SETFD, 0);
	execv(master->program, arguments);
}

static _Noreturn void become_checker(const struct master *master, int handover, int output)
{
	sigset_t none;
	sigemptyset(&none);
	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0)
		start_program(master, true, handover);
	fprintf(stderr, "can't start %s: %s\n", master->program, strerror(errno));
	_exit(EXIT_FAILURE);
}

/* 0 or -errno. */
static int start_check(struct master *master, int handover)
{
	struct upgrade *upgrade = &master->upgrade;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	fd_set_nonblock(ends[1], false);
	pid_t pid = fork();
	if (pid == 0)
		become_checker(master, handover, ends[1]);
	int err = pid < 0 ? -errno : 0;
	fd_close(&ends[1]);
	if (err) {
		fd_close(&ends[0]);
		return err;
	}
	setpgid(pid, pid);
	upgrade->pid = pid;
	upgrade->output = ends[0];
	upgrade->until_ms = clock_mono_ms() + UPGRADE_CHECK_MS;
	str_clear(&upgrade->said);
	return 0;
}

/* Why the service is in no state to be handed over; NULL = it is. */
static const char *unfit(const struct master *master)
{
	if (master->upgrade.pid)
		return N_("another upgrade is being checked; try again in a moment");
	if (master->stopping)
		return N_("the service is stopping");
	if (!master->announced)
		return N_("the service is still starting; try again in a moment");
	if (master->probation.before)
		return N_("a reload waits for its confirmation; confirm it first: mailrootctl reload --confirmed");
	for (size_t i = 0; i < master->server_count; i++) {
		enum server_state state = server_state(master->servers[i]);
		if (state == SERVER_ENDING || state == SERVER_STOPPING)
			return N_(
				"a virtual server is finishing its sessions; `mailrootctl status` names it. Upgrade when it has stopped");
	}
	return NULL;
}

const char *upgrade_begin(struct master *master, bool check, int asker)
{
	const char *why = unfit(master);
	if (why) {
		log_error("upgrade: version=%s stays: %s", MAILROOT_VERSION, why);
		return why;
	}
	struct handover *all = collect(master);
	int handover = all ? write_out(all) : -ENOMEM;
	free(all);
	int err = handover < 0 ? handover : start_check(master, handover);
	if (handover >= 0)
		fd_close(&handover);
	if (err) {
		log_error("upgrade: can't start the check: %s", strerror(-err));
		return N_("no memory, or no process; try again");
	}
	master->upgrade.check = check;
	master->upgrade.asker = asker;
	log_info("upgrade: version=%s asks %s whether it can take over", MAILROOT_VERSION, master->program);
	return NULL;
}

void upgrade_hear(struct upgrade *upgrade)
{
	char chunk[4096];
	ssize_t n;
	while ((n = read(upgrade->output, chunk, sizeof(chunk))) > 0)
		str_append(&upgrade->said, (struct span){chunk, (size_t)n});
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		fd_close(&upgrade->output);
}

int64_t upgrade_tend(struct upgrade *upgrade, int64_t now_ms)
{
	if (!upgrade->pid)
		return -1;
	if (now_ms < upgrade->until_ms)
		return upgrade->until_ms - now_ms;
	upgrade->until_ms = INT64_MAX;
	kill(-upgrade->pid, SIGKILL);
	return -1;
}

static void stay_open(int fd, void *how)
{
	const int *flags = how;
	fcntl(fd, F_SETFD, *flags);
}

/* Returns only if it failed: then everything is as before. */
static void give_way(struct master *master)
{
	int open = 0, closed = FD_CLOEXEC;
	struct handover *all = collect(master);
	int handover = all ? write_out(all) : -ENOMEM;
	int err = handover < 0 ? -handover : 0;
	if (!err) {
		notify_send("RELOADING=1");
		notify_hand_on();
		handover_each(all, stay_open, &open);
		start_program(master, false, handover);
		err = errno;
		handover_each(all, stay_open, &closed);
		unsetenv(HANDOVER_VARIABLE);
		notify_open();
		notify_send("READY=1");
		fd_close(&handover);
	}
	free(all);
	log_error("upgrade: version=%s stays: can't start %s: %s", MAILROOT_VERSION, master->program, strerror(err));
	upgrade_answer(&master->upgrade, 1,
		       N_("the installed program could not be started; the running version stays"));
}

static void tell_said(struct upgrade *upgrade, bool good)
{
	struct span rest = str_span(&upgrade->said), line;
	struct control_client asker = {.fd = upgrade->asker};
	while (span_line(&rest, &line)) {
		if (good)
			log_info("upgrade: %.*s", SPAN_ARGS(line));
		else
			log_error("upgrade: %.*s", SPAN_ARGS(line));
	}
	if (asker.fd >= 0)
		control_text(&asker, str_span(&upgrade->said));
}

bool upgrade_checked(struct master *master, pid_t pid, int status)
{
	struct upgrade *upgrade = &master->upgrade;
	char how[SUPERVISE_WHY_MAX], why[WHY_MAX];
	if (!upgrade->pid || pid != upgrade->pid)
		return false;
	bool late = upgrade->until_ms == INT64_MAX, good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	upgrade->pid = 0;
	if (upgrade->output >= 0)
		upgrade_hear(upgrade);
	fd_close(&upgrade->output);
	tell_said(upgrade, good);
	supervise_why(status, how);
	if (late)
		snprintf(why, sizeof(why), N_("refused: the installed program said nothing within %d seconds"),
			 UPGRADE_CHECK_MS / 1000);
	else if (!good)
		snprintf(why, sizeof(why), N_("refused: the installed program can't take over (%s)"), how);
	else if (unfit(master))
		snprintf(why, sizeof(why), "refused: %s", unfit(master));
	else if (upgrade->check)
		snprintf(why, sizeof(why), N_("the installed program can take over; nothing was changed"));
	else
		why[0] = '\0';
	if (!why[0]) {
		give_way(master);
		return true;
	}
	if (!upgrade->check || !good)
		log_error("upgrade: version=%s stays: %s", MAILROOT_VERSION, why);
	upgrade_answer(upgrade, !good || !upgrade->check, why);
	return true;
}
