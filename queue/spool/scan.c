#include "queue/spool/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"
#include "queue/model/forget.h"
#include "queue/rules/schedule.h"
#include "queue/spool/resend.h"

enum { LOCKED_FIRST_MS = 10, LOCKED_DOUBLINGS = 7, TROUBLE_MS = 1000, SETTLE_SLICE = 500 };

void scan_init(struct scan *s, struct messages *messages, struct destinations *destinations, const struct store *store)
{
	*s = (struct scan){.messages = messages, .destinations = destinations, .store = store};
}

void scan_request(struct scan *s)
{
	int64_t soon = s->last_ms + SCAN_PAUSE_MS;
	s->again = s->step != SCAN_IDLE;
	if (!s->again && soon < s->next_ms)
		s->next_ms = soon;
}

static bool open_folder(struct scan *s, int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->folder = fd < 0 ? NULL : fdopendir(fd);
	if (!s->folder)
		fd_close(&fd);
	return s->folder != NULL;
}

static void close_folder(struct scan *s)
{
	if (s->folder)
		closedir(s->folder);
	s->folder = NULL;
}

/* The message NAME of this listing; NULL when it is known from elsewhere, or without memory. */
static struct message *list_message(struct scan *s, const struct msgname *name)
{
	struct message *m = message_find(s->messages, name->id);
	if (m)
		return m->state == MESSAGE_LISTED ? m : NULL;
	m = message_add(s->messages, name);
	if (!m)
		log_error("no memory for message %s: the next scan tries again", name->id);
	else
		m->found = true;
	return m;
}

static void list_file(struct scan *s, const struct msgname *name, bool in_cur)
{
	struct message *m = list_message(s, name);
	if (!m || m->has_file)
		return;
	m->has_file = true;
	m->in_cur = in_cur;
	m->unsynced = !in_cur;
	m->size = name->size;
	m->eight_bit = name->eight_bit;
	/* cur/ was read before, so no more is to come about it. The newest mail goes first: users wait for it. */
	if (!in_cur)
		message_wait(s->messages, m, MESSAGE_MET, -msgid_time(m->id));
}

static void list_log(struct scan *s, struct span entry)
{
	struct msgname name = {.size = 0};
	struct span id = {entry.at, entry.len < 4 ? 0 : entry.len - 4};
	if (!span_ends_nocase(entry, SPAN(".log")) || !msgid_valid(id) || !span_copy(id, name.id, sizeof(name.id)))
		return;
	struct message *m = list_message(s, &name);
	if (m)
		m->has_log = true;
}

/* Removes an unfinished file that has no writer any more. */
static void remove_unfinished(struct scan *s, const char *entry)
{
	if (!msgid_valid(span_of(entry + 1)))
		return;
	int fd = openat(s->store->new_fd, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && store_lock(fd, STORE_ALONE) == 0 && unlinkat(s->store->new_fd, entry, 0) == 0)
		log_info("new/%s: removed an unfinished file whose writer has ended", entry);
	fd_close(&fd);
}

/*
 * Only a regular file can be a message; anything else is left there. A journal counts by its name alone: its message
 * must not pass for untried.
 */
static void list_entry(struct scan *s, const struct dirent *entry, bool in_cur)
{
	struct msgname name;
	bool regular = entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN;
	if (regular && msgname_parse(span_of(entry->d_name), &name))
		list_file(s, &name, in_cur);
	else if (in_cur && regular && entry->d_name[0] == '.')
		resend_finish(s->store, entry->d_name);
	else if (in_cur)
		list_log(s, span_of(entry->d_name));
	else if (regular && entry->d_name[0] == '.')
		remove_unfinished(s, entry->d_name);
}

/* Reads a slice; true at the end of the folder. */
static bool read_slice(struct scan *s, bool in_cur)
{
	for (int i = 0; i < SCAN_SLICE; i++) {
		const struct dirent *entry = readdir(s->folder);
		if (!entry)
			return true;
		list_entry(s, entry, in_cur);
	}
	return false;
}

static void settle_cur(struct scan *s, struct message *m)
{
	int64_t next_try;
	if (!m->has_file) {
		store_finish_log(s->store, m->id);
		forget_message(s->messages, s->destinations, m);
		return;
	}
	if (!m->has_log || store_next_try(s->store, m, &next_try) < 0) {
		message_move(s->messages, m, MESSAGE_FOUND);
		return;
	}
	if (next_try == STORE_HELD_MS) {
		message_move(s->messages, m, MESSAGE_HELD);
		return;
	}
	int64_t left = schedule_remaining(s->ladder, next_try, s->wall_ms);
	message_wait(s->messages, m, MESSAGE_WAITING, s->mono_ms + left);
}

