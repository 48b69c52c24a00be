/*
 * Hash tables: uthash, which without memory would end the process without a word. Here an item that there is no memory
 * for is not added, and HASH_ADDED says so after each HASH_ADD.
 */
#ifndef COMMON_BASE_HASH_H
#define COMMON_BASE_HASH_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define HASH_ADDED(item) ((item)->hh.tbl != NULL)

#endif
