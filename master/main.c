#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/installed.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "master/adopt.h"
#include "master/daemon.h"
#include "master/handed.h"
#include "master/handover.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/programs.h"
#include "master/requests.h"

static const char usage[] = N_("usage: mailrootd [-fn] [-c FILE]\n"
			       "  -c FILE  configuration, instead of %s/mailroot.conf\n"
			       "  -f       stay in the foreground and log to stderr\n"
			       "  -n       check the configuration and the installed programs; start nothing\n"
			       "  -V       print the version\n"
			       "`mailrootctl check FILE` checks a configuration; mailrootd(8) has more.\n");

enum { WHY_MAX = 300, FAULTS_MAX = 100000 };

struct options {
	const char *file;
	bool foreground;
	bool check;
};

static void parse_options(int argc, char **argv, struct options *out)
{
	int option;
	*out = (struct options){MAILROOT_SYSCONFDIR "/mailroot.conf", false, false};
	while ((option = getopt(argc, argv, "c:fnV")) != -1) {
		switch (option) {
		case 'c':
			out->file = optarg;
			break;
		case 'f':
			out->foreground = true;
			break;
		case 'n':
			out->check = true;
			break;
		case 'V':
			printf("mailrootd %s\n", MAILROOT_VERSION);
			exit(0);
		default:
			fprintf(stderr, _(usage), MAILROOT_SYSCONFDIR);
			exit(1);
		}
	}
	if (optind != argc) {
		fprintf(stderr, _("mailrootd: %s: unknown argument\n"), argv[optind]);
		fprintf(stderr, _(usage), MAILROOT_SYSCONFDIR);
		exit(1);
	}
}

/* The program that an upgrade starts: as we were called, because that may be a link to the newest version. */
static const char *own_path(const char *called)
{
	static char path[PATH_MAX];
	ssize_t n = called[0] == '/' ? 0 : readlink("/proc/self/exe", path, sizeof(path) - 1);
	return n > 0 ? path : called;
}

/* The exit status of -n: whether this program can start, or take over from the service that asks. */
static int check(const struct master *master)
{
	char why[WHY_MAX];
	unsigned roles = 0;
	struct str faults;
	struct handover *from = adopt_read(master, why, sizeof(why));
	str_init(&faults, FAULTS_MAX);
	for (size_t i = 0; i < master->server_count; i++)
		roles |= master->servers[i]->needed;
	bool good = programs_check(master->programs, roles, &faults) && !why[0];
	fputs(str_text(&faults), stderr);
	if (why[0])
		fprintf(stderr, "%s\n", why);
	if (good && from)
		printf(_("version %s can take over from version %.*s\n"), MAILROOT_VERSION, SPAN_ARGS(from->version));
	else if (good)
		printf(_("version %s can start\n"), MAILROOT_VERSION);
	str_free(&faults);
	adopt_free(from);
	return good ? 0 : 1;
}

/*
 * An administrator at a terminal reads the errors of the configuration in the language of the locale. All else, and so
 * the log, is English: the catalogue is not read where init or an older program starts this one.
 */
static void speak_to_terminal(void)
{
	if (isatty(STDERR_FILENO) && !getenv(HANDOVER_VARIABLE))
		language_init();
}

int main(int argc, char **argv)
{
	static struct master master;
	struct options options;
	char file[PATH_MAX], why[WHY_MAX];
	int report_fd = -1;
	speak_to_terminal();
	parse_options(argc, argv, &options);
	/* The daemon changes its working folder, so a relative path would be lost. */
	if (!realpath(options.file, file))
		snprintf(file, sizeof(file), "%s", options.file);
	log_open("mailrootd", NULL);
	notify_open();
	handed_open();
	/* After status 1 init does not start the service again; a file that is being written is good soon. */
	if (!master_configure(&master, file))
		return getenv(HANDOVER_VARIABLE) && !options.check ? EXIT_TEMPORARY : 1;
	master.control.answer = requests_answer;
	master.program = own_path(argv[0]);
	master.foreground = options.foreground;
	if (options.check)
		return check(&master);
	language_english();
	struct handover *from = adopt_read(&master, why, sizeof(why));
	if (why[0]) /* the older program is gone; an ordinary start cures it */
		log_fatal(EXIT_TEMPORARY, "upgrade: %s", why);
	if (!from && !options.foreground && (report_fd = daemon_detach()) < 0)
		log_fatal(1, "can't become a daemon; use -f to stay in the foreground");
	if (chdir("/"))
		log_fatal(1, "can't leave the working folder");
	umask(022);
	master.report_fd = report_fd;
	if (from && !adopt_service(&master, from))
		log_fatal(EXIT_TEMPORARY, "upgrade: a descriptor that the older program hands over is not open");
	if (!master_start(&master)) {
		daemon_report(&master.report_fd, 1, "mailrootd: not started\n");
		return from ? EXIT_TEMPORARY : 1;
	}
	if (from)
		adopt_servers(&master, from);
	adopt_free(from);
	if (!options.foreground && !daemon_log_to_syslog())
		log_warning("there is no syslog (/dev/log): the log goes to stderr");
	return master_run(&master);
}
