#include "queue/spool/resend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/mail/fields.h"

enum {
	PIECE = 32 * 1024,
	HEAD_MAX = 64 * 1024,
	HIDDEN_MAX = MSGID_LEN + MSGNAME_MAX + 3,
	LOG_NAME_MAX = MSGID_LEN + 8
};

static const char not_ours[] =
	N_("the file is not a message that Mailroot accepted; correct it and put it into the pickup folder");

static bool refuse(struct resend_look *look, char *why, const char *text)
{
	fd_close(&look->fd);
	snprintf(why, RESEND_WHY_MAX, "%s", text);
	return false;
}

/*
 * Every message that Mailroot accepts has its own Received field: in front, unless a filter has inserted fields before
 * it. AT is the offset of the header.
 */
static bool has_received(int fd, off_t at)
{
	char head[HEAD_MAX];
	struct span value;
	ssize_t got = pread(fd, head, sizeof(head), at);
	return got > 0 && field_find((struct span){head, (size_t)got}, "received", &value);
}

bool resend_begin(const struct store *s, const struct badmail *b, const struct loaded *w, struct resend_look *look,
		  char *why)
{
	size_t first;
	*look = (struct resend_look){.fd = -1};
	if (!w)
		return refuse(look, why, not_ours);
	if (!badmail_open_recipients(w, &first))
		return refuse(look, why, N_("every recipient has the message, or the sender got a notice"));
	look->fd = badmail_open(s->badmail_fd, b->id);
	if (look->fd < 0 || !has_received(look->fd, (off_t)(b->size - w->octets)))
		return refuse(look, why, not_ours);
	return true;
}

static void judge(struct resend_look *look, const char *piece, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = piece[i];
		look->bare |= (c == '\n') != (look->last == '\r');
		look->eight_bit |= (unsigned char)c > 127;
		look->last = c;
	}
}

bool resend_read(struct resend_look *look)
{
	char piece[PIECE];
	ssize_t got = pread(look->fd, piece, sizeof(piece), (off_t)look->at);
	if (got < 0)
		look->bare = true;
	if (got <= 0)
		return false;
	judge(look, piece, (size_t)got);
	look->at += (uint64_t)got;
	return true;
}

