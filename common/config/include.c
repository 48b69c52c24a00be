#include "common/config/include.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"

static bool already_open(const struct config_open *open, const struct stat *st)
{
	for (; open; open = open->outer)
		if (open->device == st->st_dev && open->inode == st->st_ino)
			return true;
	return false;
}

/* Opens without blocking, because PATH may be a FIFO. Returns the descriptor, or -errno with WHY. */
static int open_regular(const char *path, const struct config_open *outer, struct stat *st, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, st)) {
		int err = -errno;
		*why = strerror(errno);
		fd_close(&fd);
		return err;
	}
	*why = NULL;
	if (!S_ISREG(st->st_mode))
		*why = _("it is not a regular file");
	else if (already_open(outer, st))
		*why = _("it includes itself");
	if (!*why)
		return fd;
	fd_close(&fd);
	return -EINVAL;
}

/* Such a name could add a line to a message or to the canonical text. */
static bool has_control(const char *path)
{
	for (; *path; path++)
		if ((unsigned char)*path < ' ' || *path == 0x7f)
			return true;
	return false;
}

/* Notepad ("Unicode") and PowerShell (>) write UTF-16. */
static bool is_utf16(struct span text)
{
	return span_starts(text, SPAN("\xff\xfe")) || span_starts(text, SPAN("\xfe\xff")) ||
	       (text.len >= 2 && !text.at[0] != !text.at[1]);
}

int config_include_read(const char *path, const struct config_open *outer, size_t max, struct str *text,
			struct config_open *out, const char **why)
{
	struct stat st;
	*why = _("the name has control characters");
	if (has_control(path))
		return -EINVAL;
	int fd = open_regular(path, outer, &st, why);
	if (fd < 0)
		return fd;
	text->max = max;
	int err = fd_read_all(fd, text);
	fd_close(&fd);
	if (err) {
		*why = err == -EFBIG ? _("it is too large") : strerror(-err);
		return err;
	}
	*why = _("it is UTF-16: save it as ASCII or UTF-8; iconv -f UTF-16 -t UTF-8 converts it");
	if (is_utf16(str_span(text)))
		return -EINVAL;
	*out = (struct config_open){path, st.st_dev, st.st_ino, outer ? outer->depth + 1 : 0, outer};
	return 0;
}

bool config_include_is_pattern(struct span word)
{
	for (size_t i = 0; i < word.len; i++)
		if (memchr("*?[", word.at[i], 3))
			return true;
	return false;
}

/* The part of FROM that precedes a relative WORD. */
static struct span folder_of(const char *from, struct span word)
{
	const char *slash = strrchr(from, '/');
	if (!slash || span_starts(word, SPAN("/")))
		return (struct span){"", 0};
	return (struct span){from, (size_t)(slash - from) + 1};
}

char *config_include_path(struct arena *arena, const char *from, struct span word)
{
	struct span folder = folder_of(from, word);
	return arena_printf(arena, "%.*s%.*s", SPAN_ARGS(folder), SPAN_ARGS(word));
}

static void append_escaped(struct str *to, struct span text, const char *special)
{
	for (size_t i = 0; i < text.len; i++) {
		if (strchr(special, text.at[i]))
			str_append_c(to, '\\');
		str_append_c(to, text.at[i]);
	}
}

static int stop_at_error(const char *path, int err)
{
	(void)path;
	return err != ENOENT && err != ENOTDIR;
}

bool config_include_glob(const char *from, struct span word, glob_t *out, const char **why)
{
	struct str pattern;
	str_init(&pattern, 2 * PATH_MAX);
	append_escaped(&pattern, folder_of(from, word), "*?[\\");
	append_escaped(&pattern, word, "\\");
	*out = (glob_t){0};
	int result = pattern.failed ? GLOB_NOSPACE : glob(str_text(&pattern), 0, stop_at_error, out);
	str_free(&pattern);
	if (!result || result == GLOB_NOMATCH)
		return true;
	*why = result == GLOB_NOSPACE ? _("not enough memory, or the path is too long") : _("a folder can't be read");
	globfree(out);
	return false;
}
