#include "queue/attempt/local_drop.h"

#include <errno.h>
#include <stdio.h>

#include "common/base/language.h"
#include "common/base/log.h"
#include "common/process/privs.h"
#include "queue/attempt/folder.h"
#include "queue/attempt/note.h"
#include "queue/attempt/tally.h"
#include "queue/model/loaded.h"
#include "queue/rules/schedule.h"

/* The drop folder of recipient AT; NULL when it has another next hop or is not open. */
static struct drop *folder_of(struct queue *q, const struct loaded *w, size_t at)
{
	struct route route;
	if (w->states[at] != RECIPIENT_OPEN)
		return NULL;
	loaded_route(w, at, queue_server(q), &route);
	return route.kind == ROUTE_DROP ? drop_find(&q->drops, route.local->drop_dir, q->mono_ms) : NULL;
}

/* The drop folder that all recipients share, or NULL. */
static struct drop *common_folder(struct queue *q, const struct loaded *w)
{
	struct drop *folder = folder_of(q, w, 0);
	for (size_t i = 1; folder && i < w->rcpt_count; i++) {
		struct drop *other = folder_of(q, w, i);
		if (!other || !drop_same(folder, other) || other->return_path != folder->return_path)
			return NULL;
	}
	return folder;
}

static void log_dropped(const struct queue *q, const struct message *m, const struct drop *folder)
{
	const struct loaded *w = m->loaded;
	int64_t age = schedule_age(m->id, q->wall_ms);
	log_info("id=%s from=<%.*s> to=<%.*s> recipients=%zu folder=%s status=delivered size=%llu delay=%lld.%llds",
		 m->id, SPAN_ARGS(w->sender.text), SPAN_ARGS(w->rcpts[0].text), w->rcpt_count, folder->path,
		 (unsigned long long)m->size, (long long)(age / 1000), (long long)(age / 100 % 10));
}

static void tell_dropped(struct queue *q, struct message *m, const struct drop *folder)
{
	char text[512];
	if (!m->watched)
		return;
	snprintf(text, sizeof(text), N_("delivered to drop folder %.400s as %s.eml"), folder->path, m->id);
	const struct attempt_result dropped = {
		.event = JOURNAL_DELIVERED, .enhanced = {2, 0, 0}, .text = span_of(text)};
	m->watched = false;
	if (q->observer.outcome)
		q->observer.outcome(q->observer.context, m, &dropped);
}

/* For listings, and because local mail has its own expiry. */
static struct destination *remember_folder(struct queue *q, struct message *m)
{
	struct route route;
	loaded_route(m->loaded, 0, queue_server(q), &route);
	destination_ref(&q->destinations, &m->destination, queue_destination(q, &route));
	return m->destination;
}

/* BROKEN: the folder is at fault, not this message. */
static void delay_drop(struct queue *q, struct message *m, const struct drop *folder, struct enhanced enhanced,
		       bool broken, const char *why)
{
	char text[768];
	snprintf(text, sizeof(text), N_("drop folder %.300s: %s"), folder->path, why);
	const struct attempt_result result = {.event = JOURNAL_DELAYED, .enhanced = enhanced, .text = span_of(text)};
	log_warning("id=%s folder=%s status=delayed text=\"%s\"", m->id, folder->path, why);
	struct destination *d = remember_folder(q, m);
	if (d && broken) {
		folder_failed(q, d, why);
		m->loaded->unreachable = d;
	}
	note_result(q, m, NULL, 0, m->loaded->rcpt_count - 1, &result);
}

/* Recipients FIRST to LAST of M: even their empty folder could not hold it. */
static void note_too_large(struct queue *q, struct message *m, size_t first, size_t last, const struct drop *folder)
{
	char text[512];
	snprintf(text, sizeof(text), N_("the message (%llu octets) exceeds the quota of the mailbox (drop_quota %lld)"),
		 (unsigned long long)m->size, (long long)folder->quota);
	const struct attempt_result result = {.event = JOURNAL_FAILED, .enhanced = {5, 2, 3}, .text = span_of(text)};
	log_info("id=%s folder=%s status=failed text=\"%s\"", m->id, folder->path, text);
	note_result(q, m, NULL, first, last, &result);
}

