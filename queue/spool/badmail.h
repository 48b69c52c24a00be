/*
 * The badmail folder: ID.eml is a message that can be neither delivered nor returned, or that an operator deleted;
 * ID.txt says why; ID.log is its journal, where it had one, and tells who has the message already.
 */
#ifndef QUEUE_SPOOL_BADMAIL_H
#define QUEUE_SPOOL_BADMAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/span.h"

struct arena;
struct loaded;
struct message;
struct str;

/* How the reason of mail begins that an operator deleted: it is kept for 7 days only. */
#define BADMAIL_DELETED "Deleted by an operator"

enum { BADMAIL_ID_MAX = 200, BADMAIL_NAME_MAX = BADMAIL_ID_MAX + 8, BADMAIL_REASON_MAX = 300 };
enum { BADMAIL_DELETED_S = 7 * 86400 };

/* What is known of one. */
struct badmail {
	char id[BADMAIL_ID_MAX + 1];
	int64_t since_ms; /* when it came here, wall clock */
	uint64_t size;
	bool deleted;                    /* by an operator */
	bool has_log;                    /* ID.log is there */
	char reason[BADMAIL_REASON_MAX]; /* its first line; "" when there is none */
};

/* The id in the name of a message file; false for what is none. ID holds BADMAIL_ID_MAX + 1. */
bool badmail_id(struct span file, char *id);

/* Looks at ID in FOLDER. 0 or -errno: -ENOENT, or -EBADMSG where ID can't be one. */
int badmail_look(int folder, const char *id, struct badmail *out);

/* When it is removed, where mail is kept for KEEP_MS; wall clock. */
int64_t badmail_until(const struct badmail *b, int64_t keep_ms);

/* Removes it with all that belongs to it. */
int badmail_remove(int folder, const char *id);

/* ID with SUFFIX; TO holds BADMAIL_NAME_MAX. */
void badmail_name(const char *id, const char *suffix, char *to);

/* The message file for reading; a regular file or -errno. */
int badmail_open(int folder, const char *id);

/*
 * B, which lies in FOLDER, loaded as its envelope and its journal say; NULL when it is no message of ours. AS is
 * overwritten and belongs to what is returned, which the caller frees (loaded_free). ARENA and TEXT are scratch.
 */
struct loaded *badmail_loaded(int folder, const struct badmail *b, struct message *as, struct arena *arena,
			      struct str *text);

/* How many recipients don't have it and were not told about either; *first is one of them. */
size_t badmail_open_recipients(const struct loaded *w, size_t *first);

#endif
