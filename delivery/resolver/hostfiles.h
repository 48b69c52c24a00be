/*
 * The files of this machine that say how names are looked up: /etc/resolv.conf and /etc/hosts. libunbound reads them
 * once, so a resolver whose files have changed gives way to a new one. It looks at them by name, which its jail permits
 * (Landlock knows no stat); reading them is for its successor.
 */
#ifndef DELIVERY_RESOLVER_HOSTFILES_H
#define DELIVERY_RESOLVER_HOSTFILES_H

#include <stdint.h>
#include <sys/stat.h>

enum { HOSTFILES_COUNT = 2 };

struct hostfiles {
	struct stat read[HOSTFILES_COUNT]; /* as they looked before they were read; all 0 = missing */
	struct stat seen[HOSTFILES_COUNT]; /* and when last looked at */
	int64_t next_ms;                   /* clock_mono_ms of the next look */
};

/* Call it before the files are read. */
void hostfiles_note(struct hostfiles *files);

/* The ms until the next look. */
int hostfiles_until(const struct hostfiles *files);

/* Looks, when it is time. The path of a file that is another one than was read and has been so for two looks, for it
 * may be in the middle of being written; NULL = there is none. */
const char *hostfiles_changed(struct hostfiles *files);

#endif
