/* The machine: users, what the kernel offers, the start, the clock, other mail servers. */
#include <errno.h>
#include <glob.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/doctor/processes.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
enum { LANDLOCK_ASK_VERSION = 1, USERS = 3 };

struct user {
	const char *setting, *name;
	const struct config_origin *at;
	uid_t uid;
};

static bool can_log_in(const struct passwd *user)
{
	const char *shell = strrchr(user->pw_shell, '/');
	return shell && strcmp(shell, "/nologin") != 0 && strcmp(shell, "/false") != 0;
}

/* False: there is no such user. */
static bool examine_user(struct doctor *d, struct user *user)
{
	const struct passwd *entry = getpwnam(user->name);
	const char *where = doctor_place(d, user->at);
	if (!entry) {
		doctor_find(
			d, d->guest ? FINDING_NOTE : FINDING_ERROR, where,
			doctor_text(d, _("there is no user %s (%s), so the service does not start as root"), user->name,
				    user->setting),
			doctor_text(d, _("systemd-sysusers creates it, or: adduser --system --group %s"), user->name));
		return false;
	}
	user->uid = entry->pw_uid;
	if (user->uid == 0)
		doctor_find(d, FINDING_ERROR, where,
			    doctor_text(d, _("%s is %s, who is root: a process that is taken over has the machine"),
					user->setting, user->name),
			    _("set it to a user without rights of its own"));
	else if (can_log_in(entry))
		doctor_find(
			d, FINDING_WARNING, where,
			doctor_text(d, _("user %s (%s) has a shell, %s: it owns mail and should not be able to log in"),
				    user->name, user->setting, entry->pw_shell),
			doctor_text(d, _("usermod --shell /usr/sbin/nologin %s"), user->name));
	return true;
}

void diagnose_users(struct doctor *d)
{
	const struct config *c = d->config;
	struct user users[USERS] = {{"user", c->user, &c->user_at, 0},
				    {"smtpd_user", c->smtpd_user, &c->smtpd_user_at, 0},
				    {"delivery_user", c->delivery_user, &c->delivery_user_at, 0}};
	for (size_t i = 0; i < USERS; i++) {
		if (!examine_user(d, &users[i]))
			users[i].name = NULL;
		for (size_t j = 0; users[i].name && j < i; j++)
			if (users[j].name && users[i].uid == users[j].uid)
				doctor_find(
					d, FINDING_WARNING, doctor_place(d, users[i].at),
					doctor_text(
						d,
						_("%s and %s are one user: processes that talk to strangers can touch what the others own"),
						users[i].setting, users[j].setting),
					_("give each a user of its own"));
	}
}

static void examine_landlock(struct doctor *d)
{
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_ASK_VERSION) >= 1)
		return;
	bool off = errno == EOPNOTSUPP;
	doctor_find(
		d, FINDING_WARNING, "kernel",
		off ? _("Landlock is switched off, so processes that talk to strangers are not kept from files")
		    : _("the kernel has no Landlock, so processes that talk to strangers are not kept from files"),
		off ? _("add landlock to the boot parameter lsm=")
		    : _("use a kernel from 5.13 with CONFIG_SECURITY_LANDLOCK; in a container, let its seccomp profile permit landlock_create_ruleset"));
}

static void examine_seccomp(struct doctor *d)
{
	const struct config_sandbox *sandbox = &d->config->sandbox;
	unsigned action = SECCOMP_RET_KILL_PROCESS;
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0)
		doctor_find(d, FINDING_WARNING, "kernel",
			    _("the kernel has no seccomp filters, so system calls of SMTP clients are not restricted"),
			    _("use a kernel with CONFIG_SECCOMP_FILTER"));
	if (sandbox->seccomp != CONFIG_SECCOMP_ENFORCE)
		doctor_find(d, FINDING_WARNING, doctor_place(d, &sandbox->seccomp_at),
			    _("seccomp does not end a process that makes a forbidden system call"),
			    _("set sandbox { seccomp enforce } once the log shows no refused call"));
}

void diagnose_sandbox(struct doctor *d)
{
	examine_landlock(d);
	examine_seccomp(d);
}

static bool any_matches(const char *const *patterns, size_t n)
{
	bool found = false;
	for (size_t i = 0; i < n && !found; i++) {
		glob_t names = {0};
		found = glob(patterns[i], 0, NULL, &names) == 0;
		globfree(&names);
	}
	return found;
}

