#include "delivery/web/wiped.h"

#include <curl/curl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"

/* In front of each piece: its size, and room so that the piece is aligned for any type. */
union head {
	size_t size;
	max_align_t align;
};

static void *take(size_t size)
{
	union head *head = size <= SIZE_MAX - sizeof(*head) ? malloc(sizeof(*head) + size) : NULL;
	if (!head)
		return NULL;
	head->size = size;
	return head + 1;
}

static void give(void *piece)
{
	union head *head = piece ? (union head *)piece - 1 : NULL;
	if (head)
		explicit_bzero(head, sizeof(*head) + head->size);
	free(head);
}

static void *take_again(void *piece, size_t size)
{
	void *bigger = take(size);
	if (!piece || !bigger)
		return bigger;
	size_t old = ((union head *)piece - 1)->size;
	memcpy(bigger, piece, old < size ? old : size);
	give(piece);
	return bigger;
}

static void *take_zero(size_t count, size_t size)
{
	size_t all;
	void *piece = __builtin_mul_overflow(count, size, &all) ? NULL : take(all);
	if (piece)
		memset(piece, 0, all);
	return piece;
}

static char *take_copy(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = take(size);
	return copy ? memcpy(copy, text, size) : NULL;
}

static void *take_at(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return take(size);
}

static void *take_again_at(void *piece, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return take_again(piece, size);
}

static void give_at(void *piece, const char *file, int line)
{
	(void)file, (void)line;
	give(piece);
}

bool wiped_start(void)
{
	size_t seed;
	fd_random(&seed, sizeof(seed));
	/* It would have libcurl write the keys of TLS to a file. */
	unsetenv("SSLKEYLOGFILE");
	json_set_alloc_funcs(take, give);
	json_object_seed(seed | 1);
	return CRYPTO_set_mem_functions(take_at, take_again_at, give_at) == 1 &&
	       curl_global_init_mem(CURL_GLOBAL_ALL, take, give, take_again, take_copy, take_zero) == CURLE_OK;
}
