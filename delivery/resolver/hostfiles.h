/*
 * The files of this machine that determine how names are looked up: /etc/resolv.conf and /etc/hosts. libunbound reads
 * them once. When they change, the resolver ends and a new one reads them. The jail of the resolver permits stat of
 * these paths (Landlock does not restrict stat), but not reading.
 */
#ifndef DELIVERY_RESOLVER_HOSTFILES_H
#define DELIVERY_RESOLVER_HOSTFILES_H

#include <stdint.h>
#include <sys/stat.h>

enum { HOSTFILES_COUNT = 2 };

struct hostfiles {
	struct stat read[HOSTFILES_COUNT]; /* status before the file was read; all 0 = missing */
	struct stat seen[HOSTFILES_COUNT]; /* status at the last check */
	int64_t next_ms;                   /* clock_mono_ms of the next check */
};

/* Notes the status of the files. Call it before they are read. */
void hostfiles_note(struct hostfiles *files);

/* Milliseconds until the next check. */
int hostfiles_until(const struct hostfiles *files);

/* Checks the files if it is time. Returns the path of a file that changed since it was read, and that was the same in
 * two checks, because a program may still be writing it. NULL = there is none. */
const char *hostfiles_changed(struct hostfiles *files);

#endif
