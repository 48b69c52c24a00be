#include "smtpd/accept/store_spool.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/config/config.h"
#include "common/ipc/ipc.h"
#include "smtpd/protocol/limits.h"

void store_spool_init(struct store_spool *s, const struct spool *spool, const struct fullness *fullness,
		      int arrivals_fd)
{
	*s = (struct store_spool){.spool = spool, .fullness = fullness, .file.text.fd = -1, .arrivals_fd = arrivals_fd};
	s->space_seen_ms = -LIMIT_SPACE_AGE_MS;
	str_init(&s->packet, WIRE_PACKET_MAX);
}

void store_spool_free(struct store_spool *s)
{
	spool_abort(&s->file);
	spool_file_free(&s->file);
	str_free(&s->packet);
}

static int failed(const struct store_spool *s, const char *step, int err)
{
	if (err)
		log_error("id=%s status=failed step=%s reason=\"%s\": check the file system of mailroot_dir",
			  s->file.id, step, strerror(-err));
	return err;
}

/* If the file system can't report its free space, that is no reason to refuse: a write will fail if it has to. */
static bool look_at_space(struct store_spool *s)
{
	struct statvfs fs;
	int64_t now = clock_mono_ms();
	if (now - s->space_seen_ms < LIMIT_SPACE_AGE_MS)
		return true;
	if (fstatvfs(s->spool->new_fd, &fs) != 0)
		return false;
	s->space_free = (uint64_t)fs.f_bavail * fs.f_frsize;
	s->space_seen_ms = now;
	return true;
}

static int space(void *context, int64_t floor, uint64_t size)
{
	struct store_spool *s = context;
	uint64_t kept = floor == CONFIG_NONE ? 0 : (uint64_t)floor;
	if (fullness_is_suspended(s->fullness))
		return -EROFS;
	if (!look_at_space(s))
		return 0;
	return s->space_free >= kept && s->space_free - kept >= size ? 0 : -ENOSPC;
}

static struct fullness_room room(void *context, struct span domain)
{
	const struct store_spool *s = context;
	return fullness_of(s->fullness, domain);
}

static int begin(void *context, char id[MSGID_LEN + 1])
{
	struct store_spool *s = context;
	int err = spool_begin(s->spool, NULL, &s->file);
	memcpy(id, s->file.id, MSGID_LEN + 1);
	return failed(s, "begin", err);
}

static int write_text(void *context, struct span text)
{
	struct store_spool *s = context;
	return failed(s, "write", spool_write(&s->file, text));
}

static int read_text(void *context, uint64_t at, char *to, size_t size, size_t *got)
{
	struct store_spool *s = context;
	return failed(s, "read", spool_read(&s->file, at, to, size, got));
}

static int replace_begin(void *context)
{
	struct store_spool *s = context;
	return failed(s, "replace", spool_replace_begin(&s->file));
}

static int replace_end(void *context, bool take)
{
	struct store_spool *s = context;
	return failed(s, "replace", spool_replace_end(&s->file, take));
}

int store_spool_announce(struct store_spool *s, const char *name)
{
	const struct wire_arrived arrived = {.name = span_of(name)};
	str_clear(&s->packet);
	if (!wire_encode_arrived(&arrived, &s->packet))
		return -ENOMEM;
	return ipc_send(s->arrivals_fd, str_span(&s->packet), NULL, 0);
}

/* The queue may take the message from spool_release on, and 250 follows: doc/spool.md says why in this order. */
static int commit(void *context)
{
	struct store_spool *s = context;
	int err = failed(s, "commit", spool_commit(&s->file));
	if (err)
		return err;
	err = store_spool_announce(s, s->file.name);
	if (err) {
		spool_unlink(&s->file);
		log_error("id=%s status=failed step=arrived reason=\"%s\": the queue takes no messages", s->file.id,
			  strerror(-err));
		return -EIO;
	}
	spool_release(&s->file);
	return 0;
}

static void give_up(void *context)
{
	struct store_spool *s = context;
	spool_abort(&s->file);
}

static int64_t wall_ms(void *context)
{
	(void)context;
	return clock_wall_ms();
}

struct store store_spool_ops(struct store_spool *s)
{
	return (struct store){
		.context = s,
		.space = space,
		.room = room,
		.begin = begin,
		.write = write_text,
		.read = read_text,
		.replace_begin = replace_begin,
		.replace_end = replace_end,
		.commit = commit,
		.abort = give_up,
		.wall_ms = wall_ms,
	};
}
