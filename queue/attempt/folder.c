#include "queue/attempt/folder.h"

#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/language.h"
#include "common/base/log.h"
#include "common/ipc/fullness.h"
#include "common/process/privs.h"
#include "queue/model/waiting.h"

/* A folder that seems usable but fails is tried less and less often, up to DOWN_MAX_MS. */
enum {
	DOWN_MAX_MS = 60 * 1000,
	WAITING_LOOK = 1000 /* first_that_fits looks at so many messages */
};

static struct drop *drop_of(struct queue *q, const struct destination *d)
{
	return drop_find(&q->drops, d->folder, q->mono_ms);
}

/* The size of the largest message that fits, as far as known without trying; 0 = none. */
static uint64_t usable(const struct drop *drop)
{
	struct statvfs disk;
	uint64_t room = drop_room(drop);
	if (drop->error || faccessat(AT_FDCWD, drop->path, W_OK | X_OK, AT_EACCESS) < 0)
		return 0;
	uint64_t left = statvfs(drop->path, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize : UINT64_MAX;
	return left < room ? left : room;
}

void folder_failed(struct queue *q, struct destination *d, const char *why)
{
	struct drop *drop = drop_of(q, d);
	bool was_up = !d->down_ms;
	destination_down(d, q->mono_ms, 0, DOWN_MAX_MS, why);
	if (was_up)
		log_warning("drop folder %s: %s; its mail waits until this is fixed", d->folder, why);
	if (drop) {
		drop->trouble = true;
		drop->usable = usable(drop) > 0;
	}
}

void folder_worked(struct queue *q, struct destination *d)
{
	struct drop *drop = drop_of(q, d);
	struct message *next = TAILQ_FIRST(&d->waiting);
	if (destination_up(d))
		log_info("drop folder %s accepts mail again", d->folder);
	if (next)
		waiting_hurry(&q->messages, next);
	if (drop)
		drop->trouble = next != NULL;
}

void folder_took(struct queue *q, struct destination *d, uint64_t size)
{
	struct drop *drop = drop_of(q, d);
	if (drop)
		drop_add(drop, size);
	if (d->down_ms)
		folder_worked(q, d);
}

/* The first message waiting for D that fits into ROOM octets; NULL = none. */
static struct message *first_that_fits(const struct destination *d, uint64_t room)
{
	struct message *m;
	int looked = 0;
	TAILQ_FOREACH(m, &d->waiting, at_next_hop)
	{
		if (m->size <= room)
			return m;
		if (++looked == WAITING_LOOK)
			break;
	}
	return NULL;
}

static void tend(struct queue *q, struct destination *d)
{
	struct drop *drop = drop_of(q, d);
	if (!drop)
		return;
	uint64_t room = usable(drop);
	struct message *fits = first_that_fits(d, room);
	if (room && TAILQ_EMPTY(&d->waiting))
		folder_worked(q, d);
	else if (fits && (!drop->usable || q->mono_ms >= d->down_until))
		waiting_hurry(&q->messages, fits);
	drop->usable = fits != NULL;
}

/*
 * What smtpd must know about a folder. The folder counts as full after a message found no room. Then smtpd accepts a
 * message of unknown size while a quarter of the quota is free, or enough for that message.
 */
static struct fullness_room room_of(const struct drop *drop)
{
	struct fullness_room room = FULLNESS_UNBOUND;
	if (!drop || drop->quota == CONFIG_NONE)
		return room;
	room.most = (uint64_t)drop->quota;
	if (!drop->lacks)
		return room;
	room.now = drop_room(drop);
	room.least = drop->lacks < room.most / 4 ? drop->lacks : room.most / 4;
	return room;
}

/* Tells smtpd the room in the folder of each local domain. */
static void publish(struct queue *q)
{
	const struct config_server *server = queue_server(q);
	for (size_t i = 0; i < server->local_domain_count; i++) {
		const struct config_local_domain *local = &server->local_domains[i];
		const struct drop *drop = drop_find(&q->drops, local->drop_dir, q->mono_ms);
		const struct fullness_room room = room_of(drop);
		fullness_set(q->fullness, span_of(local->name), &room);
	}
}

void folders_tend(struct queue *q)
{
	for (size_t i = 0; i < q->drops.n; i++) {
		struct drop *drop = drop_find(&q->drops, q->drops.at[i].path, q->mono_ms);
		if (drop->lacks && drop_has_room(drop, drop->lacks))
			drop->lacks = 0;
	}
	publish(q);
	for (struct destination *d = q->destinations.table, *next; d; d = next) {
		next = d->hh.next;
		if (d->kind == DESTINATION_FOLDER && d->down_ms)
			tend(q, d);
	}
}

const char *folder_trouble(const struct queue *q, const struct drop *folder)
{
	static char why[PRIVS_WHY_MAX];
	if (folder->error)
		return privs_explain(folder->error, folder->path, why);
	for (const struct destination *d = q->destinations.table; d; d = d->hh.next)
		if (d->kind == DESTINATION_FOLDER && d->down_ms && strcmp(d->folder, folder->path) == 0)
			return d->reason;
	return folder->lacks ? N_("full, see drop_quota") : NULL;
}
