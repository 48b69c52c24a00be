/* The files behind the lists: reading them, and what keeps a file from being used. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/hash.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/recipients/known_area.h"

enum {
	TROUBLE_MAX = 4096,
	BAD_MAX = 2048,
	BAD_LINES = 5 /* bad lines of one file that are reported */
};

static const char correct_it[] = N_("correct it, and it is read again within 12 s");

static size_t count(const struct known *k)
{
	const struct known_lists *lists = known_lists(k);
	return lists ? lists->n : 0;
}

static size_t find_file(const struct known *k, struct span path)
{
	size_t i = 0, n = count(k);
	while (i < n && !span_equal(path, span_of(k->files[i].path)))
		i++;
	return i;
}

/* Adds a file without a list. */
static int add_file(struct known *k, const char *path, bool *fresh)
{
	size_t n = count(k);
	struct known_change change = {.without = SIZE_MAX, .at = n, .file = path};
	struct known_file *more = n < CONFIG_RECIPIENT_FILES_MAX ? realloc(k->files, (n + 1) * sizeof(*more)) : NULL;
	if (!more)
		return -ENOMEM;
	k->files = more;
	more[n] = (struct known_file){.path = strdup(path)};
	str_init(&more[n].refusal, TROUBLE_MAX);
	str_init(&more[n].lines, TROUBLE_MAX);
	int err = more[n].path ? known_area_change(k, &change, fresh) : -ENOMEM;
	if (err)
		free(more[n].path);
	return err;
}

static void free_file(struct known_file *file)
{
	free(file->path);
	str_free(&file->refusal);
	str_free(&file->lines);
}

/* What happens meanwhile, for the texts of trouble. */
static const char *meanwhile(const struct known_list *list)
{
	return list->map ? N_("the list before it stays in force") : N_("mail for its domains is put off with 451");
}

/* FORMAT, of the path and what follows: why, as a sentence. REMEDY: what to do about it. */
__attribute__((format(printf, 4, 5))) static void refuse_file(struct known_file *file, const struct known_list *list,
							      const char *remedy, const char *format, ...)
{
	va_list args;
	file->good = false;
	str_clear(&file->refusal);
	va_start(args, format);
	str_vprintf(&file->refusal, format, args);
	va_end(args);
	str_printf(&file->refusal, "; %s; %s", meanwhile(list), remedy);
	log_warning("%s", str_text(&file->refusal));
	str_append_c(&file->refusal, '\n');
}

/* Whether a text of SIZE may be the remains of a file, which is refused then. */
static bool suspect(struct known_file *file, const struct known_list *list, const struct recipient_map_size *size)
{
	static const char if_meant[] = N_("if that is meant: mailrootctl reload");
	size_t before = list->map ? recipient_map_entries(list->map) : 0, now = size->entries;
	bool faulty = size->faults * 5 > now + size->faults;
	bool fewer = now + KNOWN_FEWER <= before && now < before - before / 5;
	if (faulty)
		refuse_file(file, list, if_meant, N_("recipients %s has %zu bad lines beside %zu good ones"),
			    file->path, size->faults, now);
	else if (fewer)
		refuse_file(file, list, if_meant, N_("recipients %s has %zu recipients, and the list in force has %zu"),
			    file->path, now, before);
	return faulty || fewer;
}

static void keep_bad_lines(struct known_file *file, struct span bad)
{
	struct span line;
	str_clear(&file->lines);
	for (unsigned n = 0; n < BAD_LINES && span_line(&bad, &line); n++)
		str_printf(&file->lines, N_("recipients %s, %.*s; this line is ignored\n"), file->path,
			   SPAN_ARGS(line));
	if (bad.len)
		str_printf(&file->lines, N_("recipients %s has more such lines\n"), file->path);
}

static bool same_text(const struct known_text *a, const struct known_text *b)
{
	return a->hash == b->hash && a->octets == b->octets;
}

/* RELOAD: a text that only looks suspicious is taken if it was refused before. */
static bool is_whole(struct known_file *file, const struct known_list *list, const struct known_text *digest,
		     bool reload, const struct recipient_map_size *size)
{
	if (!size->entries) {
		refuse_file(file, list, correct_it, N_("recipients %s has no recipient"), file->path);
		return false;
	}
	if ((reload && same_text(digest, &file->refused)) || !suspect(file, list, size))
		return true;
	file->refused = *digest;
	return false;
}

static bool use(struct known *k, size_t at, struct span text, const struct recipient_map_size *size, struct str *bad,
		bool *fresh)
{
	struct known_file *file = &k->files[at];
	struct known_change change = {
		.without = SIZE_MAX, .at = at, .file = file->path, .text = text, .size = size, .bad = bad};
	int64_t begun = clock_mono_ms();
	int err = known_area_change(k, &change, fresh);
	if (err) {
		refuse_file(file, &known_lists(k)->at[at], N_("mailrootctl reload tries it again"),
			    N_("recipients %s can't be kept: %s"), file->path, strerror(-err));
		return false;
	}
	log_info("recipients=%s entries=%zu bad=%zu in force after %lld ms", file->path,
		 recipient_map_entries(known_lists(k)->at[at].map), size->faults, (long long)(clock_mono_ms() - begun));
	return true;
}

