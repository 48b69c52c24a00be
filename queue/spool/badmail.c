#include "queue/spool/badmail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "queue/spool/read.h"

static bool is_id(struct span id)
{
	return id.len && id.len <= BADMAIL_ID_MAX && id.at[0] != '.' && span_find(id, '/') == id.len;
}

bool badmail_id(struct span file, char *id)
{
	static const struct span suffix = SPAN(".eml");
	if (file.len <= suffix.len || !span_ends_nocase(file, suffix))
		return false;
	file.len -= suffix.len;
	return is_id(file) && span_copy(file, id, BADMAIL_ID_MAX + 1);
}

void badmail_name(const char *id, const char *suffix, char *to)
{
	snprintf(to, BADMAIL_NAME_MAX, "%.200s%s", id, suffix);
}

static int open_regular(int folder, const char *id, const char *suffix, struct stat *st)
{
	char name[BADMAIL_NAME_MAX];
	badmail_name(id, suffix, name);
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	fd_close(&fd);
	return -EBADMSG;
}

int badmail_open(int folder, const char *id)
{
	struct stat st;
	return open_regular(folder, id, ".eml", &st);
}

static bool look(int folder, const char *id, const char *suffix, struct stat *st)
{
	char name[BADMAIL_NAME_MAX];
	badmail_name(id, suffix, name);
	return fstatat(folder, name, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st->st_mode);
}

static void read_reason(int folder, struct badmail *b)
{
	char text[BADMAIL_REASON_MAX];
	struct stat st;
	int fd = open_regular(folder, b->id, ".txt", &st);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	fd_close(&fd);
	if (n < 0)
		return;
	struct span rest = {text, (size_t)n}, line = rest;
	span_line(&rest, &line);
	span_clean(line, b->reason, sizeof(b->reason));
	b->deleted = span_starts(line, SPAN(BADMAIL_DELETED));
	b->since_ms = (int64_t)st.st_mtim.tv_sec * 1000;
}

int badmail_look(int folder, const char *id, struct badmail *out)
{
	struct stat st, log;
	*out = (struct badmail){.since_ms = 0};
	if (!is_id(span_of(id)) || !span_copy(span_of(id), out->id, sizeof(out->id)))
		return -EBADMSG;
	if (!look(folder, id, ".eml", &st))
		return -ENOENT;
	out->size = (uint64_t)st.st_size;
	out->since_ms = (int64_t)st.st_mtim.tv_sec * 1000;
	out->has_log = look(folder, id, ".log", &log);
	read_reason(folder, out);
	return 0;
}

int64_t badmail_until(const struct badmail *b, int64_t keep_ms)
{
	const int64_t deleted_ms = INT64_C(1000) * BADMAIL_DELETED_S;
	return b->since_ms + (b->deleted && deleted_ms < keep_ms ? deleted_ms : keep_ms);
}

static int unlink_one(int folder, const char *id, const char *suffix)
{
	char name[BADMAIL_NAME_MAX];
	badmail_name(id, suffix, name);
	return unlinkat(folder, name, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

int badmail_remove(int folder, const char *id)
{
	/* The message first: when a crash leaves the other files, the next sweep removes them. */
	int err = unlink_one(folder, id, ".eml");
	if (err)
		return err;
	unlink_one(folder, id, ".log");
	unlink_one(folder, id, ".txt");
	return 0;
}

struct loaded *badmail_loaded(int folder, const struct badmail *b, struct message *as, struct arena *arena,
			      struct str *text)
{
	const struct store here = {.new_fd = -1, .cur_fd = folder, .badmail_fd = folder, .lock_fd = -1};
	const char *why;
	int err;
	if (!msgid_valid(span_of(b->id)))
		return NULL;
	int fd = badmail_open(folder, b->id);
	if (fd < 0)
		return NULL;
	memset(as, 0, sizeof(*as));
	memcpy(as->id, b->id, sizeof(as->id));
	as->size = b->size;
	as->has_log = b->has_log;
	struct loaded *w = read_envelope(fd, as, arena, text, &err, &why);
	fd_close(&fd);
	if (!w || read_journal(&here, as, w) == 0)
		return w;
	loaded_free(w);
	return NULL;
}

static bool is_open(enum recipient_state state)
{
	return state == RECIPIENT_OPEN || state == RECIPIENT_DELAYED || state == RECIPIENT_FAILED ||
	       state == RECIPIENT_DELETED;
}

size_t badmail_open_recipients(const struct loaded *w, size_t *first)
{
	size_t n = 0;
	*first = 0;
	for (size_t i = w->rcpt_count; i-- > 0;) {
		if (!is_open(w->states[i]))
			continue;
		n++;
		*first = i;
	}
	return n;
}
