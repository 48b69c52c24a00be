#include "smtpd/pickup/pickup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/mail/fields.h"
#include "smtpd/pickup/pickup_filter.h"
#include "smtpd/pickup/pickup_notice.h"
#include "smtpd/pickup/pickup_recipient.h"

enum { TEXT_ROOM = 2 * PICKUP_BLOCK + DOT_READ_EXTRA };

bool pickup_file_init(struct pickup_file *f, int folder_fd, const struct known *known, struct store_spool *store)
{
	*f = (struct pickup_file){
		.folder_fd = folder_fd, .known = known, .store = store, .fd = -1, .notice = {.text.fd = -1}};
	recipients_init(&f->rcpts);
	str_init(&f->head, SUBMISSION_HEAD_MAX + TEXT_ROOM);
	str_init(&f->submission.header, SUBMISSION_REPAIRED_MAX);
	f->block = malloc(PICKUP_BLOCK);
	f->text = malloc(TEXT_ROOM);
	return f->block && f->text;
}

void pickup_file_free(struct pickup_file *f)
{
	recipients_free(&f->rcpts);
	spool_file_free(&f->notice);
	str_free(&f->head);
	str_free(&f->submission.header);
	free(f->block);
	free(f->text);
	f->block = f->text = NULL;
}

static enum pickup_result say(struct pickup_file *f, enum pickup_result result, const char *why)
{
	snprintf(f->why, sizeof(f->why), "%s", why);
	return result;
}

static enum pickup_result trouble(struct pickup_file *f, const char *what, int err)
{
	snprintf(f->why, sizeof(f->why), "%s: %s", what, strerror(-err));
	return PICKUP_LATER;
}

