#include "queue/spool/badmail_sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/mail/msgid.h"
#include "queue/spool/badmail.h"

enum { WORK_MS = 2, ORPHAN_MS = 86400 * 1000 };

static bool open_folder(struct badmail_sweep *s)
{
	int fd = openat(s->badmail, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->folder = fd < 0 ? NULL : fdopendir(fd);
	if (!s->folder)
		fd_close(&fd);
	return s->folder != NULL;
}

static void end_walk(struct badmail_sweep *s)
{
	if (s->folder)
		closedir(s->folder);
	s->folder = NULL;
	s->trimming = false;
	s->next_ms = s->mono_ms + SWEEP_EVERY_MS;
	s->look_ms = s->mono_ms + SWEEP_LOOK_MS + 9 * (s->mono_ms - s->began_ms);
}

static size_t bucket_of(const struct badmail_sweep *s, const struct badmail *b)
{
	int64_t keep = s->server->badmail_keep, age = s->wall_ms - b->since_ms;
	int64_t bucket = age <= 0 ? 0 : age / (keep / SWEEP_BUCKETS + 1);
	return bucket < SWEEP_BUCKETS ? (size_t)bucket : SWEEP_BUCKETS - 1;
}

static bool remove_one(const struct badmail_sweep *s, const struct badmail *b)
{
	int err = badmail_remove(s->badmail, b->id);
	if (err)
		log_warning("badmail %s: can't remove the message: %s", b->id, strerror(-err));
	return !err;
}

/* Removes a reason or a journal without message, which a crash has left. */
static void remove_orphan(const struct badmail_sweep *s, const char *entry)
{
	struct stat st;
	struct span name = span_of(entry), stem = {entry, name.len < 4 ? 0 : name.len - 4};
	char id[MSGID_LEN + 1], message[BADMAIL_NAME_MAX];
	if (!span_ends_nocase(name, SPAN(".txt")) && !span_ends_nocase(name, SPAN(".log")))
		return;
	if (!msgid_valid(stem) || !span_copy(stem, id, sizeof(id)))
		return;
	badmail_name(id, ".eml", message);
	if (fstatat(s->badmail, message, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return;
	if (fstatat(s->badmail, entry, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	    s->wall_ms - (int64_t)st.st_ctim.tv_sec * 1000 > ORPHAN_MS)
		unlinkat(s->badmail, entry, 0);
}

static void count_one(struct badmail_found *counting, const struct badmail *b)
{
	if (b->deleted)
		return;
	counting->messages++;
	if (b->since_ms > counting->newest_ms)
		counting->newest_ms = b->since_ms;
}

/* Whether B is removed in this walk. */
static bool must_go(const struct badmail_sweep *s, const struct badmail *b, size_t bucket)
{
	if (!s->trimming)
		return badmail_until(b, s->server->badmail_keep) <= s->wall_ms;
	return bucket > s->oldest || (bucket == s->oldest && s->excess);
}

static void look_at(struct badmail_sweep *s, const char *entry)
{
	struct badmail b;
	char id[BADMAIL_ID_MAX + 1];
	if (!badmail_id(span_of(entry), id)) {
		if (!s->trimming)
			remove_orphan(s, entry);
		return;
	}
	/* A file without a reason beside it and without an id as its name is not ours. */
	if (badmail_look(s->badmail, id, &b) < 0 || (!b.reason[0] && !msgid_valid(span_of(id))))
		return;
	size_t bucket = bucket_of(s, &b);
	if (!must_go(s, &b, bucket)) {
		count_one(&s->counting, &b);
		s->buckets[bucket] += s->trimming ? 0 : b.size;
	} else if (!s->trimming) {
		s->expired += remove_one(s, &b);
	} else {
		s->trimmed += remove_one(s, &b);
		if (bucket == s->oldest)
			s->excess -= b.size < s->excess ? b.size : s->excess;
	}
}

/* True when the folder is larger than badmail_max; then sets what may stay. */
static bool must_trim(struct badmail_sweep *s)
{
	int64_t max = s->server->badmail_max;
	uint64_t sum = 0;
	for (size_t i = 0; max != CONFIG_NONE && i < SWEEP_BUCKETS; i++) {
		sum += s->buckets[i];
		if (sum <= (uint64_t)max)
			continue;
		s->oldest = i;
		s->excess = sum - (uint64_t)max;
		return true;
	}
	return false;
}

static void end_of_folder(struct badmail_sweep *s)
{
	if (!s->trimming && must_trim(s)) {
		s->trimming = true;
		s->counting = (struct badmail_found){0};
		rewinddir(s->folder);
		return;
	}
	s->found = s->counting;
	s->found.known = true;
	if (s->expired || s->trimmed)
		log_info("badmail: removed %zu by badmail_keep (deleted messages after 7 days) and %zu by badmail_max",
			 s->expired, s->trimmed);
	end_walk(s);
}

/* The time of the last change of the folder: a file came or went. */
static struct timespec last_change(const struct badmail_sweep *s)
{
	struct stat st;
	return fstat(s->badmail, &st) ? s->changed : st.st_mtim;
}

static bool has_changed(const struct badmail_sweep *s)
{
	struct timespec now = last_change(s);
	return now.tv_sec != s->changed.tv_sec || now.tv_nsec != s->changed.tv_nsec;
}

static void begin_walk(struct badmail_sweep *s)
{
	memset(s->buckets, 0, sizeof(s->buckets));
	s->expired = s->trimmed = 0;
	s->counting = (struct badmail_found){0};
	s->changed = last_change(s);
	s->began_ms = s->mono_ms;
	if (!open_folder(s)) {
		log_warning("badmail: can't read the folder: %s", strerror(errno));
		end_walk(s);
	}
}

void badmail_sweep_turn(struct badmail_sweep *s, int badmail, const struct config_server *server, int64_t mono_ms,
			int64_t wall_ms)
{
	s->badmail = badmail;
	s->server = server;
	s->mono_ms = mono_ms;
	s->wall_ms = wall_ms;
	if (!s->next_ms)
		s->next_ms = s->mono_ms + SWEEP_FIRST_MS;
	if (!s->folder && s->found.known && s->mono_ms >= s->look_ms) {
		s->look_ms = s->mono_ms + SWEEP_LOOK_MS;
		if (has_changed(s))
			s->next_ms = s->mono_ms;
	}
	if (s->next_ms > s->mono_ms)
		return;
	if (!s->folder)
		begin_walk(s);
	int64_t until = clock_mono_ms() + WORK_MS;
	while (s->folder && clock_mono_ms() < until) {
		const struct dirent *entry = readdir(s->folder);
		if (entry)
			look_at(s, entry->d_name);
		else
			end_of_folder(s);
	}
	if (s->folder)
		s->next_ms = s->mono_ms + SWEEP_SLICE_MS;
}

int64_t badmail_sweep_next(const struct badmail_sweep *s)
{
	return s->next_ms;
}

void badmail_sweep_free(struct badmail_sweep *s)
{
	if (s->folder)
		closedir(s->folder);
	s->folder = NULL;
}
