#include "queue/operator/console.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/rows.h"
#include "queue/operator/badmail_survey.h"
#include "queue/operator/explain.h"
#include "queue/operator/probe.h"
#include "queue/operator/report.h"
#include "queue/operator/survey.h"
#include "queue/operator/text_stream.h"

/* TURN_MS: the time of one turn for all answers together. SLICE_MS: for one answer. */
enum { OUT_MAX = 8 << 20, TURN_MS = 4, SLICE_MS = 2, SECOND_MS = 1000 };

enum ctl_work { CTL_NOTHING, CTL_SURVEY, CTL_TEXT, CTL_BADMAIL, CTL_EXPLAIN, CTL_PROBE };

struct ctl {
	int fd;
	size_t at; /* in console->ctls */
	enum ctl_work work;
	struct survey survey;
	struct text_stream text;
	struct badmail_survey badmail;
	char probe[MSGID_LEN + 1];       /* in CTL_PROBE: the id of the test message */
	int64_t probe_until, probe_told; /* when to stop waiting; when progress was last reported */
	struct explain *explain;         /* in CTL_EXPLAIN; owned */
	bool slow;                       /* its socket is full */
	struct str out;                  /* packets to be sent, each after its length */
	size_t sent;                     /* octets of `out` that were sent */
};

struct ctl *console_attach(struct console *all, int fd)
{
	for (size_t i = 0; i < CONSOLE_LINKS_MAX; i++) {
		struct ctl *c = all->ctls[i] ? NULL : calloc(1, sizeof(*c));
		if (!c)
			continue;
		c->fd = fd;
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
	for (size_t i = 0; i < CONSOLE_LINKS_MAX; i++)
		if (all->ctls[i] && all->ctls[i]->work == CTL_SURVEY)
			survey_forget(&all->ctls[i]->survey, m);
}

static void done(struct ctl *c, uint64_t exit_code, const char *text)
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
		done(c, 0, "");
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
	done(c, 0, "");
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
		str_printf(&q->text, "no result yet; the delivery goes on: see `mailrootctl queue show %s`", c->probe);
		done(c, 1, str_text(&q->text));
	} else if (q->mono_ms - c->probe_told >= SECOND_MS) {
		c->probe_told = q->mono_ms;
		report_progress(&c->out, 0);
	}
}

static bool go_on_with_badmail(struct queue *q, struct ctl *c)
{
	enum survey_step step = badmail_survey_go_on(q, &c->badmail, clock_mono_ms() + SLICE_MS, &c->out);
	if (step == SURVEY_END && *c->badmail.id && !c->badmail.looked)
		done(c, 1, "no such message in badmail");
	else if (step == SURVEY_END)
		done(c, c->badmail.failed > 0, c->badmail.why);
	return step == SURVEY_MORE;
}

