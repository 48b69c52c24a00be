#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/spool/moved.h"
#include "ctl/cmd.h"
#include "ctl/export.h"
#include "ctl/import_run.h"
#include "ctl/json.h"
#include "ctl/table.h"

/* Writes the archive of the spool FOLDER to TO; the exit status. */
static int export_folder(struct ctl *ctl, const char *folder, int to)
{
	static struct spoolplace place;
	static const struct options all = {.sender = "", .recipient = "", .domain = "", .reason = ""};
	struct archive archive;
	struct export e = {.options = &all, .place = &place, .archive = &archive, .leaving = {.folder = -1}};
	int status;
	if (!spoolplace_open(ctl, folder, &place, &status) || !spoolplace_claim(ctl, &place, &status) ||
	    !spoolplace_become_owner(&place) || !archive_to(to, &archive))
		return EXIT_FAILED;
	if (!export_run(&e) || archive_finish(&archive))
		return EXIT_FAILED;
	if (e.busy)
		cmd_fail(ngettext("%llu message is locked by another process and was left out",
				  "%llu messages are locked by another process and were left out", e.busy),
			 (unsigned long long)e.busy);
	return e.busy || e.damaged ? EXIT_FAILED : EXIT_DONE;
}

/* A pipe with the archive of the spool FOLDER, which the process *CHILD writes. -1: the reason was printed. */
static int read_folder(struct ctl *ctl, const char *folder, pid_t *child)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0 || (*child = fork()) < 0) {
		cmd_fail(_("can't start a process: %s"), strerror(errno));
		return -1;
	}
	if (!*child) {
		fd_close(&ends[0]);
		exit(export_folder(ctl, folder, ends[1]));
	}
	fd_close(&ends[1]);
	return ends[0];
}

/* Opens the archive WHAT: a file, "-", or a folder that is a spool. */
static int open_archive(struct ctl *ctl, const char *what, pid_t *child)
{
	struct stat st;
	*child = -1;
	if (strcmp(what, "-") == 0)
		return dup(STDIN_FILENO);
	int fd = open(what, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		cmd_fail(_("can't read %s: %s"), what, strerror(errno));
		fd_close(&fd);
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return fd;
	fd_close(&fd);
	return read_folder(ctl, what, child);
}

static void print_summary(const struct import *import)
{
	char octets[TABLE_OCTETS_MAX], text[32];
	snprintf(text, sizeof(text), "%llu", (unsigned long long)import->octets);
	struct span size = table_octets(span_of(text), octets);
	printf(ngettext("%llu message imported into the queue of server %s (%.*s).\n",
			"%llu messages imported into the queue of server %s (%.*s).\n", import->imported),
	       (unsigned long long)import->imported, import->place->server, SPAN_ARGS(size));
	if (import->imported)
		puts(_("A queue that runs takes them within a minute, another one when it starts."));
	if (import->already)
		printf(ngettext("%llu message was already imported in the last %d days, and is not sent again.\n",
				"%llu messages were already imported in the last %d days, and are not sent again.\n",
				import->already),
		       (unsigned long long)import->already, MOVED_DAYS);
	if (import->here)
		printf(ngettext("%llu message is in this queue itself.\n", "%llu messages are in this queue itself.\n",
				import->here),
		       (unsigned long long)import->here);
}

static void print_json(const struct import *import)
{
	struct json json;
	json_init(&json, stdout);
	json_object(&json);
	json_key_number(&json, "imported", import->imported);
	json_key_number(&json, "octets", import->octets);
	json_key_number(&json, "already", import->already);
	json_key_number(&json, "here", import->here);
	json_end_object(&json);
	json_finish(&json);
}

/* The archive is read by the owner of the spool, never by root. */
static int run(struct ctl *ctl, struct spoolplace *place)
{
	static struct import import;
	pid_t child;
	int child_status = 0;
	import = (struct import){.file = ctl->args[0], .place = place};
	import.show_progress = isatty(STDERR_FILENO) && !(ctl->options.given & OPTION_JSON);
	import.from = open_archive(ctl, ctl->args[0], &child);
	if (import.from < 0)
		return EXIT_FAILED;
	bool good = spoolplace_stay_owner(place) && spoolplace_make_moved(place) && import_run(&import);
	fd_close(&import.from);
	if (child > 0)
		waitpid(child, &child_status, 0);
	if (!good)
		return EXIT_FAILED;
	if (ctl->options.given & OPTION_JSON)
		print_json(&import);
	else
		print_summary(&import);
	return child_status ? EXIT_FAILED : EXIT_DONE;
}

int cmd_queue_import(struct ctl *ctl)
{
	static struct spoolplace place;
	int status;
	signal(SIGPIPE, SIG_IGN);
	if (spoolplace_open(ctl, NULL, &place, &status))
		status = run(ctl, &place);
	spoolplace_close(&place);
	return status;
}
