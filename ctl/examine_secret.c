#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/accounts/secret.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "ctl/examine_place.h"

enum { WHY_MAX = 4096 };

int examine_secret(struct place *place, const char *what, const char *path, enum certificate_grade missing,
		   const char *remedy, enum certificate_grade exposed)
{
	char text[WHY_MAX], who[SECRET_WHO_MAX];
	struct stat file;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == EACCES && place->how->guest) {
		snprintf(text, sizeof(text), _("%s %.1024s was not examined: you may not read it; run check as root"),
			 what, path);
		place_say(place, CERTIFICATE_NOTE, text);
		return -1;
	}
	const char *why = fd < 0 || fstat(fd, &file) ? strerror(errno)
			  : S_ISREG(file.st_mode)    ? NULL
						     : _("it is no regular file");
	if (why) {
		snprintf(text, sizeof(text), _("%s %.1024s can't be used: %s%s"), what, path, why, remedy);
		place_say(place, missing, text);
		fd_close(&fd);
	} else if (secret_is_open(&file, true, who)) {
		snprintf(text, sizeof(text), _("%s %.1024s may be read or written by %s: chmod 600 %.1024s"), what,
			 path, who, path);
		place_say(place, exposed, text);
	}
	return fd;
}

void examine_line(struct place place, const char *what, const char *path, const char *content)
{
	char text[WHY_MAX], remedy[WHY_MAX];
	char octet;
	snprintf(remedy, sizeof(remedy), _(": write %s in its first line, owner root, mode 600; mail waits for it"),
		 content);
	int fd = examine_secret(&place, what, path, CERTIFICATE_ERROR, remedy, CERTIFICATE_ERROR);
	if (fd < 0)
		return;
	if (read(fd, &octet, 1) != 1 || octet == '\n' || octet == '\r') {
		snprintf(text, sizeof(text), _("%s %.1024s begins with an empty line: write %s there"), what, path,
			 content);
		place_say(&place, CERTIFICATE_ERROR, text);
	}
	explicit_bzero(&octet, 1);
	fd_close(&fd);
}
