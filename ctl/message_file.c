#include "ctl/message_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "ctl/cmd.h"

enum { MESSAGE_MAX = 512 * 1024 * 1024 };

/* Appends TEXT with CRLF for each LF or CR that stands alone, and at the end. */
static void append_crlf(struct str *to, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		bool pair = text.at[i] == '\r' && i + 1 < text.len && text.at[i + 1] == '\n';
		i += pair;
		if (pair || text.at[i] == '\n' || text.at[i] == '\r')
			str_append(to, SPAN("\r\n"));
		else
			str_append_c(to, text.at[i]);
	}
	if (to->len && to->at[to->len - 1] != '\n')
		str_append(to, SPAN("\r\n"));
}

bool message_file_read(const char *file, struct str *text)
{
	struct str raw;
	bool standard = strcmp(file, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	str_init(&raw, MESSAGE_MAX);
	str_init(text, 2 * (size_t)MESSAGE_MAX);
	int err = fd < 0 ? -errno : fd_read_all(fd, &raw);
	if (!standard)
		fd_close(&fd);
	append_crlf(text, str_span(&raw));
	str_free(&raw);
	if (!err && text->failed)
		err = -ENOMEM;
	if (err == -EFBIG)
		cmd_fail(_("%s: larger than 512 MiB, which no message is"), file);
	else if (err)
		cmd_fail("%s: %s", file, strerror(-err));
	return !err;
}
