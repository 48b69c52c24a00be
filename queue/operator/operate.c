#include "queue/operator/operate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "queue/attempt/attempt.h"
#include "queue/attempt/load.h"
#include "queue/attempt/record.h"
#include "queue/attempt/to_badmail.h"
#include "queue/attempt/verdicts.h"
#include "queue/model/etrn_hold.h"
#include "queue/model/job.h"
#include "queue/model/loaded.h"
#include "queue/model/waiting.h"
#include "queue/spool/badmail.h"
#include "queue/spool/read.h"

enum { HISTORY_MAX = 64 * 1024 };

struct loaded *operate_peek(struct queue *q, struct message *m)
{
	const char *why;
	int err;
	if (m->loaded || !m->has_file)
		return m->loaded;
	int fd = store_open_message(&q->store, m);
	if (fd < 0)
		return NULL;
	struct loaded *w = read_envelope(fd, m, &q->arena, &q->text, &err, &why);
	fd_close(&fd);
	if (!w)
		return NULL;
	w->peeked = true;
	if (read_journal(&q->store, m, w) < 0)
		log_error("id=%s: can't read the journal: what is shown may be out of date", m->id);
	return w;
}

void operate_unpeek(struct loaded *w)
{
	if (w && w->peeked)
		loaded_free(w);
}

/*
 * A worker of the queue before a restart may have a message that a scan found: its lock must be free, and the verdicts
 * read.
 */
static enum operate_outcome claim_found(struct queue *q, struct message **m)
{
	char id[MSGID_LEN + 1];
	memcpy(id, (*m)->id, sizeof(id));
	if ((*m)->state == MESSAGE_LISTED || (*m)->state == MESSAGE_MET || (*m)->state == MESSAGE_LOCKED)
		return OPERATE_IN_HAND;
	int err = store_probe(&q->store, *m);
	if (err)
		return err == -ENOENT ? OPERATE_GONE : OPERATE_IN_HAND; /* scan.c handles other errors */
	if (!verdicts_receive(q))
		return OPERATE_LATER;
	*m = message_find(&q->messages, id);
	if (!*m)
		return OPERATE_GONE;
	(*m)->found = false;
	return OPERATE_DONE;
}

/* Ends the attempt of M, if one runs: afterwards M is not loaded and not ACTIVE. */
static enum operate_outcome claim(struct queue *q, struct message **m)
{
	enum operate_outcome outcome = (*m)->found ? claim_found(q, m) : OPERATE_DONE;
	if (outcome != OPERATE_DONE)
		return outcome;
	if ((*m)->loaded && (*m)->loaded->out_count)
		return OPERATE_IN_HAND;
	if ((*m)->loaded) {
		job_cancel_all(*m, q->mono_ms);
		loaded_unload(&q->messages, *m);
		message_move(&q->messages, *m, MESSAGE_READY);
	}
	waiting_stop(*m);
	return OPERATE_DONE;
}

static enum operate_outcome write_event(struct queue *q, struct message *m, enum journal_event event)
{
	int err = record_event(q, m, event, SPAN(N_("by an operator")));
	if (err)
		log_error("id=%s: can't record in the journal that it is %s: %s", m->id, journal_event_name(event),
			  strerror(-err));
	return err ? OPERATE_FAILED : OPERATE_DONE;
}

/* Ends the back-off of the next hops that M waits for. */
static void retry_next_hops(struct queue *q, const struct message *m)
{
	const struct job *j;
	if (m->destination)
		destination_retry(m->destination, q->mono_ms);
	if (m->destination && m->destination->etrn)
		etrn_hold_open(m->destination, q->mono_ms);
	if (!m->loaded)
		return;
	TAILQ_FOREACH(j, &m->loaded->jobs, of_message)
	{
		if (!j->worker)
			destination_retry(j->destination, q->mono_ms);
	}
}

static enum operate_outcome retry(struct queue *q, struct message *m)
{
	if (m->state == MESSAGE_LOCKED || (m->loaded && m->loaded->out_count))
		return OPERATE_IN_HAND;
	retry_next_hops(q, m);
	if (m->state != MESSAGE_WAITING)
		return OPERATE_DONE;
	if (m->has_log && write_event(q, m, JOURNAL_RETRY) != OPERATE_DONE)
		return OPERATE_FAILED;
	log_info("id=%s status=retry by=operator", m->id);
	waiting_hurry(&q->messages, m);
	return OPERATE_DONE;
}

/* After a restart the scan sees by the mtime of the journal that M is held; load_message sees it by the line. */
static enum operate_outcome hold(struct queue *q, struct message *m)
{
	enum operate_outcome outcome = claim(q, &m);
	if (outcome == OPERATE_DONE)
		outcome = write_event(q, m, JOURNAL_HELD);
	if (outcome != OPERATE_DONE)
		return outcome;
	store_set_next_try(&q->store, m, STORE_HELD_MS);
	message_move(&q->messages, m, MESSAGE_HELD);
	log_info("id=%s status=held by=operator", m->id);
	return OPERATE_DONE;
}

