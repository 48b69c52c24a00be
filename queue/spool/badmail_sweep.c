#include "queue/spool/badmail_sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "queue/attempt/queue.h"
#include "queue/spool/badmail.h"

enum { WORK_MS = 2, ORPHAN_MS = 86400 * 1000 };

static bool open_folder(struct queue *q)
{
	int fd = openat(q->store.badmail_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	q->badmail_sweep.folder = fd < 0 ? NULL : fdopendir(fd);
	if (!q->badmail_sweep.folder)
		fd_close(&fd);
	return q->badmail_sweep.folder != NULL;
}

static void end_walk(struct queue *q)
{
	if (q->badmail_sweep.folder)
		closedir(q->badmail_sweep.folder);
	q->badmail_sweep.folder = NULL;
	q->badmail_sweep.trimming = false;
	q->badmail_sweep.next_ms = q->mono_ms + SWEEP_EVERY_MS;
}

static size_t bucket_of(const struct queue *q, const struct badmail *b)
{
	int64_t keep = queue_server(q)->badmail_keep, age = q->wall_ms - b->since_ms;
	int64_t bucket = age <= 0 ? 0 : age / (keep / SWEEP_BUCKETS + 1);
	return bucket < SWEEP_BUCKETS ? (size_t)bucket : SWEEP_BUCKETS - 1;
}

static bool remove_one(const struct queue *q, const struct badmail *b)
{
	int err = badmail_remove(q->store.badmail_fd, b->id);
	if (err)
		log_warning("badmail %s: can't be removed: %s", b->id, strerror(-err));
	return !err;
}

/* What belongs to no message any more: a crash came between. */
static void look_at_rest(struct queue *q, const char *entry)
{
	struct stat st;
	struct span name = span_of(entry), stem = {entry, name.len < 4 ? 0 : name.len - 4};
	char id[MSGID_LEN + 1], message[BADMAIL_NAME_MAX];
	if (!span_ends_nocase(name, SPAN(".txt")) && !span_ends_nocase(name, SPAN(".log")))
		return;
	if (!msgid_valid(stem) || !span_copy(stem, id, sizeof(id)))
		return;
	badmail_name(id, ".eml", message);
	if (fstatat(q->store.badmail_fd, message, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return;
	if (fstatat(q->store.badmail_fd, entry, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	    q->wall_ms - (int64_t)st.st_ctim.tv_sec * 1000 > ORPHAN_MS)
		unlinkat(q->store.badmail_fd, entry, 0);
}

static void look_at(struct queue *q, const char *entry)
{
	struct badmail_sweep *s = &q->badmail_sweep;
	struct badmail b;
	char id[BADMAIL_ID_MAX + 1];
	if (!badmail_id(span_of(entry), id)) {
		if (!s->trimming)
			look_at_rest(q, entry);
		return;
	}
	/* Without a reason beside it, and under another name than ours, it is somebody else's file. */
	if (badmail_look(q->store.badmail_fd, id, &b) < 0 || (!b.reason[0] && !msgid_valid(span_of(id))))
		return;
	size_t bucket = bucket_of(q, &b);
	if (!s->trimming && badmail_until(&b, queue_server(q)->badmail_keep) <= q->wall_ms) {
		s->expired += remove_one(q, &b);
	} else if (!s->trimming) {
		s->buckets[bucket] += b.size;
	} else if (bucket > s->oldest || (bucket == s->oldest && s->excess)) {
		s->trimmed += remove_one(q, &b);
		if (bucket == s->oldest)
			s->excess -= b.size < s->excess ? b.size : s->excess;
	}
}

/* Whether the sum is too large; and if so, what may stay. */
static bool must_trim(const struct queue *q, struct badmail_sweep *s)
{
	int64_t max = queue_server(q)->badmail_max;
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

static void end_of_folder(struct queue *q)
{
	struct badmail_sweep *s = &q->badmail_sweep;
	if (!s->trimming && must_trim(q, s)) {
		s->trimming = true;
		rewinddir(s->folder);
		return;
	}
	if (s->expired || s->trimmed)
		log_info("badmail: %zu removed as badmail_keep says (deleted ones after 7 days), %zu as badmail_max "
			 "says",
			 s->expired, s->trimmed);
	end_walk(q);
}

static void begin_walk(struct queue *q)
{
	memset(q->badmail_sweep.buckets, 0, sizeof(q->badmail_sweep.buckets));
	q->badmail_sweep.expired = q->badmail_sweep.trimmed = 0;
	if (!open_folder(q)) {
		log_warning("badmail: the folder can't be read: %s", strerror(errno));
		end_walk(q);
	}
}

void badmail_sweep_turn(struct queue *q)
{
	struct badmail_sweep *s = &q->badmail_sweep;
	if (!s->next_ms)
		s->next_ms = q->mono_ms + SWEEP_FIRST_MS;
	if (s->next_ms > q->mono_ms)
		return;
	if (!s->folder)
		begin_walk(q);
	int64_t until = clock_mono_ms() + WORK_MS;
	while (s->folder && clock_mono_ms() < until) {
		const struct dirent *entry = readdir(s->folder);
		if (entry)
			look_at(q, entry->d_name);
		else
			end_of_folder(q);
	}
	if (s->folder)
		s->next_ms = q->mono_ms + SWEEP_SLICE_MS;
}

int64_t badmail_sweep_next(const struct queue *q)
{
	return q->badmail_sweep.next_ms;
}

void badmail_sweep_free(struct queue *q)
{
	if (q->badmail_sweep.folder)
		closedir(q->badmail_sweep.folder);
	q->badmail_sweep.folder = NULL;
}
