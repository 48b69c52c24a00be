#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/installed.h"
#include "common/base/log.h"
#include "master/daemon.h"
#include "master/master.h"
#include "master/notify.h"

static const char usage[] = "usage: mailrootd [-f] [-c FILE]\n"
			    "  -c FILE  configuration, instead of " MAILROOT_SYSCONFDIR "/mailroot.conf\n"
			    "  -f       stay in the foreground and log to stderr\n"
			    "  -V       print the version\n"
			    "`mailrootctl check FILE` checks a configuration; mailrootd(8) has more.\n";

struct options {
	const char *file;
	bool foreground;
};

static void parse_options(int argc, char **argv, struct options *out)
{
	int option;
	*out = (struct options){MAILROOT_SYSCONFDIR "/mailroot.conf", false};
	while ((option = getopt(argc, argv, "c:fV")) != -1) {
		switch (option) {
		case 'c':
			out->file = optarg;
			break;
		case 'f':
			out->foreground = true;
			break;
		case 'V':
			printf("mailrootd %s\n", MAILROOT_VERSION);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(1);
		}
	}
	if (optind != argc) {
		fprintf(stderr, "mailrootd: %s: unknown argument\n%s", argv[optind], usage);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	static struct master master;
	struct options options;
	char file[PATH_MAX];
	int report_fd = -1;
	parse_options(argc, argv, &options);
	/* The daemon changes its working folder, so a relative path would be lost. */
	if (!realpath(options.file, file))
		snprintf(file, sizeof(file), "%s", options.file);
	log_open("mailrootd", NULL);
	notify_open();
	if (!master_configure(&master, file))
		return 1;
	if (!options.foreground && (report_fd = daemon_detach()) < 0)
		log_fatal(1, "can't become a daemon; use -f to stay in the foreground");
	if (chdir("/"))
		log_fatal(1, "can't leave the working folder");
	umask(022);
	master.report_fd = report_fd;
	if (!master_start(&master)) {
		daemon_report(&master.report_fd, 1, "mailrootd: not started\n");
		return 1;
	}
	if (!options.foreground && !daemon_log_to_syslog())
		log_warning("there is no syslog (/dev/log): the log goes to stderr");
	return master_run(&master);
}