/* Reads the next block, which is empty at the end of the file. 0 or -errno. */
static int read_block(struct pickup_file *f, struct span *out)
{
	ssize_t got;
	do
		got = pread(f->fd, f->block, PICKUP_BLOCK, f->at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	f->at += got;
	*out = (struct span){f->block, (size_t)got};
	return 0;
}

/* Reads the next block with CRLF line ends. */
static int read_text(struct pickup_file *f, struct span *out)
{
	struct span block;
	size_t len = 0;
	int err = read_block(f, &block);
	if (err)
		return err;
	if (block.len)
		dot_read(&f->dot, block, f->text, &len);
	else if (!f->finished)
		len = dot_read_end(&f->dot, f->text);
	f->finished = !block.len;
	*out = (struct span){f->text, len};
	return 0;
}

/* Examines the whole file before a part of it is written: its last line may decide. */
static int look_for_stuffing(struct pickup_file *f)
{
	struct stuffing stuffing = {0};
	struct span block;
	int err = 0;
	f->stuffed = !f->maildrop && f->server->dot_stuffing == CONFIG_STUFFING_ON;
	if (f->maildrop || f->server->dot_stuffing != CONFIG_STUFFING_AUTO)
		return 0;
	while (!(err = read_block(f, &block)) && block.len)
		stuffing_look(&stuffing, block);
	stuffing_look_end(&stuffing);
	f->stuffed = stuffing_found(&stuffing);
	f->at = 0;
	return err;
}

/* Reads the header section. It ends at *end in f->head. */
static enum pickup_result read_head(struct pickup_file *f, size_t *begin, size_t *end)
{
	struct span text;
	bool ended = false;
	const char *fault;
	*end = 0;
	while (!ended) {
		int err = read_text(f, &text);
		if (err)
			return trouble(f, N_("it can't be read"), err);
		if (!str_append(&f->head, text))
			return say(f, PICKUP_LATER, N_("no memory is left for its header"));
		struct span head = str_span(&f->head);
		*begin = fields_preamble(head);
		if (*end < *begin)
			*end = *begin;
		ended = fields_end(head, f->finished, end);
		if (*end - *begin > SUBMISSION_HEAD_MAX || (!ended && head.len > SUBMISSION_HEAD_MAX))
			return say(f, PICKUP_BAD, N_("its header is longer than 2 MB"));
	}
	fault = fields_fault(str_span(&f->head), *end);
	return fault ? say(f, PICKUP_BAD, fault) : PICKUP_SENT;
}

static enum pickup_result understand(struct pickup_file *f, struct span head, const char *id, const char *date)
{
	const char *why;
	const struct submission_defaults defaults = {.domain = f->server->local_domains[0].name,
						     .fqdn = f->server->fqdn,
						     .id = id,
						     .date = date,
						     .dsn = f->maildrop};
	f->submission.take = pickup_recipient_take;
	f->submission.context = f;
	str_clear(&f->submission.header);
	fields_keep_preamble((struct span){f->head.at, (size_t)(head.at - f->head.at)}, &f->submission.header);
	recipients_reset(&f->rcpts);
	switch (submission_read(head, &defaults, &f->submission, &why)) {
	case SUBMISSION_NO_MEMORY:
		return trouble(f, N_("it can't be read"), -ENOMEM);
	case SUBMISSION_LATER:
		snprintf(f->why, sizeof(f->why),
			 N_("a recipient can't be examined now: see `mailrootctl status` and %.180s:%u"),
			 f->undecided.file, f->undecided.line);
		return PICKUP_LATER;
	case SUBMISSION_BAD:
		f->badmail = f->submission.nobody ? COUNTER_BADMAIL_RECIPIENTS : COUNTER_BADMAIL_PICKUP;
		return say(f, PICKUP_BAD, why);
	case SUBMISSION_GOOD:
		break;
	}
	if (f->submission.received <= (unsigned)f->server->delivery.max_hops)
		return PICKUP_SENT;
	f->badmail = COUNTER_BADMAIL_HOPS;
	return say(f, PICKUP_BAD, N_("it has more Received fields than max_hops: this is a mail loop"));
}

/* Writes TEXT to the message; stage() reports an error. */
static void put(struct pickup_file *f, struct span text)
{
	if (!f->error)
		f->error = spool_write(&f->store->file, text);
	if (text.len)
		f->last = text.at[text.len - 1];
	f->octets += text.len;
}

static void put_envelope(struct pickup_file *f, const char *id, const char *date)
{
	struct str head;
	str_init(&head, 2048);
	envelope_write_sender(&head, span_of(f->submission.sender));
	envelope_write_dsn(&head, &f->submission.dsn);
	put(f, str_span(&head));
	put(f, str_span(&f->rcpts.lines));
	bool failed = head.failed;
	str_clear(&head);
	str_printf(&head, "Received: by %s (%s of uid %u)\r\n\tid %s;\r\n\t%s\r\n", f->server->fqdn,
		   f->maildrop ? "sendmail" : "pickup folder, file", (unsigned)f->uid, id, date);
	put(f, str_span(&head));
	if (!f->error && (failed || head.failed))
		f->error = -ENOMEM;
	str_free(&head);
	f->octets = 0;
}

static void put_body(struct pickup_file *f, struct span text)
{
	if (f->stuffed)
		text.len = unstuffing_take(&f->unstuffing, text, f->text);
	if (f->stuffed)
		text.at = f->text;
	put(f, text);
}

/* Writes the header, then REST, which was read together with the header, then the rest of the file. */
static enum pickup_result put_text(struct pickup_file *f, struct span rest)
{
	struct span text;
	put(f, str_span(&f->submission.header));
	put(f, SPAN("\r\n"));
	if (span_starts(rest, SPAN("\r\n")))
		rest = span_skip(rest, 2);
	while (rest.len) {
		text = (struct span){rest.at, rest.len < PICKUP_BLOCK ? rest.len : PICKUP_BLOCK};
		put_body(f, text);
		rest = span_skip(rest, text.len);
	}
	while (!f->finished && f->octets <= (uint64_t)f->server->messages.max_message_size) {
		int err = read_text(f, &text);
		if (err)
			return trouble(f, N_("it can't be read"), err);
		put_body(f, text);
	}
	if (f->last != '\n')
		put(f, SPAN("\r\n"));
	if (f->octets > (uint64_t)f->server->messages.max_message_size)
		return say(f, PICKUP_BAD, N_("it is larger than max_message_size"));
	return PICKUP_SENT;
}

static bool unchanged(const struct pickup_file *f, const struct stat *before)
{
	struct stat now;
	return fstat(f->fd, &now) == 0 && now.st_size == before->st_size && now.st_nlink == before->st_nlink &&
	       now.st_mtim.tv_sec == before->st_mtim.tv_sec && now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

static enum pickup_result write_message(struct pickup_file *f, const char *id)
{
	char date[CLOCK_TEXT_MAX];
	size_t begin = 0, end = 0;
	clock_rfc5322(clock_wall_ms(), date);
	int err = look_for_stuffing(f);
	if (err)
		return trouble(f, N_("it can't be read"), err);
	enum pickup_result result = read_head(f, &begin, &end);
	if (result != PICKUP_SENT)
		return result;
	struct span text = str_span(&f->head);
	result = understand(f, (struct span){text.at + begin, end - begin}, id, date);
	if (result != PICKUP_SENT)
		return result;
	result = pickup_filter_envelope(f, id);
	if (result != PICKUP_SENT)
		return result;
	err = spool_begin(f->store->spool, id, &f->store->file);
	if (err)
		return trouble(f, N_("can't create a message in new/"), err);
	put_envelope(f, id, date);
	result = put_text(f, span_skip(text, end));
	return result == PICKUP_SENT ? pickup_filter_content(f, id) : result;
}

int pickup_file_publish(struct store_spool *store, struct spool_file *file)
{
	int err = spool_publish(file);
	if (!err && store_spool_announce(store, file->name) != 0)
		log_warning("id=%s can't notify the queue; it finds the message within a minute", file->id);
	spool_release(file);
	return err;
}

/* Writes TEXT as the staged message ID. */
static int stage_text(const struct spool *spool, const char *id, const struct str *text, struct spool_file *file)
{
	int err = text->failed ? -ENOMEM : spool_begin(spool, id, file);
	if (err)
		return err;
	file->staged = true;
	err = spool_write(file, str_span(text));
	return err ? err : spool_commit(file);
}

/* Stages the notice to the sender about refused recipients, if there are any. 0 or -errno. */
static int stage_notice(struct pickup_file *f, const char *date)
{
	char id[MSGID_LEN + 1];
	struct str text;
	struct notice_rcpts rcpts;
	if (!pickup_notice_wanted(&f->submission))
		return 0;
	pickup_notice_id(f->store->file.id, id);
	bool found = notice_rcpts_find(f->server, known_lists(f->known), span_of(id), span_of(f->submission.sender),
				       false, &rcpts);
	const struct pickup_notice notice = {.fqdn = f->server->fqdn,
					     .domain = f->server->local_domains[0].name,
					     .id = id,
					     .date = date,
					     .rcpts = &rcpts,
					     .where = f->maildrop ? "sendmail" : "the pickup folder",
					     .language = f->server->notice_language};
	str_init(&text, PICKUP_NOTICE_MAX);
	if (found)
		pickup_notice_write(&notice, &f->submission, &text);
	int err = found ? stage_text(f->store->spool, id, &text, &f->notice) : -ENOMEM;
	str_free(&text);
	notice_rcpts_free(&rcpts);
	return err;
}

/* Of a message that a filter discards, the notice alone is left. */
static int stage_message(struct pickup_file *f)
{
	struct spool_file *message = &f->store->file;
	message->staged = !f->discarded;
	if (!f->discarded)
		return f->error ? f->error : spool_commit(message);
	spool_abort(message);
	return 0;
}

/* Step 1: the message and the notice are durable, or neither exists. */
static int stage(struct pickup_file *f)
{
	char date[CLOCK_TEXT_MAX];
	clock_rfc5322(clock_wall_ms(), date);
	int err = stage_message(f);
	if (err)
		return err;
	err = stage_notice(f, date);
	if (err)
		spool_unlink(&f->store->file);
	return err;
}

/* After a power cut the claimed file decides, so its octets must be on disk as long as its name may come back. Few
 * programs sync what they write; sendmail does. */
static int sync_original(const struct pickup_file *f)
{
	return !f->maildrop && fdatasync(f->fd) < 0 ? -errno : 0;
}

/* Steps 1 to 3, when the message is written. */
static enum pickup_result hand_over(struct pickup_file *f, const char *claimed)
{
	struct spool_file *message = &f->store->file;
	int err = sync_original(f);
	if (err)
		return trouble(f, N_("it can't be synced"), err);
	err = stage(f);
	if (err)
		return trouble(f, N_("the message can't be written to new/"), err);
	/* Only after spool_commit has made the message durable. */
	if (unlinkat(f->folder_fd, claimed, 0) < 0) {
		err = -errno;
		spool_unlink(message);
		spool_unlink(&f->notice);
		return trouble(f, N_("it can't be removed"), err);
	}
	if (f->sync_folder && fsync(f->folder_fd) < 0)
		log_warning("id=%s can't sync the pickup folder: %s; a power failure may bring the file back",
			    message->id, strerror(errno));
	err = message->staged ? pickup_file_publish(f->store, message) : 0;
	if (f->notice.staged)
		count(COUNTER_NOTICE_FAILURE);
	int second = f->notice.staged ? pickup_file_publish(f->store, &f->notice) : 0;
	if (!err && !second)
		return f->discarded ? PICKUP_DISCARDED : PICKUP_SENT;
	trouble(f, N_("can't rename a message in new/"), err ? err : second);
	return PICKUP_UNNAMED;
}

/* True if the size is not that in the name: a power failure cut the file before sendmail had acknowledged it. */
static bool is_torn(const struct pickup_file *f, const char *name, const struct stat *st)
{
	struct msgname named;
	return f->maildrop && (!msgname_parse(span_of(name), &named) || (uint64_t)st->st_size != named.size);
}

static enum pickup_result send_open(struct pickup_file *f, const char *claimed, const char *name, const char *id)
{
	struct stat before;
	const struct store ops = store_spool_ops(f->store);
	if (fstat(f->fd, &before) < 0)
		return trouble(f, N_("can't stat it"), -errno);
	f->uid = before.st_uid;
	if (!before.st_size)
		return say(f, PICKUP_BAD, N_("it is empty"));
	if (is_torn(f, name, &before))
		return say(f, PICKUP_BAD, N_("its size is not that in its name"));
	if (before.st_size - SUBMISSION_HEAD_MAX > f->server->messages.max_message_size)
		return say(f, PICKUP_BAD, N_("it is larger than max_message_size"));
	int no_room = ops.space(ops.context, f->server->free_space_floor, (uint64_t)before.st_size);
	if (no_room)
		return say(f, PICKUP_LATER,
			   no_room == -EROFS ? N_("can't write to the spool")
					     : N_("there is less free space than free_space_floor"));
	enum pickup_result result = write_message(f, id);
	/* A filter may have taken minutes. */
	if ((result == PICKUP_SENT || result == PICKUP_DISCARDED) && !unchanged(f, &before))
		result = say(f, PICKUP_LATER, "");
	f->discarded = result == PICKUP_DISCARDED;
	if (result == PICKUP_SENT || result == PICKUP_DISCARDED)
		result = hand_over(f, claimed);
	pickup_filter_end(f);
	spool_abort(&f->store->file);
	return result;
}

enum pickup_result pickup_file_send(struct pickup_file *f, const char *claimed, const char *name, const char *id)
{
	f->fd = openat(f->folder_fd, claimed, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (f->fd < 0)
		return trouble(f, N_("it can't be opened"), -errno);
	f->why[0] = '\0';
	f->at = 0;
	f->finished = false;
	f->error = 0;
	f->discarded = false;
	f->badmail = COUNTER_BADMAIL_PICKUP;
	f->notice.staged = false;
	f->octets = 0;
	f->last = '\n';
	f->dot = (struct dot_reader){.repair = true, .plain = true};
	f->unstuffing = (struct unstuffing){0};
	/* Not at the end of this function: refused recipients are logged later, and point into the head. */
	if (f->head.cap > TEXT_ROOM)
		str_free(&f->head);
	str_clear(&f->head);
	enum pickup_result result = send_open(f, claimed, name, id);
	fd_close(&f->fd);
	return result;
}