static bool go_on_reading(struct ctl *c)
{
	if (text_stream_go_on(&c->text, &c->out))
		return true;
	done(c, c->text.failed, c->text.failed ? "the file can't be read to its end" : "");
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
		done(c, 0, "");
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

static bool request_list(struct queue *q, struct ctl *c, struct span text)
{
	struct wire_queue_list packet;
	c->survey = (struct survey){.action = 0};
	if (!wire_decode_queue_list(text, &packet) || !SELECTION_TAKE(packet, &c->survey.selection))
		return false;
	c->survey.limit = packet.limit;
	survey_begin(q, &c->survey);
	c->work = CTL_SURVEY;
	return true;
}

static bool request_act(struct queue *q, struct ctl *c, struct span text)
{
	struct wire_queue_act packet;
	c->survey = (struct survey){.action = 0};
	if (!wire_decode_queue_act(text, &packet) || !SELECTION_TAKE(packet, &c->survey.selection))
		return false;
	if (packet.action < ROW_RETRY || packet.action > ROW_BOUNCE)
		return false;
	c->survey.action = (enum row_action)packet.action;
	c->survey.count_only = packet.count_only;
	survey_begin(q, &c->survey);
	c->work = CTL_SURVEY;
	return true;
}

/* Sends the text of message file FD (or -errno), even if the message is delivered and removed meanwhile. */
static void show_text(struct ctl *c, int fd)
{
	if (fd < 0) {
		done(c, 1, strerror(-fd));
		return;
	}
	text_stream_open(&c->text, fd);
	c->work = CTL_TEXT;
}

static bool request_show(struct queue *q, struct ctl *c, struct span text)
{
	struct wire_queue_show packet;
	char id[MSGID_LEN + 1];
	if (!wire_decode_queue_show(text, &packet))
		return false;
	struct message *m = NULL;
	if (msgid_valid(packet.id) && span_copy(packet.id, id, sizeof(id)))
		m = message_find(&q->messages, id);
	if (m && packet.message) {
		show_text(c, store_open_message(&q->store, m));
		return true;
	}
	struct loaded *w = m ? operate_peek(q, m) : NULL;
	if (w)
		report_show(q, m, w, &c->out);
	done(c, !w, w ? "" : "no such message in the queue");
	operate_unpeek(w);
	return true;
}

static bool begin_badmail(struct queue *q, struct ctl *c)
{
	int err = badmail_survey_begin(q, &c->badmail);
	if (err)
		done(c, 1, strerror(-err));
	else
		c->work = CTL_BADMAIL;
	return true;
}

static bool request_badmail_list(struct queue *q, struct ctl *c, struct span text)
{
	struct wire_badmail_list packet;
	if (!wire_decode_badmail_list(text, &packet))
		return false;
	c->badmail = (struct badmail_survey){.limit = packet.limit};
	return begin_badmail(q, c);
}

static bool request_badmail_act(struct queue *q, struct ctl *c, struct span text)
{
	struct wire_badmail_act packet;
	if (!wire_decode_badmail_act(text, &packet) || (packet.action != ROW_RESEND && packet.action != ROW_DELETE))
		return false;
	c->badmail = (struct badmail_survey){.action = (enum row_action)packet.action, .count_only = packet.count_only};
	return span_copy(packet.id, c->badmail.id, sizeof(c->badmail.id)) && begin_badmail(q, c);
}

static bool request_badmail_show(struct queue *q, struct ctl *c, struct span text)
{
	struct wire_badmail_show packet;
	struct badmail b;
	char id[BADMAIL_ID_MAX + 1];
	if (!wire_decode_badmail_show(text, &packet))
		return false;
	bool found = span_copy(packet.id, id, sizeof(id)) && badmail_look(q->store.badmail_fd, id, &b) == 0;
	if (found && packet.message) {
		show_text(c, badmail_open(q->store.badmail_fd, id));
		return true;
	}
	if (found)
		badmail_show(q, &b, &c->out);
	done(c, !found, found ? "" : "no such message in badmail");
	return true;
}

static bool request_status(struct queue *q, struct ctl *c, struct span text)
{
	struct wire_queue_status packet;
	if (!wire_decode_queue_status(text, &packet))
		return false;
	report_status(q, packet.detail, &c->out);
	done(c, 0, "");
	return true;
}

static bool request_test(struct queue *q, struct ctl *c, struct span text)
{
	struct wire_queue_test packet;
	char why[PROBE_WHY_MAX];
	if (!wire_decode_queue_test(text, &packet))
		return false;
	if (!probe_begin(q, packet.sender, packet.recipient, c->probe, why)) {
		done(c, 2, why);
		return true;
	}
	c->probe_told = q->mono_ms;
	c->probe_until = q->mono_ms + (int64_t)packet.wait_s * SECOND_MS;
	c->work = CTL_PROBE;
	return true;
}

static bool request_explain(struct queue *q, struct ctl *c, struct span text)
{
	struct wire_explain_route packet;
	char why[EXPLAIN_WHY_MAX];
	if (!wire_decode_explain_route(text, &packet))
		return false;
	c->explain = explain_begin(q, &packet, &c->out, why);
	if (c->explain)
		c->work = CTL_EXPLAIN;
	else
		done(c, 2, why);
	return true;
}

static bool request(struct queue *q, struct ctl *c, struct span text)
{
	if (c->work != CTL_NOTHING)
		return false; /* one at a time */
	switch (wire_admit(WIRE_LINK_ctl_queue, WIRE_UP, text)) {
	case WIRE_queue_list:
		return request_list(q, c, text);
	case WIRE_queue_show:
		return request_show(q, c, text);
	case WIRE_queue_act:
		return request_act(q, c, text);
	case WIRE_badmail_list:
		return request_badmail_list(q, c, text);
	case WIRE_badmail_show:
		return request_badmail_show(q, c, text);
	case WIRE_badmail_act:
		return request_badmail_act(q, c, text);
	case WIRE_queue_status:
		return request_status(q, c, text);
	case WIRE_queue_test:
		return request_test(q, c, text);
	case WIRE_explain_route:
		return request_explain(q, c, text);
	default:
		return false;
	}
}

bool console_receive(struct console *all, struct ctl *c)
{
	struct queue *q = all->queue;
	struct ipc_packet packet;
	int err = ipc_receive(c->fd, q->buffer, WIRE_PACKET_MAX, MSG_DONTWAIT, &packet);
	if (err == -EAGAIN)
		return true;
	bool ok = !err && !packet.eof && packet.fd_count == 0 && request(q, c, packet.text);
	if (!err)
		ipc_packet_close(&packet);
	if (!ok)
		console_close(all, c);
	return ok;
}
