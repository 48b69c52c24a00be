#include "sendmail/caller.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void add(char *to, size_t *len, char c)
{
	if (*len < CALLER_NAME_MAX && (unsigned char)c >= ' ' && c != 0x7f)
		to[(*len)++] = c;
}

static void full_name(const char *login, const char *gecos, char *to)
{
	size_t len = 0;
	for (const char *at = gecos; *at && *at != ','; at++) {
		for (const char *letter = login; *at == '&' && *letter; letter++)
			add(to, &len, letter == login ? (char)toupper((unsigned char)*letter) : *letter);
		if (*at != '&')
			add(to, &len, *at);
	}
	to[len] = '\0';
}

/* EXAMPLE\joe, as in a Windows domain, is joe. */
static bool quote(const char *login, char *to, size_t size)
{
	size_t len = 0;
	to[len++] = '"';
	for (const char *at = login; *at; at++) {
		if (len + 4 > size || (unsigned char)*at < ' ' || (unsigned char)*at > '~')
			return false;
		if (*at == '"' || *at == '\\')
			to[len++] = '\\';
		to[len++] = *at;
	}
	to[len++] = '"';
	to[len] = '\0';
	return true;
}

bool caller_describe(const char *login, const char *gecos, struct caller *out)
{
	struct address address;
	const char *why;
	full_name(login, gecos ? gecos : "", out->name);
	if (!span_copy(span_of(login), out->address, sizeof(out->address)))
		return false;
	bool plain = address_parse(span_of(login), &address, &why) && address.text.len && !address.domain.len;
	return plain || (quote(login, out->address, sizeof(out->address)) &&
			 address_parse(span_of(out->address), &address, &why) && !address.domain.len);
}

/* Temporary errors of getpwuid(3), which do not mean that there is no such user. */
static bool is_passing(int err)
{
	return err == EINTR || err == EIO || err == EMFILE || err == ENFILE || err == ENOMEM;
}

int caller_find(struct caller *out)
{
	errno = 0;
	const struct passwd *user = getpwuid(getuid());
	if (!user && is_passing(errno))
		return -errno;
	if (user && user->pw_name[0] && caller_describe(user->pw_name, user->pw_gecos, out))
		return 0;
	*out = (struct caller){0};
	snprintf(out->address, sizeof(out->address), "uid%u", (unsigned)getuid());
	return 0;
}
