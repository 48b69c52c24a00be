#include "common/ipc/fullness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"

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
	char path[64];
	*read_fd = -1;
	*write_fd = memfd_create("mailroot-fullness", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *write_fd);
	if (*write_fd >= 0 && ftruncate(*write_fd, sizeof(struct fullness)) == 0 &&
	    fcntl(*write_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		*read_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*read_fd >= 0)
		return 0;
	int err = -errno;
	fd_close(write_fd);
	return err;
}

static void *map(int fd, int protection)
{
	struct stat file;
	if (fstat(fd, &file) < 0 || file.st_size != (off_t)sizeof(struct fullness))
		return NULL;
	void *page = mmap(NULL, sizeof(struct fullness), protection, MAP_SHARED, fd, 0);
	return page == MAP_FAILED ? NULL : page;
}

struct fullness *fullness_map_writable(int fd)
{
	return map(fd, PROT_READ | PROT_WRITE);
}

const struct fullness *fullness_map(int fd)
{
	return map(fd, PROT_READ);
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
