#include "smtpd/auth/userbase.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"

enum {
	TROUBLE_MAX = 4096,
	TROUBLE_LINES = 10, /* bad lines of one file that are reported */
	LINES_MAX = (TROUBLE_LINES + 1) * 1200,
	ALIGNMENT = _Alignof(max_align_t),
	HEAD = (sizeof(struct accounts) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT
};

bool userbase_init(struct userbase *u, size_t size)
{
	*u = (struct userbase){.snapshot = snapshot_new(size), .size = size};
	str_init(&u->lines, LINES_MAX);
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

/* *FRESH: a new area was begun. */
static bool publish_somewhere(struct userbase *u, struct span text, struct str *trouble, bool *fresh)
{
	*fresh = false;
	if (publish(u->snapshot, text, trouble))
		return true;
	struct snapshot *next = snapshot_new(u->size);
	str_clear(trouble);
	if (!next || !publish(next, text, trouble)) {
		snapshot_free(next);
		return false;
	}
	snapshot_free(u->snapshot);
	u->snapshot = next;
	*fresh = true;
	return true;
}

static void keep_lines(struct userbase *u, const char *file, struct span trouble)
{
	struct span line;
	str_clear(&u->lines);
	for (unsigned n = 0; n < TROUBLE_LINES && span_line(&trouble, &line); n++)
		str_printf(&u->lines, N_("user_file %s, %.*s; this line is ignored\n"), file, SPAN_ARGS(line));
	if (trouble.len)
		str_printf(&u->lines, N_("user_file %s has more such lines\n"), file);
}

/* Appends the text of the file. False: it can't be read. */
static bool read_file(const struct wire_users *news, const char *file, int fd, struct str *text, struct str *mend)
{
	struct stat info;
	if (news->why.len) {
		str_printf(mend, N_("user_file %s can't be opened: %.*s; the accounts stay as they were\n"), file,
			   SPAN_ARGS(news->why));
		return false;
	}
	if (!news->present) {
		if (news->wanted)
			str_printf(
				mend,
				N_("user_file %s is missing, so there are no accounts; `mailrootctl user add NAME` makes it\n"),
				file);
		return true;
	}
	int err = fd_read_all(fd, text);
	if (err) {
		str_printf(mend, N_("user_file %s can't be read: %s; the accounts stay as they were\n"), file,
			   err == -EFBIG ? "it is larger than 64 MiB" : strerror(-err));
		return false;
	}
	if (fstat(fd, &info) == 0 && info.st_mode & 077)
		str_printf(mend, N_("user_file %s is open to others (mode %03o): chmod 600 %s\n"), file,
			   info.st_mode & 0777, file);
	return true;
}

/* Every reload brings the file. An unchanged one takes no memory and ends no session. */
static bool take_text(struct userbase *u, const char *file, struct span text, struct str *mend)
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
		keep_lines(u, file, str_span(&trouble));
		log_info("user_file=%s accounts=%zu in force", file, userbase_accounts(u, &generation)->n);
	} else {
		str_printf(mend, N_("user_file %s can't be kept: %s; the accounts stay as they were\n"), file,
			   strerror(ENOMEM));
	}
	str_free(&trouble);
	return fresh;
}

bool userbase_take(struct userbase *u, const struct wire_users *news, int fd, struct str *mend)
{
	char file[1024];
	struct str text;
	bool fresh = false;
	span_clean(news->file, file, sizeof(file));
	str_init(&text, ACCOUNTS_TEXT_MAX);
	if (read_file(news, file, fd, &text, mend))
		fresh = take_text(u, file, str_span(&text), mend);
	str_append(mend, str_span(&u->lines));
	str_wipe(&text);
	return fresh;
}

void userbase_free(struct userbase *u)
{
	snapshot_free(u->snapshot);
	str_free(&u->lines);
	*u = (struct userbase){0};
}