void diagnose_boot(struct doctor *d)
{
	/* mailrootd.service, or mailroot-unprivileged.service. */
	static const char *const units[] = {
		"/etc/systemd/system/mailroot*.service", "/run/systemd/system/mailroot*.service",
		"/usr/local/lib/systemd/system/mailroot*.service", "/usr/lib/systemd/system/mailroot*.service",
		"/lib/systemd/system/mailroot*.service"};
	static const char *const enabled_units[] = {"/etc/systemd/system/*.wants/mailroot*.service",
						    "/etc/systemd/system/*.requires/mailroot*.service"};
	static const char *const scripts[] = {"/etc/init.d/mailrootd"};
	static const char *const enabled_scripts[] = {"/etc/rc[2-5].d/S[0-9]*mailrootd"};
	bool systemd = access("/run/systemd/system", F_OK) == 0;
	const char *what = _("the service does not start with the machine");
	if (systemd && any_matches(units, sizeof(units) / sizeof(units[0]))) {
		if (!any_matches(enabled_units, sizeof(enabled_units) / sizeof(enabled_units[0])))
			doctor_find(d, FINDING_WARNING, "mailrootd.service", what, _("systemctl enable mailrootd"));
	} else if (!systemd && any_matches(scripts, 1)) {
		if (!any_matches(enabled_scripts, 1))
			doctor_find(d, FINDING_WARNING, scripts[0], what, _("update-rc.d mailrootd defaults"));
	} else {
		doctor_find(
			d, FINDING_NOTE, "",
			_("nothing here starts the service with the machine: no unit and no script of init is installed"),
			_("install them, or see to it that a container manager or a supervisor starts mailrootd"));
	}
}

void diagnose_clock(struct doctor *d)
{
	struct timex state = {.modes = 0};
	struct stat program;
	char now[CLOCK_TEXT_MAX];
	int64_t now_ms = clock_wall_ms();
	clock_iso(now_ms, now);
	if (stat("/proc/self/exe", &program) == 0 && now_ms / 1000 < program.st_mtim.tv_sec)
		doctor_find(
			d, FINDING_ERROR, "clock",
			doctor_text(
				d,
				_("the clock says %s, but this program was installed later: signatures of DNS, certificates and access tokens fail"),
				now),
			_("set the clock, and let chrony or systemd-timesyncd keep it"));
	else if (adjtimex(&state) == TIME_ERROR || state.status & STA_UNSYNC)
		doctor_find(
			d, FINDING_WARNING, "clock",
			doctor_text(d,
				    _("nothing keeps the clock right (the kernel says: not synchronized); it says %s"),
				    now),
			_("install chrony or start systemd-timesyncd, on the host if this is a container"));
}

/* Processes of other mail servers, by the end of their argument 0 and, unless NULL, a word in the command line. */
static const struct rival {
	const char *program, *word, *name, *unit;
} rivals[] = {
	{"/postfix/sbin/master", NULL, "Postfix", "postfix"},
	{"/exim4", NULL, "Exim", "exim4"},
	{"/exim", NULL, "Exim", "exim"},
	{"sendmail:", "accepting", "Sendmail", "sendmail"},
	{"/sendmail", "-bd", "Sendmail", "sendmail"},
	{"sbin/smtpd", NULL, "OpenSMTPD", "opensmtpd"},
	{"qmail-send", NULL, "qmail", "qmail"},
};

static void examine_process(void *context, const struct process *process)
{
	struct doctor *d = context;
	for (size_t i = 0; i < sizeof(rivals) / sizeof(rivals[0]); i++) {
		const struct rival *r = &rivals[i];
		if (!span_ends_nocase(process->program, span_of(r->program)) ||
		    (r->word && !memmem(process->command.at, process->command.len, r->word, strlen(r->word))))
			continue;
		doctor_find(
			d, FINDING_WARNING, doctor_text(d, "process %d", (int)process->pid),
			doctor_text(
				d,
				_("%s runs on this machine, too: it may have port 25 after the next start, and the mail of local programs"),
				r->name),
			doctor_text(d, _("if Mailroot takes its place: systemctl disable --now %s"), r->unit));
		return;
	}
}

void diagnose_rivals(struct doctor *d)
{
	processes_each(examine_process, d);
}
