#include "smtpd/userbase.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/fd.h"
#include "common/base/log.h"

enum {
	TROUBLE_MAX = 4096,
	TROUBLE_LINES = 20, /* that are logged of one file */
	ALIGNMENT = _Alignof(max_align_t),
	HEAD = (sizeof(struct accounts) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT
};

bool userbase_init(struct userbase *u, size_t size)
{
	*u = (struct userbase){.snapshot = snapshot_new(size), .size = size};
	return u->snapshot;
}

const struct accounts *userbase_accounts(const struct userbase *u, uint64_t *generation)
{
	*generation = 0;
	return u->snapshot ? snapshot_current(u->snapshot, generation) : NULL;
}

static bool publish(struct snapshot *snapshot, struct span text, struct str *trouble)
{
	struct arena arena;
	size_t room;
	struct accounts *out = snapshot_room(snapshot, &room);
	if (room < HEAD)
		return false;
	arena_init_in(&arena, (char *)out + HEAD, room - HEAD);
	if (!accounts_parse(text, &arena, out, trouble))
		return false;
	snapshot_publish(snapshot, HEAD + arena_extent(&arena));
	return true;
}

/* *FRESH tells that a new area was begun. */
static bool publish_somewhere(struct userbase *u, struct span text, struct str *trouble, bool *fresh)
{
	struct userbase next;
	*fresh = false;
	if (publish(u->snapshot, text, trouble))
		return true;
	str_clear(trouble);
	if (!userbase_init(&next, u->size))
		return false;
	if (!publish(next.snapshot, text, trouble)) {
		snapshot_free(next.snapshot);
		return false;
	}
	snapshot_free(u->snapshot);
	*u = next;
	*fresh = true;
	return true;
}

static void log_trouble(const char *file, struct span trouble)
{
	struct span line;
	unsigned n = 0;
	while (n < TROUBLE_LINES && span_line(&trouble, &line)) {
		log_warning("user_file=%s %.*s; this line does not count", file, SPAN_ARGS(line));
		n++;
	}
	if (trouble.len)
		log_warning("user_file=%s there are more such lines", file);
}

/* Appends what stands in the file; false when it can't be had. */
static bool read_file(const struct wire_users *news, const char *file, int fd, struct str *text)
{
	struct stat info;
	if (news->why.len) {
		log_error("user_file=%s can't be opened: %.*s; the accounts stay as they were", file,
			  SPAN_ARGS(news->why));
		return false;
	}
	if (!news->present) {
		if (news->wanted)
			log_warning("user_file=%s is missing: nobody can authenticate with a password; `mailrootctl "
				    "user add NAME` makes it",
				    file);
		return true;
	}
	int error = fd_read_all(fd, text);
	if (error) {
		log_error("user_file=%s can't be read: %s; the accounts stay as they were", file,
			  error == -EFBIG ? "it is larger than 64 MiB" : strerror(-error));
		return false;
	}
	if (fstat(fd, &info) == 0 && info.st_mode & 077)
		log_warning("user_file=%s is open to others (mode %03o): chmod 600 %s", file, info.st_mode & 0777,
			    file);
	return true;
}

/* Every reload brings the file; one that is as it was takes no memory and ends nothing. */
static bool take_text(struct userbase *u, const char *file, struct span text)
{
	unsigned char digest[USERBASE_DIGEST];
	struct str trouble;
	uint64_t generation;
	bool fresh;
	SHA256((const unsigned char *)text.at, text.len, digest);
	if (snapshot_generation(u->snapshot) && memcmp(digest, u->digest, sizeof(digest)) == 0)
		return false;
	str_init(&trouble, TROUBLE_MAX);
	if (publish_somewhere(u, text, &trouble, &fresh)) {
		memcpy(u->digest, digest, sizeof(digest));
		log_trouble(file, str_span(&trouble));
		log_info("user_file=%s accounts=%zu in force", file, userbase_accounts(u, &generation)->n);
	} else {
		log_error("user_file=%s can't be kept: %s; the accounts stay as they were", file, strerror(ENOMEM));
	}
	str_free(&trouble);
	return fresh;
}

bool userbase_take(struct userbase *u, const struct wire_users *news, int fd)
{
	char file[1024];
	struct str text;
	bool fresh = false;
	span_clean(news->file, file, sizeof(file));
	str_init(&text, ACCOUNTS_TEXT_MAX);
	if (read_file(news, file, fd, &text))
		fresh = take_text(u, file, str_span(&text));
	if (text.at)
		explicit_bzero(text.at, text.cap);
	str_free(&text);
	return fresh;
}
