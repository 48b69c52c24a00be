#include "delivery/local/local.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"
#include "common/ipc/ipc.h"
#include "common/spool/journal_file.h"
#include "delivery/local/notice.h"

enum {
	ARRIVED_MS = 5000, /* later the queue's scan finds the notice */
	CHUNK = 64 * 1024
};

void local_open(struct local *local, const struct spool *spool, const struct config_server *server,
		const struct known *known, int arrivals)
{
	*local = (struct local){
		.server = server, .spool = spool, .known = known, .file = {.text.fd = -1}, .arrivals = arrivals};
	str_init(&local->journal, JOURNAL_FILE_MAX);
	ipc_set_send_deadline(arrivals, ARRIVED_MS);
}

void local_close(struct local *local)
{
	spool_file_free(&local->file);
	str_free(&local->journal);
}

static void take_lines(void *context, struct span lines)
{
	str_append(context, lines);
}

/*
 * Reads the journal and makes it durable: after a power cut the notice must not be newer than the journal. Otherwise
 * the queue would try again, and send another notice.
 */
static int read_journal(int fd, struct str *to)
{
	str_clear(to);
	int err = fsync(fd) < 0 ? -errno : journal_file_read(fd, take_lines, to);
	return !err && to->failed ? -ENOMEM : err;
}

/* Keeps only the recipients that both the job and the journal have. */
static bool select_facts(struct notice_fact *facts, size_t count, struct outcomes *outcomes)
{
	size_t kept = 0, next = 0;
	for (size_t i = 0; i < outcomes->n; i++) {
		struct recipient r = outcomes->rcpts[i];
		while (next < r.ordinal)
			facts[next++].action = NOTICE_NOTHING;
		next = r.ordinal + 1;
		if (facts[r.ordinal].action != NOTICE_NOTHING)
			outcomes->rcpts[kept++] = r;
	}
	while (next < count)
		facts[next++].action = NOTICE_NOTHING;
	outcomes->n = kept;
	return kept > 0;
}

static void say_arrived(const struct local *local)
{
	struct wire_arrived arrived = {span_of(local->file.name)};
	struct str packet;
	str_init(&packet, 256);
	int err = wire_encode_arrived(&arrived, &packet) ? ipc_send_surely(local->arrivals, str_span(&packet))
							 : -EMSGSIZE;
	if (err)
		log_warning("notice=%s: the queue was not told (%s) and will find it itself", local->file.id,
			    strerror(-err));
	str_free(&packet);
}

/*
 * A notice that exists already comes from an attempt that ended too early to report it. If it is gone, it was
 * delivered.
 */
static int adopt(struct local *local)
{
	int err = spool_sync(local->spool, local->file.name);
	if (!err)
		say_arrived(local);
	return err == -ENOENT ? 0 : err;
}

