#include "common/ipc/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log.h"

/* Offset and generation in one word, so that one store publishes both. */
enum { GENERATION_SHIFT = 32, ALIGNMENT = _Alignof(max_align_t) };

struct area {
	_Alignas(max_align_t) _Atomic uint64_t current; /* generation << 32 | offset of the object; 0 = none */
};

struct snapshot {
	int fd;
	struct area *area;
	size_t size;
	size_t used;         /* the parent's */
	uint64_t generation; /* the parent's */
};

static int seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
}

struct snapshot *snapshot_new(size_t size)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->size = size + sizeof(struct area);
	s->used = sizeof(struct area);
	s->area = MAP_FAILED;
	s->fd = memfd_create("mailroot-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (s->size > UINT32_MAX)
		errno = EFBIG;
	else if (s->fd != -1 && ftruncate(s->fd, (off_t)s->size) == 0)
		s->area = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->area != MAP_FAILED && seal(s->fd) == 0)
		return s;
	snapshot_free(s);
	return NULL;
}

void snapshot_free(struct snapshot *s)
{
	int keep = errno;
	if (!s)
		return;
	if (s->area != MAP_FAILED)
		munmap(s->area, s->size);
	fd_close(&s->fd);
	free(s);
	errno = keep;
}

void *snapshot_room(struct snapshot *s, size_t *room)
{
	*room = s->size - s->used;
	return (char *)s->area + s->used;
}

void snapshot_publish(struct snapshot *s, size_t used)
{
	s->generation++;
	atomic_store_explicit(&s->area->current, s->generation << GENERATION_SHIFT | s->used, memory_order_release);
	size_t end = (s->used + used + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	s->used = end < s->size ? end : s->size;
}

/* Replaces the old mapping: mprotect alone could be undone, a new mapping can't be (F_SEAL_FUTURE_WRITE). */
void snapshot_read_only(struct snapshot *s)
{
	if (mmap(s->area, s->size, PROT_READ, MAP_SHARED | MAP_FIXED, s->fd, 0) == MAP_FAILED)
		log_fatal(EXIT_TEMPORARY, "can't map the policy read-only: %s", strerror(errno));
	fd_close(&s->fd);
}

static uint64_t load(const struct snapshot *s)
{
	return atomic_load_explicit(&s->area->current, memory_order_acquire);
}

uint64_t snapshot_generation(const struct snapshot *s)
{
	return load(s) >> GENERATION_SHIFT;
}

const void *snapshot_current(const struct snapshot *s, uint64_t *generation)
{
	uint64_t current = load(s);
	*generation = current >> GENERATION_SHIFT;
	return current ? (const char *)s->area + (uint32_t)current : NULL;
}
