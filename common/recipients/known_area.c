#include "common/recipients/known_area.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum {
	ALIGNMENT = _Alignof(max_align_t),
	GROWTH = 4 /* areas have room for so many versions of all lists */
};

const struct known_lists *known_lists(const struct known *k)
{
	uint64_t generation;
	return k->snapshot ? snapshot_current(k->snapshot, &generation) : NULL;
}

void known_read_only(const struct known *k)
{
	if (k->snapshot)
		snapshot_read_only(k->snapshot);
}

static size_t aligned(size_t octets)
{
	return (octets + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* A part of the room for the next object. */
static void *take(char **at, size_t *room, size_t octets)
{
	char *part = *at;
	if (aligned(octets) > *room)
		return NULL;
	*at += aligned(octets);
	*room -= aligned(octets);
	return part;
}

static size_t octets_of(const struct known_list *list)
{
	return aligned(strlen(list->file) + 1) + (list->map ? aligned(recipient_map_octets(list->map)) : 0);
}

static bool move_list(const struct known_list *from, char **at, size_t *room, struct known_list *to)
{
	size_t len = strlen(from->file) + 1, octets = from->map ? recipient_map_octets(from->map) : 0;
	char *file = take(at, room, len);
	void *map = octets ? take(at, room, octets) : NULL;
	if (!file || (octets && !map))
		return false;
	to->file = memcpy(file, from->file, len);
	to->map = octets ? memcpy(map, from->map, octets) : NULL;
	return true;
}

static bool new_list(const struct known_change *c, char **at, size_t *room, struct known_list *to)
{
	size_t len = strlen(c->file) + 1;
	char *file = take(at, room, len);
	void *map = c->size ? take(at, room, c->size->octets) : NULL;
	if (!file || (c->size && !map))
		return false;
	to->file = memcpy(file, c->file, len);
	to->map = map ? recipient_map_parse(c->text, c->size, map, c->bad) : NULL;
	return true;
}

/*
 * Builds the lists OLD with change C in the free part of SNAPSHOT. MOVE: the maps of OLD are in another area, and are
 * copied. False: there is no room.
 */
static bool publish(struct snapshot *snapshot, const struct known_lists *old, const struct known_change *c, bool move)
{
	size_t room, all;
	char *begin = snapshot_room(snapshot, &room), *at = begin;
	all = room;
	struct known_lists *lists = take(&at, &room, sizeof(*lists));
	if (!lists)
		return false;
	lists->n = 0;
	for (size_t i = 0; i < old->n; i++) {
		if (i == c->without || i == c->at)
			lists->n += i == c->at;
		else if (!move)
			lists->at[lists->n++] = old->at[i];
		else if (!move_list(&old->at[i], &at, &room, &lists->at[lists->n++]))
			return false;
	}
	if (c->at != SIZE_MAX && !new_list(c, &at, &room, &lists->at[c->at]))
		return false;
	if (c->at == old->n)
		lists->n++;
	snapshot_publish(snapshot, all - room);
	return true;
}

static size_t area_for(const struct known_lists *old, const struct known_change *c)
{
	size_t live = sizeof(struct known_lists) + (c->file ? strlen(c->file) : 0) + (c->size ? c->size->octets : 0);
	for (size_t i = 0; i < old->n; i++)
		live += octets_of(&old->at[i]);
	size_t size = GROWTH * live > KNOWN_AREA_MIN ? GROWTH * live : KNOWN_AREA_MIN;
	return size < UINT32_MAX / 2 ? size : UINT32_MAX / 2;
}

int known_area_change(struct known *k, const struct known_change *c, bool *fresh)
{
	static const struct known_lists nothing;
	const struct known_lists *now = known_lists(k), *old = now ? now : &nothing;
	*fresh = false;
	if (k->snapshot && publish(k->snapshot, old, c, false))
		return 0;
	struct snapshot *next = snapshot_new(area_for(old, c));
	if (!next)
		return -errno;
	if (!publish(next, old, c, true)) {
		snapshot_free(next);
		return -ENOMEM;
	}
	*fresh = true;
	snapshot_free(k->snapshot);
	k->snapshot = next;
	return 0;
}
