#include "common/spool/envelope_file.h"

#include <errno.h>
#include <unistd.h>

enum { FIRST_READ = 4096 };

/*
 * Reads until TEXT holds WANT octets of the file, or the whole file (*whole); at least FIRST_READ at a time.
 */
static int read_up_to(int fd, size_t want, struct str *text, bool *whole)
{
	char chunk[16 * 1024];
	while (text->len < want && !*whole) {
		size_t left = want - text->len;
		size_t ask = left < FIRST_READ ? FIRST_READ : left < sizeof(chunk) ? left : sizeof(chunk);
		ssize_t got = pread(fd, chunk, ask, (off_t)text->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		*whole = got == 0;
		if (!str_append(text, (struct span){chunk, (size_t)got}))
			return -ENOMEM;
	}
	return 0;
}

int envelope_file_read(int fd, struct str *text, struct arena *arena, struct envelope *out, const char **why)
{
	bool whole = false;
	*why = NULL;
	str_clear(text);
	/* Parses after the first read: a small message takes one system call, not two. */
	for (size_t want = 1; want <= ENVELOPE_MAX; want = 2 * (text->len > want ? text->len : want)) {
		int err = read_up_to(fd, want, text, &whole);
		if (err)
			return err;
		switch (envelope_parse(str_span(text), whole, arena, out, why)) {
		case ENVELOPE_OK:
			return 0;
		case ENVELOPE_BAD:
			return -EBADMSG;
		case ENVELOPE_MORE:
			break;
		}
	}
	*why = "the envelope lines have no end";
	return -EBADMSG;
}
