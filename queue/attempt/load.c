#include "queue/attempt/load.h"

#include <errno.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "queue/attempt/to_badmail.h"
#include "queue/model/loaded.h"
#include "queue/spool/read.h"

static bool bad_message(struct queue *q, struct message *m, const char *why)
{
	str_clear(&q->text);
	str_printf(&q->text, "The file is not a valid message: %s.\n", why);
	to_badmail(q, m, str_span(&q->text), COUNTER_BADMAIL_GENERAL);
	return false;
}

static bool trouble(struct queue *q, struct message *m, const char *what, int err)
{
	queue_put_off(q, m, what, err);
	return false;
}

static bool never_acknowledged(struct queue *q, struct message *m)
{
	log_info("id=%s: removed a file of zeros, whose message was never acknowledged", m->id);
	store_finish(&q->store, m);
	queue_forget(q, m);
	return false;
}

/* Loads the envelope of M from FD, which is owned from now on. */
static bool load_envelope(struct queue *q, struct message *m, int fd)
{
	const char *why;
	int err;
	struct loaded *w = read_envelope(fd, m, &q->arena, &q->text, &err, &why);
	if (w) {
		loaded_keep(&q->messages, m, w, fd);
		return true;
	}
	bool zeros = err == -EBADMSG && store_is_zeros(fd, m);
	fd_close(&fd);
	if (zeros)
		return never_acknowledged(q, m);
	return err == -EBADMSG ? bad_message(q, m, why) : trouble(q, m, "read the message", err);
}

static bool load_journal(struct queue *q, struct message *m)
{
	int err = read_journal(&q->store, m, m->loaded);
	if (err == -EFBIG || err == -EBADMSG)
		return bad_message(q, m, N_("its journal is too large or not a regular file"));
	if (err)
		return trouble(q, m, "read the journal", err);
	unsigned tries = loaded_tries(m->loaded);
	if (tries > m->attempts)
		m->attempts = (uint16_t)tries;
	return true;
}

bool load_message(struct queue *q, struct message *m)
{
	int fd = store_open_message(&q->store, m);
	if (fd == -ENOENT) {
		log_warning("id=%s: the message file is gone; another process removed it", m->id);
		queue_forget(q, m);
		return false;
	}
	if (fd < 0)
		return trouble(q, m, "open the message", fd);
	int err = m->unsynced ? store_sync(fd) : 0;
	if (err) {
		fd_close(&fd);
		return trouble(q, m, "make the message durable", err);
	}
	m->unsynced = false;
	return load_envelope(q, m, fd) && load_journal(q, m);
}
