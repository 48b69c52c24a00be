#include "queue/console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/host/rows.h"
#include "queue/explain.h"
#include "queue/operate.h"
#include "queue/report.h"

enum { OUT_MAX = 8 << 20, OUT_ENOUGH = 64 * 1024, LIST_SLICE = 32 };

enum ctl_work { CTL_NOTHING, CTL_LIST, CTL_ACT, CTL_EXPLAIN };

struct ctl {
	int fd;
	size_t at; /* in queue->ctls */
	enum ctl_work work;
	struct operate_selection selection;
	struct message *cursor; /* the next message to look at */
	size_t left;            /* messages to look at, at most: those that come meanwhile don't count */
	size_t limit, done;
	enum row_action action;
	bool count_only;
	struct explain *explain; /* in CTL_EXPLAIN; owned */
	bool slow;               /* its socket is full */
	struct str out;          /* packets that wait, each after its length */
	size_t sent;             /* octets of out */
};

struct ctl *console_attach(struct queue *q, int fd)
{
	for (size_t i = 0; i < QUEUE_CTLS_MAX; i++) {
		struct ctl *c = q->ctls[i] ? NULL : calloc(1, sizeof(*c));
		if (!c)
			continue;
		c->fd = fd;
		c->at = i;
		str_init(&c->out, OUT_MAX);
		fd_set_nonblock(fd, true);
		q->ctls[i] = c;
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

void console_close(struct queue *q, struct ctl *c)
{
	q->ctls[c->at] = NULL;
	fd_close(&c->fd);
	explain_free(q, c->explain);
	str_free(&c->out);
	free(c);
}

void console_free(struct queue *q)
{
	for (size_t i = 0; i < QUEUE_CTLS_MAX; i++)
		if (q->ctls[i])
			console_close(q, q->ctls[i]);
}

void console_forget(struct queue *q, const struct message *m)
{
	for (size_t i = 0; i < QUEUE_CTLS_MAX; i++)
		if (q->ctls[i] && q->ctls[i]->cursor == m)
			q->ctls[i]->cursor = m->hh.next;
}

static void done(struct ctl *c, uint64_t exit_code, const char *text)
{
	report_done(&c->out, exit_code, text);
	c->work = CTL_NOTHING;
	c->cursor = NULL;
}

static void begin(struct queue *q, struct ctl *c, enum ctl_work work)
{
	c->work = work;
	c->cursor = q->messages.table;
	c->left = messages_count(&q->messages);
	c->done = 0;
}

static void finish(struct ctl *c)
{
	if (c->work == CTL_ACT)
		report_count(&c->out, c->done);
	done(c, 0, "");
}

/* One message of a listing or an action. */
static void look_at(struct queue *q, struct ctl *c, struct message *m)
{
	struct whole *w = operate_peek(q, m);
	bool selected = w && operate_selects(q, &c->selection, w);
	if (selected && c->work == CTL_LIST)
		report_message(q, m, w, &c->out);
	operate_unpeek(w);
	if (selected && c->work == CTL_ACT && !c->count_only)
		selected = operate_act(q, m, c->action);
	c->done += selected;
}

/* Its answers come on the link of the resolver, or its time ends: a turn each second sees to that. */
static void go_on_explaining(struct queue *q, struct ctl *c)
{
	if (!explain_ready(q, c->explain))
		return;
	explain_finish(q, c->explain, &c->out);
	explain_free(q, c->explain);
	c->explain = NULL;
	c->work = CTL_NOTHING;
}

/* A slice of a listing. True: more can be done at once. */
static bool go_on(struct queue *q, struct ctl *c)
{
	if (c->work == CTL_EXPLAIN) {
		go_on_explaining(q, c);
		return false;
	}
	for (int i = 0; c->work != CTL_NOTHING && i < LIST_SLICE && c->out.len < OUT_ENOUGH; i++) {
		struct message *m = c->cursor;
		if (!m || !c->left || (c->limit && c->done == c->limit)) {
			finish(c);
			break;
		}
		c->cursor = m->hh.next;
		c->left--;
		look_at(q, c, m);
	}
	return c->work != CTL_NOTHING;
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

/* Sends what the reader takes. False: the reader is gone. */
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

bool console_turn(struct queue *q)
{
	bool more = false;
	for (size_t i = 0; i < QUEUE_CTLS_MAX; i++) {
		struct ctl *c = q->ctls[i];
		if (!c)
			continue;
		bool unfinished = go_on(q, c);
		if (!flush(c)) /* its end will be read; nothing more is made for it */
			done(c, 0, "");
		else
			more |= unfinished && !c->slow;
	}
	return more;
}

/* The two requests that select have the same fields for it. */
#define SELECT(packet, s)                                                                                              \
	(span_copy((packet).select_id, (s)->id, sizeof((s)->id)) &&                                                    \
	 span_copy((packet).select_sender, (s)->sender, sizeof((s)->sender)) &&                                        \
	 span_copy((packet).select_recipient, (s)->recipient, sizeof((s)->recipient)) &&                               \
	 span_copy((packet).select_domain, (s)->domain, sizeof((s)->domain)))

static bool request_list(struct queue *q, struct ctl *c, struct span text)
{
	struct wire_queue_list packet;
	if (!wire_decode_queue_list(text, &packet) || !SELECT(packet, &c->selection))
		return false;
	c->selection.older_s = (int64_t)packet.older_s;
	c->limit = packet.limit;
	begin(q, c, CTL_LIST);
	return true;
}

static bool request_act(struct queue *q, struct ctl *c, struct span text)
{
	struct wire_queue_act packet;
	if (!wire_decode_queue_act(text, &packet) || !SELECT(packet, &c->selection))
		return false;
	if (packet.action != ROW_RETRY && packet.action != ROW_DELETE)
		return false;
	c->selection.older_s = (int64_t)packet.older_s;
	c->action = (enum row_action)packet.action;
	c->count_only = packet.count_only;
	c->limit = 0;
	begin(q, c, CTL_ACT);
	return true;
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
	struct whole *w = m ? operate_peek(q, m) : NULL;
	if (w)
		report_show(q, m, w, &c->out);
	done(c, !w, w ? "" : "no such message in the queue");
	operate_unpeek(w);
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
	memset(&c->selection, 0, sizeof(c->selection));
	switch (wire_type_of(text)) {
	case WIRE_queue_list:
		return request_list(q, c, text);
	case WIRE_queue_show:
		return request_show(q, c, text);
	case WIRE_queue_act:
		return request_act(q, c, text);
	case WIRE_queue_status:
		return request_status(q, c, text);
	case WIRE_explain_route:
		return request_explain(q, c, text);
	default:
		return false;
	}
}

bool console_receive(struct queue *q, struct ctl *c)
{
	struct ipc_packet packet;
	int err = ipc_receive(c->fd, q->buffer, WIRE_PACKET_MAX, MSG_DONTWAIT, &packet);
	if (err == -EAGAIN)
		return true;
	bool ok = !err && !packet.eof && packet.fd_count == 0 && request(q, c, packet.text);
	if (!err)
		ipc_packet_close(&packet);
	if (!ok)
		console_close(q, c);
	return ok;
}
