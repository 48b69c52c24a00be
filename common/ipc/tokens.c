#include "common/ipc/tokens.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "common/ipc/page.h"

/* A slot is odd while it is written. */
struct slot {
	_Atomic uint64_t turn;
	struct token token;
};

struct tokens {
	struct slot slots[TOKENS_SLOTS];
};

/* A writer that dies in the middle leaves an odd turn behind; its successor mends it. */
enum { READ_TRIES = 1000 };

int tokens_create(int *write_fd, int *read_fd)
{
	return page_create("mailroot-tokens", sizeof(struct tokens), write_fd, read_fd);
}

static void *map(int fd, bool writable)
{
	void *page = page_map(fd, sizeof(struct tokens), writable);
	if (page)
		madvise(page, sizeof(struct tokens), MADV_DONTDUMP);
	return page;
}

/* The pages are the same for all: kept out of swap here, they are so for readers, too. */
struct tokens *tokens_map_writable(int fd)
{
	struct tokens *page = map(fd, true);
	if (page)
		mlock(page, sizeof(*page));
	return page;
}

const struct tokens *tokens_map(int fd)
{
	return map(fd, false);
}

uint64_t tokens_identity(const struct tokens *page, unsigned slot)
{
	const volatile uint64_t *mark = &page->slots[slot % TOKENS_SLOTS].token.identity;
	return *mark;
}

unsigned tokens_slot(const struct tokens *page, uint64_t identity)
{
	unsigned slot = 0;
	while (slot < TOKENS_SLOTS && tokens_identity(page, slot) != identity)
		slot++;
	return slot;
}

void tokens_write(struct tokens *page, unsigned slot, const struct token *token)
{
	struct slot *to = &page->slots[slot % TOKENS_SLOTS];
	uint64_t turn = atomic_load(&to->turn) | 1;
	atomic_store(&to->turn, turn);
	atomic_thread_fence(memory_order_seq_cst);
	to->token = *token;
	to->token.why[TOKENS_WHY_MAX - 1] = '\0';
	atomic_store_explicit(&to->turn, turn + 1, memory_order_release);
}

/* The page is shared memory: lengths are bounded here. */
static bool read_slot(const struct slot *from, struct token *out)
{
	for (int tries = 0; tries < READ_TRIES; tries++) {
		uint64_t before = atomic_load_explicit(&from->turn, memory_order_acquire);
		memcpy(out, &from->token, sizeof(*out));
		atomic_thread_fence(memory_order_acquire);
		if (before % 2 == 0 && before == atomic_load_explicit(&from->turn, memory_order_relaxed)) {
			out->length = out->length > TOKENS_TOKEN_MAX ? 0 : out->length;
			out->octets[out->length] = '\0';
			out->why[TOKENS_WHY_MAX - 1] = '\0';
			return true;
		}
	}
	return false;
}

bool tokens_read(const struct tokens *page, uint64_t identity, struct token *out)
{
	for (unsigned i = 0; page && i < TOKENS_SLOTS; i++) {
		if (tokens_identity(page, i) == identity && read_slot(&page->slots[i], out) &&
		    out->identity == identity)
			return true;
	}
	token_wipe(out);
	return false;
}

bool token_usable(const struct token *token, int64_t now_ms)
{
	return token->length && now_ms < token->until_ms - TOKENS_LEAST_MS;
}

void token_wipe(struct token *token)
{
	explicit_bzero(token, sizeof(*token));
}