/* Copies the message proper. */
static int write_message(struct local *local, int message, uint64_t at, uint64_t size)
{
	char chunk[CHUNK];
	while (at < size) {
		size_t want = size - at < sizeof(chunk) ? (size_t)(size - at) : sizeof(chunk);
		ssize_t n = pread(message, chunk, want, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
		int err = spool_write(&local->file, (struct span){chunk, (size_t)n});
		if (err)
			return err;
		at += (uint64_t)n;
	}
	return 0;
}

static int write_text(struct local *local, const struct notice *notice, int message, uint64_t size)
{
	struct str text;
	str_init(&text, NOTICE_MAX);
	notice_write(notice, &text);
	int err = text.failed ? -ENOMEM : spool_write(&local->file, str_span(&text));
	if (!err && notice_is_full(notice)) {
		err = write_message(local, message, notice->envelope->body_at, size);
		str_clear(&text);
		notice_end(notice, &text);
		if (!err)
			err = text.failed ? -ENOMEM : spool_write(&local->file, str_span(&text));
	}
	str_free(&text);
	return err;
}

static void count_notice(const struct notice *notice)
{
	switch (notice_action(notice)) {
	case NOTICE_FAILED:
		count(COUNTER_NOTICE_FAILURE);
		break;
	case NOTICE_DELAYED:
		count(COUNTER_NOTICE_DELAY);
		break;
	default:
		count(COUNTER_NOTICE_SUCCESS);
	}
}

static int commit(struct local *local, const char *id, const struct notice *notice, int message, uint64_t size)
{
	int err = spool_begin(local->spool, id, &local->file);
	if (!err)
		err = write_text(local, notice, message, size);
	if (err) {
		spool_abort(&local->file);
		return err;
	}
	err = spool_commit(&local->file);
	if (err)
		return err == -EEXIST ? adopt(local) : err;
	count_notice(notice);
	say_arrived(local);
	spool_release(&local->file);
	return 0;
}

static const char *postmaster(const struct config_server *server, char *to, size_t size)
{
	const char *domain = server->default_domain && *server->default_domain ? server->default_domain : server->fqdn;
	if (server->postmaster && *server->postmaster)
		return server->postmaster;
	snprintf(to, size, "postmaster@%s", domain);
	return to;
}

static int write_notice(struct local *local, const struct wire_job_notice *job, int message,
			const struct envelope *envelope, const struct notice_fact *facts)
{
	const struct config_server *server = local->server;
	char id[MSGID_LEN + 1], sender[ADDRESS_MAX], headers[NOTICE_HEADERS_MAX];
	if (!msgid_valid(job->notice_id) || !msgid_valid(job->id) || !span_copy(job->notice_id, id, sizeof(id)))
		return -EINVAL;
	if (job->size < envelope->body_at)
		return -EBADMSG;
	ssize_t n = pread(message, headers, sizeof(headers), (off_t)envelope->body_at);
	if (n < 0)
		return -errno;
	struct notice_rcpts rcpts;
	struct notice notice = {.fqdn = server->fqdn,
				.postmaster = postmaster(server, sender, sizeof(sender)),
				.language = server->notice_language,
				.rcpts = &rcpts,
				.id = job->notice_id,
				.message_id = job->id,
				.envelope = envelope,
				.facts = facts,
				.until_ms = (int64_t)job->until_s * 1000,
				.headers = {headers, (size_t)n},
				.octets = job->size - envelope->body_at,
				.eight_bit = job->eight_bit};
	bool found = notice_rcpts_find(server, known_lists(local->known), job->notice_id, envelope->sender.text,
				       notice_action(&notice) == NOTICE_FAILED, &rcpts);
	int err = found ? commit(local, id, &notice, message, job->size) : -ENOMEM;
	notice_rcpts_free(&rcpts);
	return err;
}

/* A sender who is told of a delay is still to be told of the end. */
static void decide(struct outcomes *outcomes, const struct notice_fact *facts, const struct outcome *outcome)
{
	for (size_t i = 0; i < outcomes->n; i++) {
		struct recipient *r = &outcomes->rcpts[i];
		struct outcome told = *outcome;
		if (told.event == JOURNAL_NOTICED && facts[r->ordinal].action == NOTICE_DELAYED)
			told.event = JOURNAL_WARNED;
		outcomes_decide(outcomes, r, &told);
	}
}

bool local_notice(struct local *local, const struct wire_job_notice *job, int message, int journal,
		  const struct envelope *envelope, struct outcomes *outcomes, const char **why)
{
	struct notice_fact *facts = arena_alloc(outcomes->arena, envelope->rcpt_count * sizeof(*facts));
	int err = facts ? read_journal(journal, &local->journal) : -ENOMEM;
	*why = err ? strerror(-err) : N_("there is nothing new to tell the sender");
	if (err || !notice_facts(str_span(&local->journal), envelope, facts) ||
	    !select_facts(facts, envelope->rcpt_count, outcomes))
		return false;

	struct outcome outcome = {.event = JOURNAL_NOTICED, .text = job->notice_id};
	char text[128];
	if (envelope->sender.text.len == 0)
		outcome.text = SPAN(N_("the null sender gets no notice"));
	else
		err = write_notice(local, job, message, envelope, facts);
	if (err) {
		snprintf(text, sizeof(text), N_("can't write the notice: %s"), strerror(-err));
		outcome = (struct outcome){
			.event = JOURNAL_DELAYED, .code = 451, .enhanced = {4, 3, 0}, .text = span_of(text)};
	}
	decide(outcomes, facts, &outcome);
	return true;
}
