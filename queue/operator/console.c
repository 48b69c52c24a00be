#include "queue/operator/console.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/ipc/rows.h"
#include "queue/operator/console_link.h"
#include "queue/operator/explain.h"
#include "queue/operator/report.h"

/* TURN_MS: the time of one turn for all answers together. SLICE_MS: for one answer. */
enum { OUT_MAX = 8 << 20, TURN_MS = 4, SLICE_MS = 2, SECOND_MS = 1000 };

struct ctl *console_attach(struct console *all, int fd, enum wire_link link)
{
	for (size_t i = 0; i < CONSOLE_LINKS_MAX; i++) {
		struct ctl *c = all->ctls[i] ? NULL : calloc(1, sizeof(*c));
		if (!c)
			continue;
		c->fd = fd;
		c->link = link;
		c->at = i;
		str_init(&c->out, OUT_MAX);
		fd_set_nonblock(fd, true);
		all->ctls[i] = c;
		return c;
	}
	fd_close(&fd);
	return NULL;
}

int console_fd(const struct ctl *c)
{
	return c->fd;
}

bool console_wants_write(const struct ctl *c)
{
	return c->slow;
}

void console_close(struct console *all, struct ctl *c)
{
	all->ctls[c->at] = NULL;
	fd_close(&c->fd);
	explain_free(all->queue, c->explain);
	text_stream_close(&c->text);
	badmail_survey_close(&c->badmail);
	str_free(&c->out);
	free(c);
}

void console_free(struct console *all)
{
	for (size_t i = 0; i < CONSOLE_LINKS_MAX; i++)
		if (all->ctls[i])
			console_close(all, all->ctls[i]);
}

/* Message M is freed: listings step over it. */
static void forgotten(void *observer, const struct message *m)
{
	struct console *all = observer;
	index_forget(&all->index, m);
	ages_forget(&all->ages, m);
	for (size_t i = 0; i < CONSOLE_LINKS_MAX; i++)
		if (all->ctls[i] && all->ctls[i]->work == CTL_SURVEY)
			survey_forget(&all->ctls[i]->survey, m);
}

void console_done(struct ctl *c, uint64_t exit_code, const char *text)
{
	report_done(&c->out, exit_code, text);
	text_stream_close(&c->text);
	badmail_survey_close(&c->badmail);
	c->work = CTL_NOTHING;
}

/* The look-ups end by the resolver's answers or by their deadline, which the turn of each second notices. */
static void go_on_explaining(struct queue *q, struct ctl *c)
{
	if (!explain_ready(q, c->explain))
		return;
	explain_finish(q, c->explain, &c->out);
	explain_free(q, c->explain);
	c->explain = NULL;
	c->work = CTL_NOTHING;
}

static bool go_on_surveying(struct queue *q, struct ctl *c)
{
	enum survey_step step = survey_go_on(q, &c->survey, clock_mono_ms() + SLICE_MS, &c->out);
	if (step == SURVEY_END)
		console_done(c, 0, "");
	return step == SURVEY_MORE;
}

static struct ctl *watcher(const struct console *all, const struct message *m)
{
	for (size_t i = 0; i < CONSOLE_LINKS_MAX; i++)
		if (all->ctls[i] && all->ctls[i]->work == CTL_PROBE && strcmp(all->ctls[i]->probe, m->id) == 0)
			return all->ctls[i];
	return NULL;
}

static void said(void *context, const struct message *m, const char *by, struct span text)
{
	struct ctl *c = watcher(context, m);
	if (c)
		report_cells(&c->out, ROW_SAID, (const struct span[]){span_of(by), text}, 2);
}

static void outcome(void *context, const struct message *m, const struct attempt_result *result)
{
	struct ctl *c = watcher(context, m);
	char code[16], enhanced[ENHANCED_TEXT_MAX];
	if (!c)
		return;
	snprintf(code, sizeof(code), "%d", result->code);
	enhanced_format(result->enhanced, enhanced);
	const struct span cells[] = {span_of(m->id), span_of(journal_event_name(result->event)),
				     span_of(code),  span_of(enhanced),
				     result->host,   result->text};
	report_cells(&c->out, ROW_OUTCOME, cells, sizeof(cells) / sizeof(cells[0]));
	console_done(c, 0, "");
}

