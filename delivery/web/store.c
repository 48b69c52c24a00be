#include "delivery/web/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/hash.h"
#include "delivery/web/object.h"

enum { FILE_MAX = 2 * ANSWER_REFRESH_MAX, PLAIN_MAX = 190, IDENTITY_TEXT = 17, TEMP_MAX = STORE_NAME_MAX + 6 };

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	       c == '.';
}

void store_name(const char *block, char to[STORE_NAME_MAX])
{
	size_t at = 0;
	for (const char *c = block; *c && at <= PLAIN_MAX; c++)
		at += (size_t)snprintf(to + at, STORE_NAME_MAX - at, is_plain(*c) ? "%c" : "%%%02X", (unsigned char)*c);
	if (at > PLAIN_MAX)
		at += (size_t)snprintf(to + at, STORE_NAME_MAX - at, "-%016llx",
				       (unsigned long long)hash_span(HASH_START, span_of(block)));
	snprintf(to + at, STORE_NAME_MAX - at, ".json");
}

static void identity_text(uint64_t identity, char to[IDENTITY_TEXT])
{
	snprintf(to, IDENTITY_TEXT, "%016llx", (unsigned long long)identity);
}

static int append_octets(const char *octets, size_t n, void *to)
{
	return str_append(to, (struct span){octets, n}) ? 0 : -1;
}

static int format(const struct store_item *item, struct str *to)
{
	char identity[IDENTITY_TEXT];
	identity_text(item->identity, identity);
	json_t *object = json_pack("{ss ss ss}", "block", item->block, "for", identity, "refresh_token", item->token);
	int err = object ? json_dump_callback(object, append_octets, to, JSON_ENSURE_ASCII | JSON_INDENT(1)) : -1;
	json_decref(object);
	return err || !str_append_c(to, '\n') ? -ENOMEM : 0;
}

static int write_synced(int folder, const char *name, struct span text)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd < 0)
		return -errno;
	int err = fd_write_all(fd, text);
	if (!err && fsync(fd) < 0)
		err = -errno;
	fd_close(&fd);
	return err;
}

int store_save(int folder, const struct store_item *item)
{
	char name[STORE_NAME_MAX], temp[TEMP_MAX];
	struct str text;
	store_name(item->block, name);
	snprintf(temp, sizeof(temp), ".%s.new", name);
	str_init(&text, FILE_MAX);
	int err = format(item, &text);
	if (!err)
		err = write_synced(folder, temp, str_span(&text));
	str_wipe(&text);
	if (!err && renameat(folder, temp, folder, name) < 0)
		err = -errno;
	if (err) {
		unlinkat(folder, temp, 0);
		return err;
	}
	return fsync(folder) < 0 ? -errno : 0;
}

static int parse(struct span text, uint64_t identity, char to[ANSWER_REFRESH_MAX + 1])
{
	char wanted[IDENTITY_TEXT], found[IDENTITY_TEXT];
	json_t *object = object_parse(text);
	int err = 0;
	identity_text(identity, wanted);
	if (object_token(object, "for", found, sizeof(found)) != OBJECT_GOT ||
	    object_token(object, "refresh_token", to, ANSWER_REFRESH_MAX + 1) != OBJECT_GOT)
		err = -EBADMSG;
	else if (strcmp(wanted, found) != 0)
		err = -ESTALE;
	json_decref(object);
	return err;
}

int store_load(int folder, const char *block, uint64_t identity, char to[ANSWER_REFRESH_MAX + 1])
{
	char name[STORE_NAME_MAX];
	struct str text;
	*to = '\0';
	store_name(block, name);
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	str_init(&text, FILE_MAX);
	int err = fd_read_all(fd, &text);
	if (!err)
		err = parse(str_span(&text), identity, to);
	if (err)
		explicit_bzero(to, ANSWER_REFRESH_MAX + 1);
	fd_close(&fd);
	str_wipe(&text);
	return err;
}

int store_remove(int folder, const char *block)
{
	char name[STORE_NAME_MAX];
	store_name(block, name);
	if (unlinkat(folder, name, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	return fsync(folder) < 0 ? -errno : 0;
}
