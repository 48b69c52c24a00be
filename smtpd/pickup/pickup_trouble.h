/* What an administrator should mend about one folder that is read: collected while a round goes on, for `mailrootctl
 * status`, and said to the log when it is new. */
#ifndef SMTPD_PICKUP_PICKUP_TROUBLE_H
#define SMTPD_PICKUP_PICKUP_TROUBLE_H

#include "common/base/str.h"
#include "smtpd/pickup/pickup_file.h"
#include "smtpd/pickup/pickup_folder.h"

enum {
	PICKUP_SHOWN_MAX = 100,            /* octets of a file's name */
	PICKUP_BAD_SHOWN_MS = 3600 * 1000, /* how long bad files are spoken of, unless they are gone before */
	PICKUP_BAD_KEPT = 16,              /* the last of them, by whose absence it is known */
};

struct pickup_trouble {
	struct {
		unsigned count;
		char first[PICKUP_SHOWN_MAX];
	} odd[PICKUP_LOOK_COUNT]; /* of this round */
	unsigned logged;          /* (1 << kind) of what the log knows of */
	char own[PICKUP_WHY_MAX]; /* why the folder, or a file, must wait for us; "" = it need not */
	char own_logged[PICKUP_WHY_MAX];
	unsigned bad; /* files since bad_since_ms, the wall's time */
	int64_t bad_since_ms, bad_last_ms;
	char bad_ids[PICKUP_BAD_KEPT][MSGID_LEN + 1]; /* number N at N modulo their count */
	char bad_last[PICKUP_SHOWN_MAX + PICKUP_WHY_MAX];
};

/* A round begins: what is odd is counted anew. */
void pickup_trouble_begin(struct pickup_trouble *t);

void pickup_trouble_odd(struct pickup_trouble *t, enum pickup_look look, const char *name);
void pickup_trouble_own(struct pickup_trouble *t, const char *why); /* of the last one that had any */
void pickup_trouble_bad(struct pickup_trouble *t, const char *id, const char *name, const char *why);

/* True when the bad files that were spoken of have all been removed from the folder BADMAIL: they are no trouble any
 * more. */
bool pickup_trouble_over(struct pickup_trouble *t, int badmail);

/* A round is over: appends a line for each thing that is wrong with PATH. USER: who must be able to read and remove
 * files; BADMAIL: where bad ones went. */
void pickup_trouble_write(struct pickup_trouble *t, const char *path, const char *user, const char *badmail,
			  struct str *to);

#endif