void console_open(struct console *all, struct queue *q)
{
	memset(all, 0, sizeof(*all));
	all->queue = q;
	q->observer = (struct queue_observer){.context = all, .said = said, .outcome = outcome};
	q->messages.observer = all;
	q->messages.forgotten = forgotten;
}

/* said() and outcome() report the events; this reports progress and ends the wait. */
static void go_on_probing(struct queue *q, struct ctl *c)
{
	if (q->mono_ms >= c->probe_until) {
		str_clear(&q->text);
		str_printf(&q->text, N_("no result yet; the delivery goes on: see `mailrootctl queue show %s`"),
			   c->probe);
		console_done(c, 1, str_text(&q->text));
	} else if (q->mono_ms - c->probe_told >= SECOND_MS) {
		c->probe_told = q->mono_ms;
		report_progress(&c->out, 0);
	}
}

static bool go_on_with_badmail(struct queue *q, struct ctl *c)
{
	enum survey_step step = badmail_survey_go_on(q, &c->badmail, clock_mono_ms() + SLICE_MS, &c->out);
	if (step == SURVEY_END && *c->badmail.id && !c->badmail.looked)
		console_done(c, 1, "no such message in badmail");
	else if (step == SURVEY_END)
		console_done(c, c->badmail.failed > 0, c->badmail.why);
	return step == SURVEY_MORE;
}

static bool go_on_reading(struct ctl *c)
{
	if (text_stream_go_on(&c->text, &c->out))
		return true;
	const char *note = c->text.note ? c->text.note : "";
	console_done(c, c->text.failed, c->text.failed ? N_("the file can't be read to its end") : note);
	return false;
}

/* Makes a slice of an answer. True when more can be done at once. */
static bool go_on(struct queue *q, struct ctl *c)
{
	switch (c->work) {
	case CTL_SURVEY:
		return go_on_surveying(q, c);
	case CTL_TEXT:
		return go_on_reading(c);
	case CTL_BADMAIL:
		return go_on_with_badmail(q, c);
	case CTL_EXPLAIN:
		go_on_explaining(q, c);
		return false;
	case CTL_PROBE:
		go_on_probing(q, c);
		return false;
	default:
		return false;
	}
}

static bool send_one(struct ctl *c)
{
	struct span packet;
	uint32_t len;
	memcpy(&len, c->out.at + c->sent, sizeof(len));
	packet = (struct span){c->out.at + c->sent + sizeof(len), len};
	int err = ipc_send(c->fd, packet, NULL, 0);
	c->slow = err == -EAGAIN;
	if (!err)
		c->sent += sizeof(len) + len;
	return !err || c->slow;
}

/* Sends as much as the reader takes. False when the reader is gone. */
static bool flush(struct ctl *c)
{
	c->slow = false;
	while (c->sent < c->out.len && !c->slow)
		if (!send_one(c))
			return false;
	if (c->sent == c->out.len) {
		str_clear(&c->out);
		c->sent = 0;
	}
	return true;
}

static bool take_turn(struct queue *q, struct ctl *c)
{
	bool unfinished = go_on(q, c);
	if (!flush(c)) { /* the manager reads the end of the link next */
		console_done(c, 0, "");
		return false;
	}
	return unfinished && !c->slow;
}

bool console_turn(struct console *all)
{
	struct queue *q = all->queue;
	bool more = false;
	int64_t until = clock_mono_ms() + TURN_MS;
	/* When the time does not suffice for all, the next turn begins with the link that had none. */
	for (size_t i = 0; i < CONSOLE_LINKS_MAX; i++) {
		struct ctl *c = all->ctls[(i + all->first) % CONSOLE_LINKS_MAX];
		if (!c)
			continue;
		if (clock_mono_ms() >= until) {
			all->first = c->at;
			return true;
		}
		more |= take_turn(q, c);
	}
	return more;
}

bool console_receive(struct console *all, struct ctl *c)
{
	struct queue *q = all->queue;
	struct ipc_packet packet;
	int err = ipc_receive(c->fd, q->buffer, WIRE_PACKET_MAX, MSG_DONTWAIT, &packet);
	if (err == -EAGAIN)
		return true;
	bool ok = !err && !packet.eof && packet.fd_count == 0 && console_request(all, c, packet.text);
	if (!err)
		ipc_packet_close(&packet);
	if (!ok)
		console_close(all, c);
	return ok;
}
