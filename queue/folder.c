#include "queue/folder.h"

#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/host/fullness.h"
#include "common/host/privs.h"
#include "queue/settle.h"

/* A folder that looks well and fails all the same is tried more and more seldom. */
enum { DOWN_MAX_MS = 60 * 1000 };

static struct drop *drop_of(struct queue *q, const struct destination *d)
{
	return drop_find(&q->drops, d->folder, q->mono_ms);
}

/* As far as can be seen without trying, a message of SIZE octets can be put there. */
static bool looks_usable(const struct drop *drop, uint64_t size)
{
	struct statvfs room;
	if (drop->fd < 0 || faccessat(drop->fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return false;
	if (fstatvfs(drop->fd, &room) == 0 && (uint64_t)room.f_bavail * room.f_frsize <= size)
		return false;
	return drop_has_room(drop, size);
}

void folder_failed(struct queue *q, struct destination *d, const char *why)
{
	struct drop *drop = drop_of(q, d);
	bool was_up = !d->down_ms;
	destination_down(d, q->mono_ms, 0, DOWN_MAX_MS, why);
	if (was_up)
		log_warning("drop folder %s: %s; its mail waits until that is mended", d->folder, why);
	if (drop) {
		drop->trouble = true;
		drop->usable = looks_usable(drop, 0);
	}
}

void folder_worked(struct queue *q, struct destination *d)
{
	struct drop *drop = drop_of(q, d);
	struct message *next = TAILQ_FIRST(&d->waiting);
	if (destination_up(d))
		log_info("drop folder %s takes mail again", d->folder);
	if (next)
		settle_hurry(q, next);
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

static void tend(struct queue *q, struct destination *d)
{
	struct message *first = TAILQ_FIRST(&d->waiting);
	struct drop *drop = drop_of(q, d);
	if (!drop)
		return;
	bool usable = looks_usable(drop, first ? first->size : 0);
	if (usable && !first)
		folder_worked(q, d);
	else if (usable && (!drop->usable || q->mono_ms >= d->down_until))
		settle_hurry(q, first);
	drop->usable = usable;
}

/* Tells smtpd which domains are full. */
static void publish(struct queue *q)
{
	const struct config_server *server = queue_server(q);
	for (size_t i = 0; i < server->local_domain_count; i++) {
		const struct config_local_domain *local = &server->local_domains[i];
		const struct drop *drop = drop_find(&q->drops, local->drop_dir, q->mono_ms);
		fullness_set(q->fullness, span_of(local->name), drop && drop->lacks);
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
	if (folder->fd < 0)
		return privs_explain(folder->error, folder->path, why);
	for (const struct destination *d = q->destinations.table; d; d = d->hh.next)
		if (d->kind == DESTINATION_FOLDER && d->down_ms && strcmp(d->folder, folder->path) == 0)
			return d->reason;
	return folder->lacks ? "full, see drop_quota" : NULL;
}
