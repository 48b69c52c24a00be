#include "ctl/import/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "ctl/import/anonymise.h"
#include "ctl/import/arguments.h"
#include "ctl/import/convert.h"

enum { DONE = 0, FAILED = 1, USAGE = 2, COPY_MAX = 512 * 1024 * 1024 };

static const char usage[] = N_(
	"usage: mailrootctl import-iis METABASE [--out FILE] [--report FILE] [--server N=NAME] [--map-path WINDOWS=FOLDER] [--log FOLDER]\n"
	"       mailrootctl import-iis METABASE --anonymise [--out FILE]\n"
	"METABASE is %windir%\\System32\\inetsrv\\MetaBase.xml of the old server. mailrootctl(8) has more.\n");

static int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("mailrootctl: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return FAILED;
}

static bool read_file(const char *path, struct str *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int err = fd < 0 ? -errno : fd_read_all(fd, text);
	fd_close(&fd);
	if (err == -EFBIG)
		fail(_("%s: larger than 64 MiB, which no metabase is"), path);
	else if (err)
		fail("%s: %s", path, strerror(-err));
	return !err;
}

/* The binary MetaBase.bin of IIS 4 and 5 has no '<' at its beginning, in whatever encoding. */
static bool is_xml(struct span text)
{
	for (size_t i = 0; i < text.len && i < 8; i++)
		if (text.at[i] == '<')
			return true;
	return false;
}

/* Creates PATH with TEXT; never over another file. */
static bool write_file(const char *path, struct span text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0 && errno == EEXIST) {
		fail(_("%s exists already, and is not overwritten: name another file"), path);
		return false;
	}
	int err = fd < 0 ? -errno : fd_write_all(fd, text);
	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	if (!err)
		return true;
	fail("%s: %s", path, strerror(-err));
	if (fd >= 0)
		unlink(path);
	return false;
}

static bool write_out(const char *path, struct span text, mode_t mode)
{
	if (path)
		return write_file(path, text, mode);
	int err = fd_write_all(STDOUT_FILENO, text);
	if (err)
		fail(_("standard output: %s"), strerror(-err));
	return !err;
}

static bool is_free(const char *path)
{
	struct stat st;
	if (!path || lstat(path, &st))
		return true;
	fail(_("%s exists already, and is not overwritten: name another file"), path);
	return false;
}

static int tell_fault(const char *file, const struct xml_fault *fault)
{
	if (!fault->line)
		return fail("%s: %s", file, fault->text);
	return fail("%s:%lu:%lu: %s", file, fault->line, fault->column, fault->text);
}

static int finish(const struct arguments *args, const struct convert_result *result)
{
	if (!write_out(args->out, str_span(&result->config), 0640))
		return FAILED;
	if (args->report && !write_file(args->report, str_span(&result->report), 0640))
		return FAILED;
	fputs(str_text(&result->findings), stderr);
	fprintf(stderr, ngettext("%zu virtual server imported.\n", "%zu virtual servers imported.\n", result->servers),
		result->servers);
	if (args->out)
		fprintf(stderr, _("Configuration: %s\n"), args->out);
	if (args->report)
		fprintf(stderr, _("Report: %s\n"), args->report);
	if (result->todo_count)
		fprintf(stderr, _("To do:\n%s"), str_text(&result->todos));
	return result->errors ? FAILED : DONE;
}

static int import(struct arguments *args, struct span text)
{
	struct convert_result result;
	int status = convert(text, args->file, &args->choices, &result) ? finish(args, &result)
									: tell_fault(args->file, &result.fault);
	convert_free(&result);
	return status;
}

/* Writes a copy of the metabase without names and addresses. */
static int copy(const struct arguments *args, struct span text)
{
	struct metabase metabase = {0};
	struct xml_fault fault;
	struct str to;
	uint64_t key;
	int status = FAILED;
	str_init(&to, COPY_MAX);
	if (getrandom(&key, sizeof(key), 0) != sizeof(key))
		fail(_("no random numbers: %s"), strerror(errno));
	else if (!metabase_read(text, &metabase, &fault))
		tell_fault(args->file, &fault);
	else if (!anonymise(&metabase, key, &to))
		fail(_("out of memory"));
	else
		status = write_out(args->out, str_span(&to), 0640) ? DONE : FAILED;
	metabase_free(&metabase);
	str_free(&to);
	return status;
}

int program_run(int argc, char **argv)
{
	static struct arguments args;
	char why[ARGUMENTS_WHY_MAX];
	struct str text;
	language_init();
	if (!arguments_parse(argc, argv, &args, why)) {
		fail("%s", why);
		return USAGE;
	}
	if (args.help) {
		fputs(_(usage), stdout);
		return DONE;
	}
	if (!is_free(args.out) || !is_free(args.report))
		return FAILED;
	str_init(&text, XML_FILE_MAX);
	int status = FAILED;
	bool readable = read_file(args.file, &text);
	if (readable && !is_xml(str_span(&text)))
		fail(_("%s is no XML. IIS 4 and 5 kept a binary MetaBase.bin, which can't be read here: read the settings in the Windows console, or export the key LM/SmtpSvc as XML"),
		     args.file);
	else if (readable)
		status = args.anonymise ? copy(&args, str_span(&text)) : import(&args, str_span(&text));
	str_free(&text);
	return status;
}