/* Settles some messages of cur/; true when none is left. */
static bool settle_slice(struct scan *s)
{
	struct message *m;
	for (int i = 0; i < SETTLE_SLICE && (m = TAILQ_FIRST(&s->messages->listed)); i++)
		settle_cur(s, m);
	return TAILQ_EMPTY(&s->messages->listed);
}

static void start_step(struct scan *s, enum scan_step step, int folder)
{
	close_folder(s);
	s->step = step;
	if (folder < 0 || open_folder(s, folder))
		return;
	log_error("can't read the spool: %s", strerror(errno));
	s->step = SCAN_IDLE;
	s->next_ms = s->mono_ms + TROUBLE_MS;
}

static void finish(struct scan *s)
{
	s->step = SCAN_IDLE;
	s->last_ms = s->mono_ms;
	s->next_ms = s->mono_ms + (s->again ? SCAN_PAUSE_MS : SCAN_EVERY_MS);
	s->again = false;
}

bool scan_list(struct scan *s, const struct config_durations *ladder, int64_t mono_ms, int64_t wall_ms)
{
	s->ladder = ladder;
	s->mono_ms = mono_ms;
	s->wall_ms = wall_ms;
	switch (s->step) {
	case SCAN_IDLE:
		if (s->next_ms > s->mono_ms)
			return false;
		start_step(s, SCAN_MOVED, -1);
		break;
	case SCAN_MOVED:
		if (!take_in(&s->moved, s->store, s->wall_ms))
			start_step(s, SCAN_CUR, s->store->cur_fd);
		break;
	case SCAN_CUR:
		if (read_slice(s, true))
			start_step(s, SCAN_NEW, s->store->new_fd);
		break;
	case SCAN_NEW:
		if (!read_slice(s, false))
			break;
		start_step(s, SCAN_SETTLE, -1);
		s->messages->all_known = true;
		break;
	default:
		if (settle_slice(s))
			finish(s);
	}
	return s->step != SCAN_IDLE;
}

static void look_again(struct scan *s, struct message *m)
{
	int64_t after = LOCKED_FIRST_MS << m->lock_tries;
	if (m->lock_tries < LOCKED_DOUBLINGS)
		m->lock_tries++;
	message_wait(s->messages, m, MESSAGE_LOCKED, s->mono_ms + after);
}

static void bad_file(struct scan *s, struct message *m, const char *why)
{
	struct span rest = span_of(why), line = rest;
	int err = store_badmail(s->store, m, rest);
	span_line(&rest, &line);
	log_warning("id=%s status=badmail text=\"%.*s\"%s%s", m->id, SPAN_ARGS(line), err ? ": " : "",
		    err ? strerror(-err) : "");
	if (err)
		message_wait(s->messages, m, MESSAGE_LOCKED, s->mono_ms + SCAN_EVERY_MS);
	else
		forget_message(s->messages, s->destinations, m);
	if (!err)
		count(COUNTER_BADMAIL_GENERAL);
}

static void probe(struct scan *s, struct message *m)
{
	int err = store_probe(s->store, m);
	switch (err) {
	case 0:
		m->lock_tries = 0;
		message_move(s->messages, m, MESSAGE_PROBED);
		break;
	case -EWOULDBLOCK:
		look_again(s, m);
		break;
	case -ENOENT:
		forget_message(s->messages, s->destinations, m);
		break;
	case -ENODATA:
		log_info("id=%s: removed an empty file, whose message was never acknowledged", m->id);
		store_finish(s->store, m);
		forget_message(s->messages, s->destinations, m);
		break;
	case -EBADMSG:
		bad_file(
			s, m,
			"The file does not have the size in its name: the message was never acknowledged, or the file was edited.\n");
		break;
	case -EACCES:
		bad_file(s, m, "The queue can't read the file: another user put it here.\n");
		break;
	default:
		log_error("id=%s: can't check the message file: %s", m->id, strerror(-err));
		message_wait(s->messages, m, MESSAGE_LOCKED, s->mono_ms + TROUBLE_MS);
	}
}

bool scan_probe(struct scan *s, int64_t mono_ms)
{
	struct message *m;
	s->mono_ms = mono_ms;
	for (int i = 0; i < SCAN_PROBES && (m = TAILQ_FIRST(&s->messages->found)); i++)
		probe(s, m);
	return !TAILQ_EMPTY(&s->messages->found);
}

void scan_adopt(struct scan *s)
{
	struct message *m;
	while ((m = TAILQ_FIRST(&s->messages->probed))) {
		m->found = false;
		message_move(s->messages, m, MESSAGE_READY);
	}
}

void scan_free(struct scan *s)
{
	close_folder(s);
	take_in_free(&s->moved);
}
