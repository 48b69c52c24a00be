#include "common/ipc/fullness.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "common/ipc/page.h"

enum { NAME_MAX_OCTETS = 256 };

/* A name is written before it is counted, and never changes: a reader sees it whole. */
struct entry {
	_Atomic uint64_t most, now, least;
	uint32_t len;
	char name[NAME_MAX_OCTETS];
};

struct fullness {
	_Atomic uint32_t suspended;
	_Atomic uint32_t count;
	struct entry entries[FULLNESS_DOMAINS_MAX];
};

int fullness_create(int *write_fd, int *read_fd)
{
	return page_create("mailroot-fullness", sizeof(struct fullness), write_fd, read_fd);
}

struct fullness *fullness_map_writable(int fd)
{
	return page_map(fd, sizeof(struct fullness), true);
}

const struct fullness *fullness_map(int fd)
{
	return page_map(fd, sizeof(struct fullness), false);
}

/* Domains compare without case. Values are bounded here, because the page is shared memory. */
static const struct entry *find(const struct fullness *page, struct span domain)
{
	uint32_t count = atomic_load_explicit(&page->count, memory_order_acquire);
	for (uint32_t i = 0; i < count && i < FULLNESS_DOMAINS_MAX; i++) {
		const struct entry *entry = &page->entries[i];
		uint32_t len = entry->len < NAME_MAX_OCTETS ? entry->len : NAME_MAX_OCTETS;
		if (span_equal_nocase((struct span){entry->name, len}, domain))
			return entry;
	}
	return NULL;
}

static void write_room(struct entry *entry, const struct fullness_room *room)
{
	atomic_store(&entry->most, room->most);
	atomic_store(&entry->now, room->now);
	atomic_store(&entry->least, room->least);
}

void fullness_set(struct fullness *page, struct span domain, const struct fullness_room *room)
{
	if (!page)
		return;
	struct entry *entry = (struct entry *)find(page, domain);
	uint32_t count = atomic_load(&page->count);
	if (entry)
		write_room(entry, room);
	if (entry || room->most == UINT64_MAX || count >= FULLNESS_DOMAINS_MAX || domain.len > NAME_MAX_OCTETS)
		return;
	entry = &page->entries[count];
	memcpy(entry->name, domain.at, domain.len);
	entry->len = (uint32_t)domain.len;
	write_room(entry, room);
	atomic_store_explicit(&page->count, count + 1, memory_order_release);
}

void fullness_clear(struct fullness *page)
{
	for (size_t i = 0; page && i < FULLNESS_DOMAINS_MAX; i++)
		write_room(&page->entries[i], &FULLNESS_UNBOUND);
}

void fullness_suspend(struct fullness *page, bool suspended)
{
	if (page)
		atomic_store(&page->suspended, suspended);
}

bool fullness_is_suspended(const struct fullness *page)
{
	return page && atomic_load(&page->suspended);
}

struct fullness_room fullness_of(const struct fullness *page, struct span domain)
{
	const struct entry *entry = page ? find(page, domain) : NULL;
	if (!entry)
		return FULLNESS_UNBOUND;
	return (struct fullness_room){atomic_load(&entry->most), atomic_load(&entry->now), atomic_load(&entry->least)};
}

enum fullness_verdict fullness_judge(const struct fullness_room *room, uint64_t size)
{
	if (size > room->most)
		return FULLNESS_NEVER;
	bool fits = size ? size <= room->now : room->now == UINT64_MAX || room->now >= room->least;
	return fits ? FULLNESS_FITS : FULLNESS_FULL;
}