/* Writes cur/FRESH.log: the old journal, and a line that the message was resent. Syncs it if there was a journal. */
static int write_journal(const struct store *s, const struct badmail *b, const char *fresh, int64_t wall_ms)
{
	char name[BADMAIL_NAME_MAX], text[64 + BADMAIL_ID_MAX];
	struct stat st;
	struct str line;
	badmail_name(b->id, ".log", name);
	int old = b->has_log ? openat(s->badmail_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
	badmail_name(fresh, ".log", name);
	int to = openat(s->cur_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int err = to < 0 || (old >= 0 && fstat(old, &st) < 0) ? -errno : 0;
	if (!err && old >= 0)
		err = fd_copy(old, 0, st.st_size, to);
	snprintf(text, sizeof(text), N_("by an operator, from badmail, where it was %s"), b->id);
	const struct journal_line told = {
		.wall_ms = wall_ms, .last = UINT32_MAX, .event = JOURNAL_RESENT, .text = span_of(text)};
	str_init(&line, JOURNAL_LINE_MAX);
	journal_format(&told, &line);
	if (!err)
		err = fd_write_all(to, str_span(&line));
	if (!err && old >= 0 && fsync(to) < 0)
		err = -errno;
	str_free(&line);
	fd_close(&old);
	fd_close(&to);
	return err;
}

/* For two file systems: see the header. */
static int copy_back(const struct store *s, const struct badmail *b, int fd, const char *fresh)
{
	char hidden[HIDDEN_MAX], name[BADMAIL_NAME_MAX];
	snprintf(hidden, sizeof(hidden), ".%.*s.%s", MSGID_LEN, b->id, fresh);
	badmail_name(b->id, ".eml", name);
	int err = fd_copy_as(fd, s->cur_fd, hidden);
	if (err)
		return err;
	if (unlinkat(s->badmail_fd, name, 0) < 0) {
		err = -errno;
		unlinkat(s->cur_fd, hidden, 0);
		return err;
	}
	if (fsync(s->badmail_fd) < 0)
		log_warning("badmail %s: can't sync the folder; after a power cut the message may be there again: %s",
			    b->id, strerror(errno));
	return fd_rename_new(s->cur_fd, hidden, s->cur_fd, fresh);
}

static int move_back(const struct store *s, const struct badmail *b, int fd, const char *fresh)
{
	char name[BADMAIL_NAME_MAX];
	badmail_name(b->id, ".eml", name);
	int err = fd_rename_new(s->badmail_fd, name, s->cur_fd, fresh);
	return err == -EXDEV ? copy_back(s, b, fd, fresh) : err;
}

/* Adds the file NAME of cur/ to MESSAGES. Without memory the next scan finds it. */
static void adopt(const struct store *s, struct messages *messages, const struct msgname *name, int64_t wall_ms)
{
	struct message *m = message_add(messages, name);
	if (!m)
		return;
	m->has_file = m->in_cur = m->has_log = true;
	store_set_next_try(s, m, wall_ms);
	message_move(messages, m, MESSAGE_READY);
}

bool resend_put(const struct store *s, struct messages *messages, const struct badmail *b, struct resend_look *look,
		int64_t wall_ms, char *why)
{
	unsigned char random[MSGID_RANDOM];
	char fresh[MSGNAME_MAX];
	struct stat st;
	struct msgname name = {.size = b->size, .eight_bit = look->eight_bit};
	if (look->bare || look->last != '\n' || look->at != b->size)
		return refuse(
			look, why,
			N_("the file has lines that do not end in CRLF, or can't be read; correct it and put it into the pickup folder"));
	/* Another operator may have resent or removed it meanwhile. */
	if (fstat(look->fd, &st) < 0 || !st.st_nlink)
		return refuse(look, why, "no such message in badmail");
	fd_random(random, sizeof(random));
	msgid_make(wall_ms, random, name.id);
	msgname_format(&name, fresh);
	int err = write_journal(s, b, name.id, wall_ms);
	if (!err)
		err = move_back(s, b, look->fd, fresh);
	if (err) {
		store_finish_log(s, name.id);
		return refuse(look, why, strerror(-err));
	}
	fd_close(&look->fd);
	badmail_remove(s->badmail_fd, b->id);
	adopt(s, messages, &name, wall_ms);
	log_info("id=%s was=%s status=resent by=operator", name.id, b->id);
	return true;
}

void resend_finish(const struct store *s, const char *entry)
{
	char id[MSGID_LEN + 1], old[BADMAIL_NAME_MAX];
	struct msgname name;
	struct span rest = span_skip(span_of(entry), 1);
	struct span from = {rest.at, rest.len < MSGID_LEN ? rest.len : MSGID_LEN};
	if (rest.len && rest.at[0] == '.' &&
	    msgid_valid((struct span){rest.at + 1, rest.len > MSGID_LEN ? MSGID_LEN : 0}))
		unlinkat(s->cur_fd, entry, 0); /* an unfinished copy */
	if (!msgid_valid(from) || !msgname_parse(span_skip(rest, MSGID_LEN + 1), &name))
		return;
	span_copy(from, id, sizeof(id));
	badmail_name(id, ".eml", old);
	if (faccessat(s->badmail_fd, old, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		unlinkat(s->cur_fd, entry, 0);
		store_finish_log(s, name.id);
	} else if (errno == ENOENT && fd_rename_new(s->cur_fd, entry, s->cur_fd, rest.at + MSGID_LEN + 1) == 0) {
		log_info("id=%s was=%s status=resent", name.id, id);
	}
}
