#include "delivery/local/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/ipc/counters.h"
#include "common/mail/address.h"
#include "common/mail/fields.h"
#include "common/mail/msgid.h"
#include "common/process/privs.h"

enum {
	NAMES_MAX = 9,         /* files of one message in one folder, each for other recipients */
	HEADER_MAX = 64 * 1024 /* octets of a header that are searched for Return-Path */
};

/* The folder of a local domain: the configured one, or "drop" beside the spool. */
static bool is_folder_of(const struct config_server *server, const struct config_local_domain *domain, struct span path)
{
	char standard[PATH_MAX];
	if (domain->drop_dir && *domain->drop_dir)
		return span_equal(path, span_of(domain->drop_dir));
	snprintf(standard, sizeof(standard), "%s/drop", server->dir);
	return span_equal(path, span_of(standard));
}

static bool configured(const struct config_server *server, struct span path)
{
	for (size_t i = 0; i < server->local_domain_count; i++)
		if (is_folder_of(server, &server->local_domains[i], path))
			return true;
	return false;
}

static int open_folder(const struct copy_job *job)
{
	char path[PATH_MAX];
	if (!configured(job->server, job->folder) || !span_copy(job->folder, path, sizeof(path)))
		return -EPERM;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void write_return_path(struct span sender, struct str *to)
{
	str_append_text(to, "Return-Path: <");
	address_append(to, sender);
	str_append_text(to, ">\r\n");
}

static int write_head(const struct copy_job *job, const struct outcomes *outcomes, int to)
{
	struct str head;
	str_init(&head, ENVELOPE_MAX);
	envelope_write_sender(&head, job->envelope->sender.text);
	for (size_t i = 0; i < outcomes->n; i++)
		envelope_write_rcpt(&head, outcomes->rcpts[i].address);
	if (job->return_path)
		write_return_path(job->envelope->sender.text, &head);
	int err = head.failed ? -ENOMEM : fd_write_all(to, str_span(&head));
	str_free(&head);
	return err;
}

/* Copies the message without its own Return-Path fields (RFC 5321 4.4). */
static int write_stripped(const struct copy_job *job, int to)
{
	char header[HEADER_MAX];
	struct field field;
	off_t start = (off_t)job->envelope->body_at, at = start, end = (off_t)job->size;
	size_t want = end - start < HEADER_MAX ? (size_t)(end - start) : HEADER_MAX;
	ssize_t n = end < start ? 0 : pread(job->message, header, want, start);
	int err = n < 0 ? -errno : 0;
	struct span rest = {header, n < 0 ? 0 : (size_t)n};
	while (!err && field_next(&rest, &field)) {
		bool cut = !rest.len && start + n < end; /* a field may continue behind the part that was read */
		off_t field_at = start + (field.whole.at - header);
		if (cut || !field_is(&field, "return-path"))
			continue;
		err = fd_copy(job->message, at, field_at, to);
		at = field_at + (off_t)field.whole.len;
	}
	return err ? err : fd_copy(job->message, at, end, to);
}

static int write_message(const struct copy_job *job, int to)
{
	if (job->return_path)
		return write_stripped(job, to);
	return fd_copy(job->message, (off_t)job->envelope->body_at, (off_t)job->size, to);
}

/*
 * Writes the copy under a hidden name, durably. An existing one is left from a worker that died: this worker holds the
 * message's lock.
 */
static int write_hidden(const struct copy_job *job, const struct outcomes *outcomes, int folder, const char *hidden)
{
	if (unlinkat(folder, hidden, 0) < 0 && errno != ENOENT)
		return -errno;
	int fd = openat(folder, hidden, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	int err = write_head(job, outcomes, fd);
	if (!err)
		err = write_message(job, fd);
	if (!err && fsync(fd) < 0)
		err = -errno;
	if (!err)
		return fd;
	fd_close(&fd);
	return err;
}

/* Whether NAME has the same content: it is from an earlier attempt that could not be recorded. */
static bool same_file(int folder, const char *name, int copy)
{
	struct stat ours, theirs;
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool same = fd >= 0 && fstat(fd, &theirs) == 0 && fstat(copy, &ours) == 0 && S_ISREG(theirs.st_mode) &&
		    ours.st_size == theirs.st_size && fd_same(copy, fd) && fsync(fd) == 0;
	fd_close(&fd);
	return same;
}

/* ID.eml; if other recipients of the message have that file, ID-2.eml, and so on. */
static int give_name(const struct copy_job *job, int folder, const char *hidden, int copy, char name[MSGNAME_MAX])
{
	int err = -EEXIST;
	for (int n = 1; n <= NAMES_MAX && err == -EEXIST; n++) {
		char number[8] = "";
		if (n > 1)
			snprintf(number, sizeof(number), "-%d", n);
		snprintf(name, MSGNAME_MAX, "%.*s%s.eml", SPAN_ARGS(job->id), number);
		err = fd_rename_new(folder, hidden, folder, name);
		if (err == -EEXIST && same_file(folder, name, copy))
			err = unlinkat(folder, hidden, 0) < 0 ? -errno : 0;
	}
	return err;
}

static int put(const struct copy_job *job, const struct outcomes *outcomes, char name[MSGNAME_MAX])
{
	char hidden[MSGNAME_MAX];
	int folder = open_folder(job);
	if (folder < 0)
		return folder;
	snprintf(hidden, sizeof(hidden), ".%.*s.eml", SPAN_ARGS(job->id));
	int copy = write_hidden(job, outcomes, folder, hidden);
	int err = copy < 0 ? copy : give_name(job, folder, hidden, copy, name);
	if (!err && fsync(folder) < 0)
		err = -errno;
	if (err)
		unlinkat(folder, hidden, 0);
	fd_close(&copy);
	fd_close(&folder);
	return err;
}

static const char *explain(const struct copy_job *job, int err, char why[PRIVS_WHY_MAX])
{
	char path[PATH_MAX];
	switch (err) {
	case -EACCES:
		return span_copy(job->folder, path, sizeof(path)) ? privs_explain(-err, path, why) : strerror(-err);
	case -EPERM:
		return N_("it is not a drop folder of this virtual server, or writing is not permitted");
	case -ELOOP:
	case -ENOTDIR:
		return N_("it is no folder (a symbolic link is not followed)");
	default:
		return strerror(-err);
	}
}

static struct enhanced enhanced_of(int err)
{
	if (err == -ENOSPC)
		return (struct enhanced){4, 3, 1};
	return err == -EDQUOT ? (struct enhanced){4, 2, 2} : (struct enhanced){4, 3, 0};
}

void copy_deliver(const struct copy_job *job, struct outcomes *outcomes)
{
	char name[MSGNAME_MAX] = "", text[REPLY_TEXT_MAX], why[PRIVS_WHY_MAX];
	int err = msgid_valid(job->id) ? put(job, outcomes, name) : -EINVAL;
	struct outcome outcome = {.event = JOURNAL_DELIVERED, .enhanced = {2, 0, 0}};
	if (err) {
		outcome.event = JOURNAL_DELAYED;
		outcome.enhanced = enhanced_of(err);
		snprintf(text, sizeof(text), N_("can't write to drop folder %.*s: %s"), SPAN_ARGS(job->folder),
			 explain(job, err, why));
	} else {
		count(COUNTER_DROPS);
		count_by(COUNTER_DROP_OCTETS, job->size);
		snprintf(text, sizeof(text), "%.*s/%s", SPAN_ARGS(job->folder), name);
	}
	outcome.text = span_of(text);
	outcomes_decide_open(outcomes, false, &outcome);
}
