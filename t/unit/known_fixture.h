/* Lists of recipients, as a process gets them from master. */
#ifndef T_UNIT_KNOWN_FIXTURE_H
#define T_UNIT_KNOWN_FIXTURE_H

#include <check.h>

#include "common/base/fd.h"
#include "common/recipients/known.h"

/* K takes TEXT as the file FILE, with RELOAD as in the packet. True as known_take. */
static inline bool give_list(struct known *k, const char *file, struct span text, bool reload)
{
	const struct wire_recipients news = {.file = span_of(file), .present = true, .reload = reload};
	int fd = fd_sealed("recipients", text);
	ck_assert_int_ge(fd, 0);
	bool fresh = known_take(k, &news, fd);
	fd_close(&fd);
	return fresh;
}

/* The same twice: a text that looks suspicious is taken the second time. */
static inline void force_list(struct known *k, const char *file, struct span text)
{
	give_list(k, file, text, true);
	give_list(k, file, text, true);
}

#endif
