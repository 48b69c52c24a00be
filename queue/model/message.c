#include "queue/model/message.h"

#include <stdlib.h>
#include <string.h>

enum { HEAP_FIRST_ROOM = 1024, UNWRITTEN_MAX = 16 << 20 /* two lines of each recipient, at their longest */ };

/* As `queue list` shows them. */
static const char *const state_names[MESSAGE_STATE_COUNT] = {
	[MESSAGE_LISTED] = "new",    [MESSAGE_MET] = "new",       [MESSAGE_FOUND] = "new",
	[MESSAGE_LOCKED] = "locked", [MESSAGE_PROBED] = "new",    [MESSAGE_READY] = "new",
	[MESSAGE_ACTIVE] = "active", [MESSAGE_PARKED] = "active", [MESSAGE_WAITING] = "waiting",
	[MESSAGE_HELD] = "held",
};

const char *message_state_name(enum message_state state)
{
	return state_names[state];
}

void messages_init(struct messages *all)
{
	memset(all, 0, sizeof(*all));
	TAILQ_INIT(&all->listed);
	TAILQ_INIT(&all->found);
	TAILQ_INIT(&all->probed);
	TAILQ_INIT(&all->ready);
}

void messages_free(struct messages *all)
{
	struct message *m, *next;
	HASH_ITER(hh, all->table, m, next)
	{
		HASH_DEL(all->table, m);
		message_forget_lines(m);
		free(m);
	}
	free(all->heap);
	memset(all, 0, sizeof(*all));
}

size_t messages_count(const struct messages *all)
{
	return HASH_COUNT(all->table);
}

struct message *message_find(struct messages *all, const char *id)
{
	struct message *m;
	HASH_FIND(hh, all->table, id, MSGID_LEN, m);
	return m;
}

static void heap_set(struct messages *all, size_t at, struct message *m)
{
	all->heap[at] = m;
	m->heap_at = (uint32_t)at + 1;
}

static void heap_up(struct messages *all, size_t at, struct message *m)
{
	while (at && all->heap[(at - 1) / 2]->due_ms > m->due_ms) {
		heap_set(all, at, all->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_set(all, at, m);
}

static void heap_down(struct messages *all, size_t at, struct message *m)
{
	for (size_t child; (child = 2 * at + 1) < all->heap_count; at = child) {
		if (child + 1 < all->heap_count && all->heap[child + 1]->due_ms < all->heap[child]->due_ms)
			child++;
		if (all->heap[child]->due_ms >= m->due_ms)
			break;
		heap_set(all, at, all->heap[child]);
	}
	heap_set(all, at, m);
}

static bool heap_insert(struct messages *all, struct message *m)
{
	if (all->heap_count == all->heap_room) {
		size_t room = all->heap_room ? 2 * all->heap_room : HEAP_FIRST_ROOM;
		struct message **larger = reallocarray(all->heap, room, sizeof(*larger));
		if (!larger)
			return false;
		all->heap = larger;
		all->heap_room = room;
	}
	heap_up(all, all->heap_count++, m);
	return true;
}

static void heap_remove(struct messages *all, struct message *m)
{
	size_t at = m->heap_at - 1;
	struct message *last = all->heap[--all->heap_count];
	m->heap_at = 0;
	if (last == m)
		return;
	if (at && all->heap[(at - 1) / 2]->due_ms > last->due_ms)
		heap_up(all, at, last);
	else
		heap_down(all, at, last);
}

static struct message_list *list_of(struct messages *all, const struct message *m)
{
	switch ((enum message_state)m->state) {
	case MESSAGE_LISTED:
		return &all->listed;
	case MESSAGE_FOUND:
		return &all->found;
	case MESSAGE_PROBED:
		return &all->probed;
	case MESSAGE_READY:
		return &all->ready;
	case MESSAGE_PARKED:
		return m->parked_on;
	default:
		return NULL;
	}
}

static void leave(struct messages *all, struct message *m)
{
	struct message_list *list = list_of(all, m);
	if (list)
		TAILQ_REMOVE(list, m, place);
	else if (m->heap_at)
		heap_remove(all, m);
	all->counts[m->state]--;
}

static void enter(struct messages *all, struct message *m, enum message_state state)
{
	m->state = (uint8_t)state;
	all->counts[state]++;
	struct message_list *list = list_of(all, m);
	if (list)
		TAILQ_INSERT_TAIL(list, m, place);
}

struct message *message_add(struct messages *all, const struct msgname *name)
{
	struct message *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	memcpy(m->id, name->id, sizeof(m->id));
	m->size = name->size;
	m->eight_bit = name->eight_bit;
	HASH_ADD(hh, all->table, id, MSGID_LEN, m);
	if (!HASH_ADDED(m)) {
		free(m);
		return NULL;
	}
	enter(all, m, MESSAGE_LISTED);
	return m;
}

void message_move(struct messages *all, struct message *m, enum message_state state)
{
	leave(all, m);
	enter(all, m, state);
}

void message_park(struct messages *all, struct message *m, struct message_list *list)
{
	leave(all, m);
	m->parked_on = list;
	enter(all, m, MESSAGE_PARKED);
}

void message_wait(struct messages *all, struct message *m, enum message_state state, int64_t due_ms)
{
	leave(all, m);
	m->due_ms = due_ms;
	if (heap_insert(all, m))
		enter(all, m, state);
	else
		enter(all, m, state == MESSAGE_WAITING ? MESSAGE_READY : MESSAGE_FOUND);
}

struct message *message_due(const struct messages *all, int64_t now_ms)
{
	return all->heap_count && all->heap[0]->due_ms <= now_ms ? all->heap[0] : NULL;
}

int64_t message_next_due(const struct messages *all)
{
	return all->heap_count ? all->heap[0]->due_ms : INT64_MAX;
}

void message_remove(struct messages *all, struct message *m)
{
	leave(all, m);
	HASH_DEL(all->table, m);
	message_forget_lines(m);
	free(m);
}

bool message_remember(struct message *m, struct span lines)
{
	if (!m->unwritten) {
		m->unwritten = malloc(sizeof(*m->unwritten));
		if (!m->unwritten)
			return false;
		str_init(m->unwritten, UNWRITTEN_MAX);
	}
	return str_append(m->unwritten, lines);
}

void message_forget_lines(struct message *m)
{
	if (m->unwritten)
		str_free(m->unwritten);
	free(m->unwritten);
	m->unwritten = NULL;
}

void message_name(const struct message *m, char *to)
{
	struct msgname name = {.size = m->size, .eight_bit = m->eight_bit};
	memcpy(name.id, m->id, sizeof(name.id));
	msgname_format(&name, to);
}
