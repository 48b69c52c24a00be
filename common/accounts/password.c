#include "common/accounts/password.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/fd.h"

enum { PAGE_OCTETS = 4096, MARK_OCTETS = 3, READ_MAX = MARK_OCTETS + PASSWORD_MAX + 2 /* CRLF */ };

bool password_parse(struct span file, struct span *password, const char **why)
{
	if (span_starts(file, SPAN("\xef\xbb\xbf")))
		file = span_skip(file, MARK_OCTETS);
	*password = (struct span){file.at, span_find(file, '\n')};
	if (password->len && password->at[password->len - 1] == '\r')
		password->len--;
	*why = NULL;
	if (span_find(*password, '\0') < password->len)
		*why = "its first line holds a NUL; save it as plain text in UTF-8";
	else if (!password->len)
		*why = "its first line is empty; write the password there";
	else if (password->len > PASSWORD_MAX)
		*why = "its first line is longer than 1024 octets";
	return !*why;
}

/* One page that is excluded from core dumps. */
static char *new_page(void)
{
	char *page = mmap(NULL, PAGE_OCTETS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return NULL;
	madvise(page, PAGE_OCTETS, MADV_DONTDUMP);
	mlock(page, PAGE_OCTETS);
	return page;
}

void password_free(char *password)
{
	if (!password)
		return;
	explicit_bzero(password, PAGE_OCTETS);
	munmap(password, PAGE_OCTETS);
}

/* Reads up to READ_MAX octets: one more than a valid line, so that a longer one is noticed. */
static ssize_t read_text(int fd, char *to)
{
	ssize_t len = 0, n;
	do {
		n = read(fd, to + len, (size_t)(READ_MAX - len));
		if (n > 0)
			len += n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : len;
}

static bool take(int fd, char *page, char why[PASSWORD_WHY_MAX])
{
	struct span password;
	const char *what = NULL;
	ssize_t len = read_text(fd, page);
	if (len < 0)
		what = strerror((int)-len);
	else
		password_parse((struct span){page, (size_t)len}, &password, &what);
	if (what) {
		snprintf(why, PASSWORD_WHY_MAX, "%s", what);
		return false;
	}
	memmove(page, password.at, password.len);
	explicit_bzero(page + password.len, PAGE_OCTETS - password.len);
	return true;
}

char *password_load(const char *path, uid_t owner, char why[PASSWORD_WHY_MAX])
{
	struct stat file;
	int fd = secret_open(path, owner, &file, why);
	char *page = fd >= 0 ? new_page() : NULL;
	bool good = page && take(fd, page, why);
	if (fd >= 0 && !page)
		snprintf(why, PASSWORD_WHY_MAX, "%s", strerror(errno));
	fd_close(&fd);
	if (good)
		return page;
	password_free(page);
	return NULL;
}