static enum operate_outcome release(struct queue *q, struct message *m)
{
	enum operate_outcome outcome = claim(q, &m);
	if (outcome == OPERATE_DONE)
		outcome = write_event(q, m, JOURNAL_RELEASED);
	if (outcome != OPERATE_DONE)
		return outcome;
	store_set_next_try(&q->store, m, q->wall_ms);
	message_move(&q->messages, m, MESSAGE_READY);
	log_info("id=%s status=released by=operator", m->id);
	return OPERATE_DONE;
}

static enum operate_outcome remove_message(struct queue *q, struct message *m)
{
	char now[CLOCK_TEXT_MAX];
	struct str why;
	enum operate_outcome outcome = claim(q, &m);
	if (outcome != OPERATE_DONE)
		return outcome;
	clock_iso(q->wall_ms, now);
	str_init(&why, HISTORY_MAX);
	str_printf(&why, "%s on %s.\n", BADMAIL_DELETED, now);
	store_journal_tail(&q->store, m, HISTORY_MAX - 100, &why);
	bool gone = to_badmail(q, m, str_span(&why), COUNTER_BADMAIL_OPERATOR);
	str_free(&why);
	return gone ? OPERATE_DONE : OPERATE_FAILED;
}

/* Notes every recipient that waits as failed. What follows is as after any other failure. */
static enum operate_outcome bounce(struct queue *q, struct message *m)
{
	static const struct attempt_result returned = {.event = JOURNAL_FAILED,
						       .enhanced = {5, 0, 0},
						       .by_operator = true,
						       .text = SPAN(N_("returned to the sender by an operator"))};
	if (!queue_may_begin(q))
		return OPERATE_LATER;
	enum operate_outcome outcome = claim(q, &m);
	if (outcome != OPERATE_DONE)
		return outcome;
	if (m->state == MESSAGE_HELD)
		store_set_next_try(&q->store, m, q->wall_ms);
	if (m->state == MESSAGE_WAITING || m->state == MESSAGE_HELD)
		message_move(&q->messages, m, MESSAGE_READY);
	if (!load_message(q, m))
		return OPERATE_FAILED;
	message_move(&q->messages, m, MESSAGE_ACTIVE);
	log_info("id=%s status=failed enhanced=5.0.0 text=\"%.*s\"", m->id, SPAN_ARGS(returned.text));
	note_result(q, m, NULL, 0, m->loaded->rcpt_count - 1, &returned);
	attempt_settle(q, m);
	return OPERATE_DONE;
}

/*
 * mailrootctl holds the lock of M: from now on M is one that a scan found, which nobody touches before that lock is
 * free. A file that mailrootctl has removed is forgotten.
 */
static enum operate_outcome yield(struct queue *q, struct message *m)
{
	char id[MSGID_LEN + 1], name[MSGNAME_MAX];
	memcpy(id, m->id, sizeof(id));
	if (m->found && !verdicts_receive(q))
		return OPERATE_LATER;
	m = message_find(&q->messages, id);
	if (!m)
		return OPERATE_GONE;
	if ((m->loaded && m->loaded->out_count) || m->unwritten || m->watched || m->state == MESSAGE_LISTED)
		return OPERATE_IN_HAND;
	waiting_stop(m);
	if (m->loaded) {
		job_cancel_all(m, q->mono_ms);
		loaded_unload(&q->messages, m);
	}
	message_name(m, name);
	if (faccessat(m->in_cur ? q->store.cur_fd : q->store.new_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno == ENOENT) {
		queue_forget(q, m);
		return OPERATE_DONE;
	}
	m->found = true;
	if (m->state != MESSAGE_WAITING && m->state != MESSAGE_HELD)
		message_wait(&q->messages, m, MESSAGE_LOCKED, q->mono_ms);
	return OPERATE_DONE;
}

bool operate_applies(const struct message *m, enum row_action action)
{
	bool held = m->state == MESSAGE_HELD;
	return action == ROW_RELEASE ? held : action == ROW_RETRY || action == ROW_HOLD ? !held : true;
}

enum operate_outcome operate_act(struct queue *q, struct message *m, enum row_action action)
{
	if (!operate_applies(m, action))
		return OPERATE_ALREADY;
	switch (action) {
	case ROW_RETRY:
		return retry(q, m);
	case ROW_HOLD:
		return hold(q, m);
	case ROW_RELEASE:
		return release(q, m);
	case ROW_DELETE:
		return remove_message(q, m);
	case ROW_BOUNCE:
		return bounce(q, m);
	case ROW_YIELD:
		return yield(q, m);
	default:
		return OPERATE_FAILED;
	}
}