static void fail_drop(struct queue *q, struct message *m, const struct drop *folder)
{
	remember_folder(q, m);
	note_too_large(q, m, 0, m->loaded->rcpt_count - 1, folder);
}

/* True when the room for M depends on copies that workers are still writing there. */
static bool waits_for_copies(struct queue *q, struct message *m, const struct drop *folder)
{
	const struct destination *d = remember_folder(q, m);
	return !folder->error && d && d->octets && !drop_has_room(folder, m->size + d->octets);
}

static void delivered(struct queue *q, struct message *m, struct drop *folder)
{
	drop_add(folder, m->size);
	tally_dropped(q, m);
	log_dropped(q, m, folder);
	tell_dropped(q, m, folder);
	if (folder->trouble && remember_folder(q, m))
		folder_worked(q, m->destination);
	queue_forget(q, m);
}

/* Renames M into FOLDER. */
static enum local_drop rename_into(struct queue *q, struct message *m, struct drop *folder)
{
	char said[PRIVS_WHY_MAX];
	if (!folder->error && m->attempts)
		count(COUNTER_RETRY_DROP);
	int err = folder->error ? -folder->error : store_drop(&q->store, m, folder->path);
	if (!err) {
		delivered(q, m, folder);
		return LOCAL_DROP_DONE;
	}
	if (err == -EXDEV)
		return LOCAL_DROP_NEEDS_JOBS;
	if (err == -EEXIST) {
		delay_drop(q, m, folder, (struct enhanced){4, 3, 0}, false, N_("another file with this name exists"));
		return LOCAL_DROP_NOTED;
	}
	writable_blame(&q->writable, err, q->mono_ms);
	if (writable_stops(&q->writable))
		return LOCAL_DROP_LATER;
	delay_drop(q, m, folder, (struct enhanced){4, 3, 0}, true, privs_explain(-err, folder->path, said));
	return LOCAL_DROP_NOTED;
}

/* After a rename no notice can be made. So a message whose sender wants one for success needs jobs. */
enum local_drop local_drop_try(struct queue *q, struct message *m)
{
	struct drop *folder = m->loaded->wants_success ? NULL : common_folder(q, m->loaded);
	if (!folder)
		return LOCAL_DROP_NEEDS_JOBS;
	if (drop_never_has_room(folder, m->size)) {
		fail_drop(q, m, folder);
		return LOCAL_DROP_NOTED;
	}
	if (drop_is_unknown(folder))
		return LOCAL_DROP_LATER;
	if (!folder->error && !drop_has_room(folder, m->size)) {
		folder->lacks = m->size;
		delay_drop(q, m, folder, (struct enhanced){4, 2, 2}, true, N_("full, see drop_quota"));
		return LOCAL_DROP_NOTED;
	}
	if (folder->return_path)
		return waits_for_copies(q, m, folder) ? LOCAL_DROP_LATER : LOCAL_DROP_NEEDS_JOBS;
	return rename_into(q, m, folder);
}

bool local_drop_lacks_room(struct queue *q, struct message *m, struct destination *d, size_t rcpt)
{
	static const char why[] = N_("full, see drop_quota");
	const struct attempt_result result = {.event = JOURNAL_DELAYED, .enhanced = {4, 2, 2}, .text = SPAN(why)};
	struct drop *folder = drop_find(&q->drops, d->folder, q->mono_ms);
	if (folder && drop_never_has_room(folder, m->size)) {
		note_too_large(q, m, rcpt, rcpt, folder);
		return true;
	}
	if (!folder || folder->error || !folder->counted || drop_has_room(folder, m->size))
		return false;
	folder->lacks = m->size;
	folder_failed(q, d, why);
	m->loaded->unreachable = d;
	note_result(q, m, NULL, rcpt, rcpt, &result);
	return true;
}

bool local_drop_is_unknown(struct queue *q, const struct message *m)
{
	bool unknown = false;
	if (!drops_are_unknown(&q->drops))
		return false;
	for (size_t i = 0; !unknown && i < m->loaded->rcpt_count; i++)
		unknown = drop_is_unknown(folder_of(q, m->loaded, i));
	return unknown;
}
