#include "smtpd/auth/guess.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/base/ascii.h"
#include "common/base/fd.h"
#include "common/base/span.h"

enum {
	WAYS = 4,    /* slots in which one key may be */
	SETS = 4096, /* of each table: 16,384 keys, 256 KiB */
	KEY_OCTETS = 32,
	IPV6_NET = 8, /* octets of an address that are compared */
	TRIES = 8     /* of an update while other workers update the same slot */
};

/*
 * level: failures (8 bits), ms of GUESS_LEAK_MS that had passed towards the next leak (15), and the time of that state
 * in ms (41); 0 = empty.
 */
struct place {
	_Atomic uint64_t key;
	_Atomic uint64_t level;
};

struct table {
	struct place places[SETS][WAYS];
};

struct tables {
	struct table addresses, accounts, pairs, asked;
};

struct guess {
	struct tables *shared;
	unsigned char key[KEY_OCTETS];
};

enum { TIME_BITS = 41, PASSED_BITS = 15 };
_Static_assert(GUESS_LEAK_MS < 1 << PASSED_BITS && GUESS_MOST < 1 << (64 - TIME_BITS - PASSED_BITS),
	       "a level fits into one word");

struct guess *guess_new(void)
{
	struct guess *g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	fd_random(g->key, sizeof(g->key));
	g->shared = mmap(NULL, sizeof(*g->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g->shared != MAP_FAILED)
		return g;
	free(g);
	return NULL;
}

void guess_free(struct guess *g)
{
	if (!g)
		return;
	munmap(g->shared, sizeof(*g->shared));
	explicit_bzero(g->key, sizeof(g->key));
	free(g);
}

static int64_t wait_after(unsigned failures)
{
	int64_t wait = GUESS_WAIT_MS;
	if (failures < GUESS_FREE)
		return 0;
	for (unsigned i = GUESS_FREE; i < failures && wait < GUESS_WAIT_MAX_MS; i++)
		wait *= 2;
	return wait < GUESS_WAIT_MAX_MS ? wait : GUESS_WAIT_MAX_MS;
}

void guess_decide(const struct guess_counts *counts, struct guess_verdict *out)
{
	unsigned failures = counts->proven ? counts->pair : counts->address;
	out->refused = failures >= GUESS_REFUSED;
	out->before_ms = !counts->proven && counts->account >= GUESS_ACCOUNT ? GUESS_ACCOUNT_WAIT_MS : 0;
	out->after_ms = wait_after(failures);
}

/* Never 0, which marks an empty slot. */
static uint64_t hash(const struct guess *g, const void *text, size_t len)
{
	unsigned char digest[EVP_MAX_MD_SIZE] = {0};
	uint64_t key = 0;
	HMAC(EVP_sha256(), g->key, sizeof(g->key), text, len, digest, NULL);
	memcpy(&key, digest, sizeof(key));
	return key ? key : 1;
}

void guess_name(const struct guess *g, const struct ipaddr *client, struct span name, struct guess_who *out)
{
	unsigned char text[sizeof(client->octets) + 256] = {0};
	size_t len = name.len < 256 ? name.len : 256, local = span_find((struct span){name.at, len}, '@');
	size_t used = ipaddr_is_v4(client) ? sizeof(client->octets) : IPV6_NET;
	memcpy(text, client->octets, used);
	for (size_t i = 0; i < len; i++)
		text[sizeof(client->octets) + i] = (unsigned char)ascii_lower(name.at[i]);
	out->address = hash(g, text, sizeof(client->octets));
	out->account = hash(g, text + sizeof(client->octets), len);
	out->pair = hash(g, text, sizeof(client->octets) + len);
	out->person = hash(g, text + sizeof(client->octets), local);
}

struct level {
	unsigned failures;
	int64_t passed_ms;
};

static uint64_t pack(struct level level, int64_t mono_ms)
{
	uint64_t time = (uint64_t)mono_ms & ((UINT64_C(1) << TIME_BITS) - 1);
	return (uint64_t)level.failures << (TIME_BITS + PASSED_BITS) | (uint64_t)level.passed_ms << TIME_BITS | time;
}

static int64_t time_of(uint64_t word)
{
	return (int64_t)(word & ((UINT64_C(1) << TIME_BITS) - 1));
}

/* The failures that have not leaked yet, bounded: the memory is shared. */
static struct level level_at(uint64_t word, int64_t mono_ms)
{
	uint64_t failures = word >> (TIME_BITS + PASSED_BITS);
	int64_t age = mono_ms > time_of(word) ? mono_ms - time_of(word) : 0;
	int64_t passed = (int64_t)(word >> TIME_BITS & ((1U << PASSED_BITS) - 1)) + age;
	uint64_t leaked = (uint64_t)(passed / GUESS_LEAK_MS);
	if (failures > GUESS_MOST)
		failures = GUESS_MOST;
	if (failures <= leaked)
		return (struct level){0, 0};
	return (struct level){(unsigned)(failures - leaked), passed % GUESS_LEAK_MS};
}

static struct place *find(struct table *t, uint64_t key)
{
	struct place *set = t->places[key % SETS];
	for (size_t i = 0; i < WAYS; i++)
		if (atomic_load_explicit(&set[i].key, memory_order_relaxed) == key)
			return &set[i];
	return NULL;
}

/*
 * The key's own slot, or the one that was unused for longest. When two workers take one slot at once, one count is
 * lost.
 */
static struct place *find_or_take(struct table *t, uint64_t key, int64_t mono_ms)
{
	struct place *set = t->places[key % SETS], *oldest = find(t, key);
	if (oldest)
		return oldest;
	oldest = &set[0];
	for (size_t i = 1; i < WAYS; i++)
		if (time_of(atomic_load(&set[i].level)) < time_of(atomic_load(&oldest->level)))
			oldest = &set[i];
	atomic_store(&oldest->level, pack((struct level){0, 0}, mono_ms));
	atomic_store(&oldest->key, key);
	return oldest;
}

static unsigned count(const struct table *t, uint64_t key, int64_t mono_ms)
{
	const struct place *place = find((struct table *)t, key);
	return place ? level_at(atomic_load(&place->level), mono_ms).failures : 0;
}

/* Adds one failure; returns the new count. */
static unsigned add(struct table *t, uint64_t key, int64_t mono_ms)
{
	struct place *place = find_or_take(t, key, mono_ms);
	uint64_t word = atomic_load(&place->level);
	for (int i = 0; i < TRIES; i++) {
		struct level level = level_at(word, mono_ms);
		if (level.failures < GUESS_MOST)
			level.failures++;
		if (atomic_compare_exchange_strong(&place->level, &word, pack(level, mono_ms)))
			return level.failures;
	}
	return 0;
}

void guess_look(const struct guess *g, const struct guess_who *who, int64_t mono_ms, struct guess_counts *out)
{
	struct tables *all = g->shared;
	out->proven = find(&all->pairs, who->pair) != NULL;
	out->address = count(&all->addresses, who->address, mono_ms);
	out->account = count(&all->accounts, who->account, mono_ms);
	out->pair = count(&all->pairs, who->pair, mono_ms);
}

bool guess_failed(struct guess *g, const struct guess_who *who, int64_t mono_ms)
{
	struct tables *all = g->shared;
	if (find(&all->pairs, who->pair))
		return add(&all->pairs, who->pair, mono_ms) == GUESS_REFUSED;
	add(&all->accounts, who->account, mono_ms);
	return add(&all->addresses, who->address, mono_ms) == GUESS_REFUSED;
}

/*
 * The count of `asked`: it does not leak, it ends. The word has the failures, and the time of the last one; a word with
 * a count of 0 is free for another key.
 */
static unsigned asked_at(uint64_t word, int64_t window_ms, int64_t mono_ms)
{
	return mono_ms - time_of(word) < window_ms ? (unsigned)(word >> (TIME_BITS + PASSED_BITS)) : 0;
}

/* Its own slot, or a free one. NULL: there is none. Of two workers that take one slot at once, one gets it. */
static struct place *find_or_claim(struct table *t, uint64_t key, int64_t window_ms, int64_t mono_ms)
{
	struct place *set = t->places[key % SETS], *own = find(t, key);
	for (size_t i = 0; !own && i < WAYS; i++) {
		uint64_t before = atomic_load(&set[i].key);
		if (asked_at(atomic_load(&set[i].level), window_ms, mono_ms) == 0 &&
		    atomic_compare_exchange_strong(&set[i].key, &before, key))
			own = &set[i];
		else
			own = find(t, key);
	}
	return own;
}

bool guess_ask(struct guess *g, const struct guess_who *who, unsigned limit, int64_t window_ms, int64_t mono_ms,
	       uint64_t *key)
{
	*key = 0;
	if (!limit)
		return true;
	uint64_t whose = find(&g->shared->pairs, who->pair) ? who->pair : who->person;
	struct place *place = find_or_claim(&g->shared->asked, whose, window_ms, mono_ms);
	if (!place)
		return false;
	uint64_t word = atomic_load(&place->level);
	for (int i = 0; i < TRIES; i++) {
		unsigned asked = asked_at(word, window_ms, mono_ms);
		if (asked >= limit || asked >= GUESS_ASK_MOST)
			return false;
		*key = whose;
		if (atomic_compare_exchange_strong(&place->level, &word, pack((struct level){asked + 1, 0}, mono_ms)))
			return true;
	}
	return false;
}

void guess_unask(struct guess *g, uint64_t key)
{
	struct place *place = key ? find(&g->shared->asked, key) : NULL;
	uint64_t one = UINT64_C(1) << (TIME_BITS + PASSED_BITS);
	uint64_t word = place ? atomic_load(&place->level) : 0;
	for (int i = 0; i < TRIES && word >= one; i++)
		if (atomic_compare_exchange_strong(&place->level, &word, word - one))
			return;
}

static void forget_asked(struct guess *g, uint64_t key)
{
	struct place *place = find(&g->shared->asked, key);
	if (place)
		atomic_store(&place->level, 0);
}

void guess_ask_passed(struct guess *g, const struct guess_who *who)
{
	forget_asked(g, who->person);
	forget_asked(g, who->pair);
}

void guess_passed(struct guess *g, const struct guess_who *who, int64_t mono_ms)
{
	struct place *place = find_or_take(&g->shared->pairs, who->pair, mono_ms);
	atomic_store(&place->level, pack((struct level){0, 0}, mono_ms));
}
