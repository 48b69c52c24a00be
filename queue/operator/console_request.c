#include <string.h>

#include "queue/operator/as_sent.h"
#include "queue/operator/console.h"
#include "queue/operator/console_link.h"
#include "queue/operator/explain.h"
#include "queue/operator/probe.h"
#include "queue/operator/report.h"
#include "queue/spool/badmail.h"

enum { SECOND_MS = 1000 };

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
	if ((packet.action < ROW_RETRY || packet.action > ROW_BOUNCE) && packet.action != ROW_YIELD)
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
		console_done(c, 1, strerror(-fd));
		return;
	}
	text_stream_open(&c->text, fd);
	c->work = CTL_TEXT;
}

/* Sends the text of M as it goes to the next hop of RECIPIENT. */
static void show_sent(struct queue *q, struct ctl *c, struct message *m, struct span recipient)
{
	char why[AS_SENT_WHY_MAX];
	if (as_sent_open(q, m, recipient, &c->text, why))
		c->work = CTL_TEXT;
	else
		console_done(c, 1, why);
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
	if (m && packet.sent) {
		show_sent(q, c, m, packet.recipient);
		return true;
	}
	if (m && packet.message) {
		show_text(c, store_open_message(&q->store, m));
		return true;
	}
	struct loaded *w = m ? operate_peek(q, m) : NULL;
	if (w)
		report_show(q, m, w, &c->out);
	console_done(c, !w, w ? "" : "no such message in the queue");
	operate_unpeek(w);
	return true;
}

static bool begin_badmail(struct queue *q, struct ctl *c)
{
	int err = badmail_survey_begin(q, &c->badmail);
	if (err)
		console_done(c, 1, strerror(-err));
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
	console_done(c, !found, found ? "" : "no such message in badmail");
	return true;
}

static bool request_status(struct console *all, struct ctl *c, struct span text)
{
	struct wire_queue_status packet;
	if (!wire_decode_queue_status(text, &packet))
		return false;
	if (packet.detail)
		ages_want(&all->ages, all->queue);
	report_status(all->queue, packet.detail ? &all->ages : NULL, &c->out);
	console_done(c, 0, "");
	return true;
}

static bool request_test(struct queue *q, struct ctl *c, struct span text)
{
	struct wire_queue_test packet;
	char why[PROBE_WHY_MAX];
	if (!wire_decode_queue_test(text, &packet))
		return false;
	if (!probe_begin(q, packet.sender, packet.recipient, c->probe, why)) {
		console_done(c, 2, why);
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
		console_done(c, 2, why);
	return true;
}

bool console_request(struct console *all, struct ctl *c, struct span text)
{
	struct queue *q = all->queue;
	if (c->work != CTL_NOTHING)
		return false; /* one at a time */
	switch (wire_admit(c->link, WIRE_UP, text)) {
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
		return request_status(all, c, text);
	case WIRE_queue_test:
		return request_test(q, c, text);
	case WIRE_explain_route:
		return request_explain(q, c, text);
	default:
		return false;
	}
}