/* True: TEXT is in force. */
static bool take_text(struct known *k, size_t at, struct span text, bool reload, struct str *bad, bool *fresh)
{
	struct known_file *file = &k->files[at];
	const struct known_list *list = &known_lists(k)->at[at];
	const struct known_text digest = {hash_span(HASH_START, text), text.len};
	struct recipient_map_size size;
	const char *fault;
	if (list->map && same_text(&digest, &file->text))
		return true;
	if (!recipient_map_measure(text, &size, bad, &fault)) {
		refuse_file(file, list, correct_it, N_("recipients %s can't be used: %s"), file->path, fault);
		return false;
	}
	if (!is_whole(file, list, &digest, reload, &size) || !use(k, at, text, &size, bad, fresh))
		return false;
	file->text = digest;
	keep_bad_lines(file, str_span(bad));
	return true;
}

static void read_file(struct known *k, size_t at, int fd, bool reload, bool *fresh)
{
	struct known_file *file = &k->files[at];
	struct stat info = {0};
	struct str text, bad;
	str_init(&text, RECIPIENT_MAP_TEXT_MAX);
	str_init(&bad, BAD_MAX);
	if (fstat(fd, &info) == 0 && info.st_size < RECIPIENT_MAP_TEXT_MAX)
		str_reserve(&text, (size_t)info.st_size + 1);
	int err = fd_read_all(fd, &text);
	if (err) {
		refuse_file(file, &known_lists(k)->at[at], correct_it, N_("recipients %s can't be read: %s"),
			    file->path, err == -EFBIG ? N_("it is larger than 128 MiB") : strerror(-err));
	} else if (take_text(k, at, str_span(&text), reload, &bad, fresh)) {
		file->good = true;
		file->changed_s = info.st_mtim.tv_sec;
	}
	str_free(&text);
	str_free(&bad);
}

bool known_take(struct known *k, const struct wire_recipients *news, int fd)
{
	char path[4097];
	bool added = false, fresh = false;
	size_t at = find_file(k, news->file);
	if (!span_copy(news->file, path, sizeof(path)))
		return false;
	int err = at == count(k) ? add_file(k, path, &added) : 0;
	if (err) {
		log_error("recipients=%s can't be kept: %s", path, strerror(-err));
		return false;
	}
	struct known_file *file = &k->files[at];
	const struct known_list *list = &known_lists(k)->at[at];
	str_clear(&file->refusal);
	if (news->present)
		read_file(k, at, fd, news->reload, &fresh);
	else if (news->why.len)
		refuse_file(file, list, correct_it, N_("recipients %s can't be opened: %.*s"), file->path,
			    SPAN_ARGS(news->why));
	else
		refuse_file(file, list, correct_it, N_("recipients %s is missing"), file->path);
	return added || fresh;
}

bool known_prune(struct known *k, const struct config_server *server)
{
	const char *files[CONFIG_RECIPIENT_FILES_MAX];
	size_t n = config_recipients_files(server, files);
	bool fresh = false, any = false;
	for (size_t i = count(k); i-- > 0;) {
		struct known_change change = {.without = i, .at = SIZE_MAX};
		size_t wanted = 0;
		while (wanted < n && strcmp(files[wanted], k->files[i].path) != 0)
			wanted++;
		if (wanted < n || known_area_change(k, &change, &fresh) != 0)
			continue;
		free_file(&k->files[i]);
		memmove(&k->files[i], &k->files[i + 1], (count(k) - i) * sizeof(k->files[0]));
		any |= fresh;
	}
	return any;
}

bool known_complete(const struct known *k, const struct config_server *server)
{
	const char *files[CONFIG_RECIPIENT_FILES_MAX];
	size_t n = config_recipients_files(server, files), known = count(k);
	for (size_t i = 0; i < n; i++)
		if (find_file(k, span_of(files[i])) == known)
			return false;
	return true;
}

void known_trouble(const struct known *k, struct str *to)
{
	for (size_t i = 0; i < count(k); i++)
		str_append(to, str_span(k->files[i].good ? &k->files[i].lines : &k->files[i].refusal));
}

bool known_state(const struct known *k, size_t i, struct known_state *out)
{
	if (i >= count(k))
		return false;
	const struct recipient_map *map = known_lists(k)->at[i].map;
	*out = (struct known_state){k->files[i].path, map, k->files[i].good, map ? recipient_map_entries(map) : 0,
				    k->files[i].changed_s};
	return true;
}

void known_free(struct known *k)
{
	for (size_t i = 0; i < count(k); i++)
		free_file(&k->files[i]);
	free(k->files);
	snapshot_free(k->snapshot);
	*k = (struct known){0};
}
