/* The files of recipients: whether they can be read, what a list made of them has, and which aliases lead nowhere. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/recipients/alias.h"
#include "ctl/examine_place.h"
#include "ctl/translate.h"

enum { TEXT_MAX = 4096, TROUBLE_MAX = 4096, LINES_TOLD = 10, OLD_S = 30 * 86400 };

static void say(struct place *place, enum certificate_grade grade, const char *format, const char *file,
		const char *more)
{
	char text[TEXT_MAX];
	snprintf(text, sizeof(text), format, file, more);
	place_say(place, grade, text);
}

static void say_lines(struct place *place, const char *file, struct span trouble)
{
	struct span line;
	char text[TEXT_MAX];
	for (unsigned told = 0; told < LINES_TOLD && span_line(&trouble, &line); told++) {
		line = translate_text(line);
		snprintf(text, sizeof(text), "%.*s", SPAN_ARGS(line));
		say(place, CERTIFICATE_WARNING, _("recipients %.1024s: %.1024s; this line is ignored"), file, text);
	}
}

/* Returns the list that TEXT makes, which the caller frees; NULL = none. */
static struct recipient_map *examine_text(struct place *place, const char *file, struct span text)
{
	struct recipient_map *map = NULL;
	struct recipient_map_size size;
	struct str trouble;
	const char *why;
	void *memory;
	str_init(&trouble, TROUBLE_MAX);
	if (!recipient_map_measure(text, &size, &trouble, &why))
		say(place, CERTIFICATE_ERROR, _("recipients %.1024s can't be used: %.1024s"), file, _(why));
	else if (!size.entries)
		say(place, CERTIFICATE_ERROR,
		    _("recipients %.1024s has no recipient: mail for its domains is put off; add one, or * for all"),
		    file, "");
	else if ((memory = malloc(size.octets)))
		map = recipient_map_parse(text, &size, memory, &trouble);
	say_lines(place, file, str_span(&trouble));
	str_free(&trouble);
	return map;
}

static void examine_metadata(struct place *place, const char *file, const struct stat *info)
{
	char age[CLOCK_TEXT_MAX];
	int64_t old_s = place->how->now_s - info->st_mtim.tv_sec;
	if (info->st_mode & S_IWOTH)
		say(place, CERTIFICATE_WARNING,
		    _("every user can write to recipients %.1024s, and so get the mail of others: chmod o-w"), file,
		    "");
	if (old_s < OLD_S)
		return;
	clock_duration(old_s * 1000, age);
	say(place, CERTIFICATE_NOTE,
	    _("recipients %.1024s was changed %.100s ago: if a program makes it, see whether that still runs"), file,
	    age);
}

/* As examine_text. */
static struct recipient_map *examine_file(struct place *place, const char *file)
{
	struct recipient_map *map = NULL;
	const char *why;
	struct stat info;
	struct str text;
	int fd = fd_open_regular(file, &why);
	if (fd < 0 && *why && place->how->guest) {
		say(place, CERTIFICATE_NOTE, _("recipients %.1024s was not examined: %.1024s"), file, why);
		return NULL;
	}
	if (fd < 0) {
		say(place, CERTIFICATE_ERROR,
		    *why ? _("recipients %.1024s can't be opened: %.1024s; mail for its domains is put off")
			 : _("recipients %.1024s is missing: mail for its domains is put off until it is there"),
		    file, why);
		return NULL;
	}
	str_init(&text, RECIPIENT_MAP_TEXT_MAX);
	int err = fd_read_all(fd, &text);
	if (err)
		say(place, CERTIFICATE_ERROR, _("recipients %.1024s can't be used: %.1024s"), file,
		    err == -EFBIG ? _("it is larger than 128 MiB") : strerror(-err));
	else
		map = examine_text(place, file, str_span(&text));
	if (fstat(fd, &info) == 0)
		examine_metadata(place, file, &info);
	str_free(&text);
	fd_close(&fd);
	return map;
}

static void examine_aliases(struct place *place, const struct config_server *server, const struct known_lists *lists,
			    const char *file)
{
	char line[TEXT_MAX];
	struct str trouble;
	struct span rest, text;
	str_init(&trouble, ALIAS_TROUBLE_LINES * TEXT_MAX + TEXT_MAX);
	alias_trouble(server, lists, file, &trouble);
	for (rest = str_span(&trouble); span_line(&rest, &text);) {
		text = translate_text(text);
		snprintf(line, sizeof(line), "%.*s", SPAN_ARGS(text));
		place_say(place, CERTIFICATE_WARNING, line);
	}
	str_free(&trouble);
}

void examine_recipients(struct place place, const struct config_server *server)
{
	const char *files[CONFIG_RECIPIENT_FILES_MAX];
	const struct config_origin *at[CONFIG_RECIPIENT_FILES_MAX];
	struct recipient_map *maps[CONFIG_RECIPIENT_FILES_MAX];
	struct known_lists lists = {.n = 0};
	struct config_recipients block;
	size_t n = config_recipients_files(server, files);
	for (size_t i = 0; lists.n < n && config_recipients_block(server, i, &block); i++) {
		if (strcmp(block.file, files[lists.n]) != 0)
			continue;
		place.at = at[lists.n] = block.at;
		maps[lists.n] = examine_file(&place, block.file);
		lists.at[lists.n] = (struct known_list){.file = block.file, .map = maps[lists.n]};
		lists.n++;
	}
	for (size_t i = 0; i < lists.n; i++) {
		place.at = at[i];
		examine_aliases(&place, server, &lists, files[i]);
	}
	for (size_t i = 0; i < lists.n; i++)
		free(maps[i]);
}
