#include "ctl/logsource.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"

enum { LINE_SIZE = 4096 }; /* ours are shorter; a longer line is cut */

/* The files of syslog daemons, older ones first. */
static const char *const files[] = {"/var/log/mail.log.1", "/var/log/mail.log", "/var/log/maillog",
				    "/var/log/syslog.1",   "/var/log/syslog",   "/var/log/messages"};
static const char *const packed[] = {"/var/log/mail.log.2.gz", "/var/log/syslog.2.gz"};

static void note(char list[][LOGSOURCE_TEXT_MAX], size_t *count, const char *what, const char *why)
{
	if (*count < LOGSOURCE_MAX)
		snprintf(list[(*count)++], LOGSOURCE_TEXT_MAX, "%.90s%s%.120s", what, why[0] ? ": " : "", why);
}

static size_t read_lines(FILE *from, void (*take)(void *, const struct logline *), void *context)
{
	char text[LINE_SIZE];
	struct logline line;
	size_t n = 0;
	bool continued = false;
	while (fgets(text, sizeof(text), from)) {
		size_t len = strlen(text);
		bool whole = len && text[len - 1] == '\n';
		if (!continued && logline_parse((struct span){text, whole ? len - 1 : len}, &line)) {
			take(context, &line);
			n++;
		}
		continued = !whole;
	}
	return n;
}

static bool read_file(const char *path, void (*take)(void *, const struct logline *), void *context,
		      struct logsource_report *report)
{
	char words[80];
	struct stat st;
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	FILE *from = fd < 0 ? NULL : fdopen(fd, "r");
	if (!from || fstat(fd, &st) || S_ISDIR(st.st_mode)) {
		int err = from ? EISDIR : errno;
		if (err != ENOENT || strcmp(path, "-") == 0)
			note(report->missed, &report->missed_count, path, strerror(err));
		if (from)
			fclose(from);
		else
			fd_close(&fd);
		return false;
	}
	fd_set_nonblock(fd, false);
	size_t n = read_lines(from, take, context);
	fclose(from);
	snprintf(words, sizeof(words), _("%zu lines of Mailroot"), n);
	note(report->searched, &report->searched_count, path, words);
	return true;
}

/* Runs journalctl with a short time format and without colours. */
static void run_journalctl(int to)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(nothing, STDIN_FILENO);
	dup2(to, STDOUT_FILENO);
	dup2(nothing, STDERR_FILENO);
	execlp("journalctl", "journalctl", "--quiet", "--no-pager", "--output=short-iso", "--unit=mailrootd",
	       (char *)NULL);
	_exit(127);
}

static bool read_journal(void (*take)(void *, const struct logline *), void *context, struct logsource_report *report)
{
	const char *name = _("systemd journal (journalctl -u mailrootd)");
	char words[80];
	int ends[2], status;
	if (pipe2(ends, O_CLOEXEC))
		return false;
	pid_t pid = fork();
	if (pid == 0)
		run_journalctl(ends[1]);
	fd_close(&ends[1]);
	FILE *from = pid < 0 ? NULL : fdopen(ends[0], "r");
	size_t n = from ? read_lines(from, take, context) : 0;
	if (from)
		fclose(from);
	else
		fd_close(&ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || (WIFEXITED(status) && WEXITSTATUS(status) == 127))
		return false;
	snprintf(words, sizeof(words), _("%zu lines of Mailroot"), n);
	note(report->searched, &report->searched_count, name, words);
	return true;
}

bool logsource_read(const char *file, void (*take)(void *context, const struct logline *line), void *context,
		    struct logsource_report *report)
{
	*report = (struct logsource_report){.searched_count = 0};
	if (file[0])
		return read_file(file, take, context, report);
	read_journal(take, context, report);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		read_file(files[i], take, context, report);
	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++)
		if (access(packed[i], F_OK) == 0)
			note(report->missed, &report->missed_count, packed[i],
			     _("compressed; zcat FILE | mailrootctl ... --log -"));
	return report->searched_count > 0;
}

int logsource_keep(const char *file, char *path, size_t size)
{
	char block[LINE_SIZE];
	ssize_t got;
	if (strcmp(file, "-") != 0)
		return -1;
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	while (fd >= 0 && (got = read(STDIN_FILENO, block, sizeof(block))) > 0)
		if (fd_write_all(fd, (struct span){block, (size_t)got}) < 0)
			break;
	snprintf(path, size, "/proc/self/fd/%d", fd);
	return fd;
}

void logsource_tell(const struct logsource_report *report, FILE *to)
{
	fputs(_("searched: "), to);
	for (size_t i = 0; i < report->searched_count; i++)
		fprintf(to, "%s%s", i ? "; " : "", report->searched[i]);
	fputs(report->searched_count ? "\n" : _("no log (--log FILE names one)\n"), to);
	for (size_t i = 0; i < report->missed_count; i++)
		fprintf(to, _("not searched: %s\n"), report->missed[i]);
}
