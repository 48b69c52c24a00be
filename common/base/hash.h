/*
 * Hash values (FNV-1a, 64 bits), and hash tables: uthash, which without memory would end the process without a word.
 * Here an item that there is no memory for is not added, and HASH_ADDED says so after each HASH_ADD.
 */
#ifndef COMMON_BASE_HASH_H
#define COMMON_BASE_HASH_H

#include "common/base/span.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define HASH_ADDED(item) ((item)->hh.tbl != NULL)

#define HASH_START 14695981039346656037u

/*
 * HASH, which is HASH_START or the hash of what came before, with OCTET or TEXT behind it; nocase: equal for texts that
 * span_equal_nocase calls equal. Always the same for the same octets, on every machine. No defence against texts that
 * somebody chose to collide.
 */
uint64_t hash_octet(uint64_t hash, unsigned char octet);
uint64_t hash_span(uint64_t hash, struct span text);
uint64_t hash_span_nocase(uint64_t hash, struct span text);

#endif
