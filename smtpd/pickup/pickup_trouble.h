/* What an administrator should correct about one folder. It is collected during a round and shown by `mailrootctl
 * status`; new trouble is also logged. */
#ifndef SMTPD_PICKUP_PICKUP_TROUBLE_H
#define SMTPD_PICKUP_PICKUP_TROUBLE_H

#include "common/base/str.h"
#include "smtpd/pickup/pickup_file.h"
#include "smtpd/pickup/pickup_folder.h"

enum {
	PICKUP_SHOWN_MAX = 100,            /* octets of a file name */
	PICKUP_BAD_SHOWN_MS = 3600 * 1000, /* how long bad files are reported, unless they are removed before */
	PICKUP_BAD_KEPT = 16,              /* the latest bad files; if all of them are gone, they were removed */
};

struct pickup_trouble {
	struct {
		unsigned count;
		char first[PICKUP_SHOWN_MAX];
	} odd[PICKUP_LOOK_COUNT]; /* of this round */
	unsigned logged;          /* bit (1 << kind) for each kind that was logged */
	char own[PICKUP_WHY_MAX]; /* why the service can't send from the folder now; "" = it can */
	char own_logged[PICKUP_WHY_MAX];
	unsigned bad; /* files since bad_since_ms, wall clock */
	int64_t bad_since_ms, bad_last_ms;
	char bad_ids[PICKUP_BAD_KEPT][MSGID_LEN + 1]; /* id number N at N modulo PICKUP_BAD_KEPT */
	char bad_last[PICKUP_SHOWN_MAX + PICKUP_WHY_MAX];
};

/* A round begins: odd files are counted from 0. */
void pickup_trouble_begin(struct pickup_trouble *t);

void pickup_trouble_odd(struct pickup_trouble *t, enum pickup_look look, const char *name);
void pickup_trouble_own(struct pickup_trouble *t, const char *why); /* the last reason is kept */
void pickup_trouble_bad(struct pickup_trouble *t, const char *id, const char *name, const char *why);

/* True if there were bad files and all of them have been removed from the folder BADMAIL. They are no longer reported.
 */
bool pickup_trouble_over(struct pickup_trouble *t, int badmail);

/* A round is over: appends a line for each problem of PATH. USER: the user that must be able to read and remove files;
 * BADMAIL: the folder that bad files were moved to. */
void pickup_trouble_write(struct pickup_trouble *t, const char *path, const char *user, const char *badmail,
			  struct str *to);

#endif
