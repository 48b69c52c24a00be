#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/language.h"
#include "common/mail/msgid.h"
#include "common/spool/moved.h"
#include "ctl/cmd.h"
#include "ctl/export.h"
#include "ctl/json.h"
#include "ctl/table.h"

/* FILE [FOLDER] [ID ...]: a folder has a slash. */
static bool arguments_good(const struct ctl *ctl, const char **folder, struct export *e)
{
	const char *file = ctl->args[0];
	size_t at = 1;
	*folder = ctl->arg_count > 1 && strchr(ctl->args[1], '/') ? ctl->args[at++] : NULL;
	e->ids = ctl->args + at;
	e->id_count = ctl->arg_count - at;
	for (size_t i = 0; i < e->id_count; i++)
		if (!msgid_valid(span_of(e->ids[i]))) {
			cmd_fail(_("%s: neither the ID of a message nor a folder (write ./%s for a folder)"), e->ids[i],
				 e->ids[i]);
			return false;
		}
	bool to_pipe = strcmp(file, "-") == 0, removes = ctl->options.given & OPTION_REMOVE;
	if (*folder && ctl->options.given & OPTION_SERVER)
		cmd_fail(_("--server and a folder both name the spool: use one of them"));
	else if (to_pipe && removes)
		cmd_fail(_(
			"--remove needs a FILE: what reads standard output can't say that the mail is safe. Export without --remove, and remove later, or export to a file"));
	else if (to_pipe && ctl->options.given & OPTION_JSON)
		cmd_fail(_("standard output has the archive, so --json needs a FILE"));
	else if (to_pipe && isatty(STDOUT_FILENO))
		cmd_fail(_("an archive is not for a terminal: name a FILE, or send the output to a program"));
	else
		return true;
	return false;
}

static void print_summary(const struct export *e, const char *file)
{
	char octets[TABLE_OCTETS_MAX], text[32];
	FILE *to = strcmp(file, "-") == 0 ? stderr : stdout;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)e->octets);
	struct span size = table_octets(span_of(text), octets);
	fprintf(to,
		ngettext("%llu message exported to %s (%.*s).\n", "%llu messages exported to %s (%.*s).\n",
			 e->exported),
		(unsigned long long)e->exported, file, SPAN_ARGS(size));
	if (e->exported && e->options->given & OPTION_REMOVE)
		fprintf(to, _("This queue has them no more: `mailrootctl queue import %s` on the other machine.\n"),
			file);
	else if (e->exported)
		fputs(_("They are still in this queue, too: mail that is sent here and imported elsewhere arrives twice. --remove moves it.\n"),
		      to);
	if (e->busy)
		fprintf(to,
			ngettext(
				"%llu message is being delivered just now, and was left out: repeat the command with another FILE.\n",
				"%llu messages are being delivered just now, and were left out: repeat the command with another FILE.\n",
				e->busy),
			(unsigned long long)e->busy);
	if (e->damaged)
		fprintf(to,
			ngettext("%llu message could not be exported, see above.\n",
				 "%llu messages could not be exported, see above.\n", e->damaged),
			(unsigned long long)e->damaged);
}

static void print_json(const struct export *e)
{
	struct json json;
	json_init(&json, stdout);
	json_object(&json);
	json_key_number(&json, "exported", e->exported);
	json_key_number(&json, "octets", e->octets);
	json_key_number(&json, "busy", e->busy);
	json_key_number(&json, "damaged", e->damaged);
	json_end_object(&json);
	json_finish(&json);
}

/* Copies, and decides. False: the reason was printed, and the queue has all mail. */
static bool copy_all(struct export *e, const char *file)
{
	bool good = export_run(e);
	int err = good ? archive_seal(e->archive) : e->error;
	if (good && !err && e->leaving.folder >= 0)
		err = leaving_commit(&e->leaving);
	if (err)
		cmd_fail(_("can't write %s: %s; nothing was exported, and the queue has all mail"), file,
			 strerror(-err));
	if (good && !err)
		return true;
	leaving_give_back(&e->leaving);
	if (spoolplace_become_root())
		archive_abandon(e->archive);
	return false;
}

static int export_all(struct export *e, const char *file)
{
	if (!copy_all(e, file) || !spoolplace_become_root())
		return EXIT_FAILED;
	int err = archive_finish(e->archive);
	if (err)
		return cmd_fail(
			_("can't finish %s: %s; repeat the command with the same FILE when that is mended: the mail is in the file, not in the queue"),
			file, strerror(-err));
	if (!spoolplace_become_owner(e->place))
		return EXIT_FAILED;
	leaving_close(&e->leaving);
	leaving_remove(e->place, e->archive->number);
	if (e->options->given & OPTION_JSON)
		print_json(e);
	else
		print_summary(e, file);
	return e->busy || e->damaged ? EXIT_FAILED : EXIT_DONE;
}

/* FILE is there already: an export that was ended after its decision is finished, anything else is not touched. */
static int finish_earlier(struct spoolplace *place, struct archive *archive, const char *file)
{
	char sent[64];
	snprintf(sent, sizeof(sent), MOVED_SENT "%s", archive->number);
	bool ours =
		*archive->number && place->moved >= 0 && faccessat(place->moved, sent, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	if (!ours)
		return cmd_fail(
			_("%s or %s.part exists: name another file, or remove it. A .part of an export that was ended is of no use: the queue has its mail"),
			file, file);
	int err = archive_finish(archive);
	if (err)
		return cmd_fail(_("can't write %s: %s"), file, strerror(-err));
	if (!spoolplace_become_owner(place) || !leaving_remove(place, archive->number))
		return cmd_fail(_("%s/moved/%s: another export is at work on it"), place->path, sent);
	printf(_("The export that was ended before is finished: %s has its mail, and this queue has it no more.\n"),
	       file);
	return EXIT_DONE;
}

static int run(struct ctl *ctl, struct export *e, struct archive *archive)
{
	const char *file = ctl->args[0];
	bool removes = ctl->options.given & OPTION_REMOVE;
	int status;
	if (strcmp(file, "-") != 0 && archive_find(file, archive))
		return finish_earlier(e->place, archive, file);
	archive_close(archive);
	if (!spoolplace_claim(ctl, e->place, &status))
		return status;
	leaving_note_rest(e->place);
	if (!archive_create(file, archive))
		return EXIT_FAILED;
	status = EXIT_FAILED;
	if (spoolplace_become_owner(e->place) && (!removes || leaving_begin(e->place, archive->number, &e->leaving)))
		status = export_all(e, file);
	leaving_close(&e->leaving);
	return status;
}

int cmd_queue_export(struct ctl *ctl)
{
	static struct spoolplace place;
	struct archive archive = {.fd = -1, .folder = -1};
	struct export e = {.options = &ctl->options, .place = &place, .archive = &archive, .leaving = {.folder = -1}};
	const char *folder;
	int status;
	if (!arguments_good(ctl, &folder, &e))
		return EXIT_USAGE;
	signal(SIGPIPE, SIG_IGN);
	e.show_progress = isatty(STDERR_FILENO) && !(ctl->options.given & OPTION_JSON);
	if (spoolplace_open(ctl, folder, &place, &status))
		status = run(ctl, &e, &archive);
	archive_close(&archive);
	spoolplace_close(&place);
	return status;
}
