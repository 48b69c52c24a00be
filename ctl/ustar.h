/* Headers of tar archives in the format ustar (POSIX.1-2001, pax, "ustar Interchange Format"). Pure. */
#ifndef CTL_USTAR_H
#define CTL_USTAR_H

#include <stdint.h>

enum { USTAR_BLOCK = 512, USTAR_NAME_MAX = 100 };

/* The most that the eleven octal digits of a header can say, 8 GiB less one. */
#define USTAR_SIZE_MAX ((UINT64_C(1) << 33) - 1)

/* A regular file. */
struct ustar {
	char name[USTAR_NAME_MAX + 1];
	uint64_t size; /* at most USTAR_SIZE_MAX */
	int64_t mtime; /* seconds since 1970, 0 to USTAR_SIZE_MAX */
};

/* Writes the header of ENTRY; mode 0600, owner 0. */
void ustar_format(const struct ustar *entry, char block[USTAR_BLOCK]);

/*
 * Reads a header. USTAR_BAD: it is none, or of something other than a regular file with a plain name, such as a link, a
 * device or a long name; *WHY says what it is, and out->name has its name as far as it can be read, printable.
 * USTAR_END: a block of zeros, which ends the archive.
 */
enum ustar_kind { USTAR_FILE, USTAR_END, USTAR_BAD };
enum ustar_kind ustar_parse(const char block[USTAR_BLOCK], struct ustar *out, const char **why);

/* The octets from the end of a file of SIZE octets to the next header. */
static inline uint64_t ustar_padding(uint64_t size)
{
	return (USTAR_BLOCK - size % USTAR_BLOCK) % USTAR_BLOCK;
}

#endif
