#include "smtpd/auth/gss_replay.h"

#include <openssl/sha.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

struct gss_replay {
	_Atomic uint32_t next;
	_Atomic uint64_t hashes[GSS_REPLAY_KEYS]; /* a ring buffer; 0 = free */
};

struct gss_replay *gss_replay_new(void)
{
	void *memory = mmap(NULL, sizeof(struct gss_replay), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

void gss_replay_free(struct gss_replay *r)
{
	if (r)
		munmap(r, sizeof(*r));
}

static uint64_t hash_of(struct span key)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	uint64_t hash;
	SHA256((const unsigned char *)key.at, key.len, digest);
	memcpy(&hash, digest, sizeof(hash));
	return hash | 1;
}

static bool is_there(struct gss_replay *r, uint64_t hash, size_t but)
{
	for (size_t i = 0; i < GSS_REPLAY_KEYS; i++)
		if (i != but && atomic_load(&r->hashes[i]) == hash)
			return true;
	return false;
}

/*
 * A replayed key takes no slot. A new key is written first, then searched again: of two workers with the same key at
 * the same time, at least one sees the other's.
 */
bool gss_replay_seen(struct gss_replay *r, struct span key)
{
	uint64_t hash = hash_of(key);
	if (is_there(r, hash, GSS_REPLAY_KEYS))
		return true;
	size_t mine = atomic_fetch_add(&r->next, 1) % GSS_REPLAY_KEYS;
	atomic_store(&r->hashes[mine], hash);
	return is_there(r, hash, mine);
}
