/*
 * The badmail folder. ID.eml is a message that can be neither delivered nor returned, or that an operator deleted.
 * ID.txt says why. ID.log is its journal, if it had one, which tells the recipients that have the message already.
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

/* The reason of mail that an operator deleted begins with this. Such mail is kept for 7 days only. */
#define BADMAIL_DELETED "Deleted by an operator"

enum { BADMAIL_ID_MAX = 200, BADMAIL_NAME_MAX = BADMAIL_ID_MAX + 8, BADMAIL_REASON_MAX = 300 };
enum { BADMAIL_DELETED_S = 7 * 86400 };

/* One message of the folder. */
struct badmail {
	char id[BADMAIL_ID_MAX + 1];
	int64_t since_ms; /* when it came into the folder, wall clock */
	uint64_t size;
	bool deleted;                    /* by an operator */
	bool has_log;                    /* ID.log exists */
	char reason[BADMAIL_REASON_MAX]; /* the first line of ID.txt; "" = none */
};

/*
 * Writes the id in the file name FILE to ID, which holds BADMAIL_ID_MAX + 1. False when FILE is no name of a message.
 */
bool badmail_id(struct span file, char *id);

/* Fills *OUT for message ID of FOLDER. 0, -ENOENT, or -EBADMSG when ID can't be an id. */
int badmail_look(int folder, const char *id, struct badmail *out);

/* When B expires, with KEEP_MS as badmail_keep; wall clock. */
int64_t badmail_until(const struct badmail *b, int64_t keep_ms);

/* Removes message ID with its reason and its journal. 0 or -errno. */
int badmail_remove(int folder, const char *id);

/* Writes the file name ID SUFFIX to TO, which holds BADMAIL_NAME_MAX. */
void badmail_name(const char *id, const char *suffix, char *to);

/* Opens the file of message ID for reading. A descriptor of a regular file, or -errno. */
int badmail_open(int folder, const char *id);

/*
 * Loads message B of FOLDER from its file and its journal. NULL when it is not a message that Mailroot accepted, or
 * can't be read. *AS is overwritten, and must live as long as the result. The caller frees the result (loaded_free).
 * ARENA and TEXT are scratch.
 */
struct loaded *badmail_loaded(int folder, const struct badmail *b, struct message *as, struct arena *arena,
			      struct str *text);

/* How many recipients have neither the message nor a notice that was sent about them; *FIRST is the first of them. */
size_t badmail_open_recipients(const struct loaded *w, size_t *first);

#endif
