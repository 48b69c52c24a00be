#include "common/spool/journal_file.h"

#include <errno.h>
#include <unistd.h>

#include "common/mail/journal.h"

enum { CHUNK = 64 * 1024 };

int journal_file_read(int fd, void (*take)(void *context, struct span lines), void *context)
{
	char chunk[CHUNK];
	bool endless = false; /* the next chunk continues a line that is longer than a chunk */
	for (off_t at = 0; at < JOURNAL_FILE_MAX;) {
		ssize_t got = pread(fd, chunk, sizeof(chunk), at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		struct span lines = {chunk, journal_whole((struct span){chunk, (size_t)got})};
		at += lines.len ? (off_t)lines.len : got;
		bool cut = endless;
		endless = !lines.len;
		if (cut && lines.len)
			span_take(&lines, '\n');
		if (lines.len)
			take(context, lines);
	}
	return -EFBIG;
}
