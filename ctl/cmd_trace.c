#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "common/mail/msgid.h"
#include "ctl/logsource.h"
#include "ctl/queues.h"
#include "ctl/table.h"
#include "ctl/words.h"

enum { IDS_MAX = 1000, EVENTS_MAX = 50000, ARENA_MAX = 128 << 20, PATH_SIZE = 40 };

struct event {
	size_t of; /* index in ids */
	const char *time, *program, *server, *text;
};

struct traced {
	char id[MSGID_LEN + 1];
	bool found; /* a queue or a badmail folder has it */
	size_t events;
};

struct trace {
	struct queues queues;
	struct span wanted; /* the id or address in question */
	struct traced ids[IDS_MAX];
	size_t id_count;
	bool too_many;
	struct event *events;
	size_t event_count, event_room;
	struct arena arena;
	struct json json;
	bool json_state; /* the state of the current id was written */
	struct logsource_report report;
};

static struct traced *find(struct trace *t, struct span id)
{
	for (size_t i = 0; i < t->id_count; i++)
		if (span_equal(id, span_of(t->ids[i].id)))
			return &t->ids[i];
	return NULL;
}

static void add_id(struct trace *t, struct span id)
{
	if (!msgid_valid(id) || find(t, id))
		return;
	if (t->id_count == IDS_MAX) {
		t->too_many = true;
		return;
	}
	span_copy(id, t->ids[t->id_count++].id, sizeof(t->ids[0].id));
}

static bool concerns(const struct trace *t, const struct logline *line)
{
	return span_equal_nocase(logline_get(line, "from"), t->wanted) ||
	       span_equal_nocase(logline_get(line, "to"), t->wanted);
}

/* First pass: finds the messages in question, and those that they caused. */
static void on_line_ids(void *context, const struct logline *line)
{
	struct trace *t = context;
	struct span id = logline_get(line, "id"), was = logline_get(line, "was");
	if (concerns(t, line))
		add_id(t, id);
	if (find(t, id) && span_equal(logline_get(line, "status"), SPAN("noticed")))
		add_id(t, logline_get(line, "text"));
	if (was.len && (find(t, id) || find(t, was))) {
		add_id(t, was);
		add_id(t, id);
	}
}

static bool make_room(struct trace *t)
{
	if (t->event_count < t->event_room)
		return true;
	size_t room = t->event_room ? 2 * t->event_room : 256;
	struct event *more = room > EVENTS_MAX ? NULL : reallocarray(t->events, room, sizeof(*more));
	if (!more)
		return false;
	t->events = more;
	t->event_room = room;
	return true;
}

static const char *keep(struct trace *t, struct span text)
{
	const char *kept = arena_copy(&t->arena, text);
	return kept ? kept : "";
}

/* Second pass: prints their events. */
static void on_line_events(void *context, const struct logline *line)
{
	struct trace *t = context;
	struct traced *of = find(t, logline_get(line, "id"));
	if (!of)
		return;
	if (!make_room(t)) {
		t->too_many = true;
		return;
	}
	of->events++;
	t->events[t->event_count++] = (struct event){(size_t)(of - t->ids), keep(t, line->time), keep(t, line->program),
						     keep(t, line->server), keep(t, line->text)};
}

static bool write_list(void *context, const char *id, struct str *request)
{
	const struct trace *t = context;
	struct wire_queue_list list = {.limit = IDS_MAX};
	(void)id;
	if (t->wanted.len && span_find(t->wanted, '@') < t->wanted.len)
		list.select_recipient = t->wanted;
	return wire_encode_queue_list(&list, request);
}

static bool write_list_of_sender(void *context, const char *id, struct str *request)
{
	const struct trace *t = context;
	struct wire_queue_list list = {.limit = IDS_MAX, .select_sender = t->wanted};
	(void)id;
	return wire_encode_queue_list(&list, request);
}

static void on_listed(void *context, const struct link_row *row)
{
	if (span_equal(row->kind, SPAN(ROW_MESSAGE)))
		add_id(context, row->cells[0]);
}

/* Mail that waits for the address now: the log may be incomplete. */
static void ask_queues(struct trace *t)
{
	struct ctl *ctl = t->queues.ctl;
	size_t args = ctl->arg_count;
	ctl->arg_count = 0;
	queues_ask(&t->queues, &(struct queues_request){.write = write_list, .row = on_listed, .context = t});
	queues_ask(&t->queues, &(struct queues_request){.write = write_list_of_sender, .row = on_listed, .context = t});
	ctl->arg_count = args;
}

struct state_question {
	struct trace *trace;
	struct traced *of;
	bool badmail;
};

static bool write_show(void *context, const char *id, struct str *request)
{
	const struct state_question *question = context;
	const struct wire_queue_show show = {.id = span_of(question->of->id)};
	const struct wire_badmail_show bad = {.id = span_of(question->of->id)};
	(void)id;
	return question->badmail ? wire_encode_badmail_show(&bad, request) : wire_encode_queue_show(&show, request);
}

static void tell_state(struct state_question *question, const char *state, struct span why, const char *command)
{
	struct trace *t = question->trace;
	if (t->queues.ctl->options.given & OPTION_JSON) {
		json_key(&t->json, "now");
		json_string(&t->json, span_of(state));
		json_key(&t->json, "server");
		json_string(&t->json, span_of(t->queues.server));
		json_key(&t->json, "why");
		json_string(&t->json, why);
		return;
	}
	printf(question->badmail
		       ? _("  now: %s on server %s%s%.*s\n       `mailrootctl %s show %s` shows more\n")
		       : _("  now: in the queue, %s on server %s%s%.*s\n       `mailrootctl %s show %s` shows more\n"),
	       words_shown(state), t->queues.server, why.len ? ": " : "", SPAN_ARGS(words_cell(why)), command,
	       question->of->id);
}

static void on_state(void *context, const struct link_row *row)
{
	struct state_question *question = context;
	char state[16];
	if (question->of->found)
		return;
	if (span_equal(row->kind, SPAN(ROW_MESSAGE))) {
		span_clean(row->cells[1], state, sizeof(state));
		question->of->found = true;
		tell_state(question, state, row->cells[9], "queue");
	} else if (span_equal(row->kind, SPAN(ROW_BADMAIL))) {
		question->of->found = true;
		tell_state(question, "badmail", row->cells[7], "badmail");
	}
}

static void ask_state(struct trace *t, struct traced *of)
{
	struct ctl *ctl = t->queues.ctl;
	size_t args = ctl->arg_count;
	struct state_question question = {t, of, false};
	ctl->arg_count = 0;
	for (int i = 0; i < 2 && !of->found; i++) {
		question.badmail = i == 1;
		queues_ask(&t->queues,
			   &(struct queues_request){
				   .write = write_show, .row = on_state, .context = &question, .quiet = true});
	}
	ctl->arg_count = args;
}

static void print_one(struct trace *t, size_t at)
{
	struct traced *of = &t->ids[at];
	printf("%s\n", of->id);
	for (size_t i = 0; i < t->event_count; i++) {
		const struct event *e = &t->events[i];
		if (e->of == at)
			printf("  %s%s%s%s%s%s: %s\n", e->time, e->time[0] ? " " : "", e->program,
			       e->server[0] ? "[" : "", e->server, e->server[0] ? "]" : "", e->text);
	}
	ask_state(t, of);
	if (!of->found)
		puts(_("  now: neither in a queue nor in badmail"));
}

static void one_json(struct trace *t, size_t at)
{
	struct json *json = &t->json;
	struct traced *of = &t->ids[at];
	json_object(json);
	json_key(json, "id");
	json_string(json, span_of(of->id));
	json_key(json, "events");
	json_array(json);
	for (size_t i = 0; i < t->event_count; i++) {
		const struct event *e = &t->events[i];
		if (e->of != at)
			continue;
		json_object(json);
		json_key(json, "time");
		json_string(json, span_of(e->time));
		json_key(json, "program");
		json_string(json, span_of(e->program));
		json_key(json, "server");
		json_string(json, span_of(e->server));
		json_key(json, "text");
		json_string(json, span_of(e->text));
		json_end_object(json);
	}
	json_end_array(json);
	ask_state(t, of);
	if (!of->found) {
		json_key(json, "now");
		json_string(json, span_of("gone"));
	}
	json_end_object(json);
}

static void tell_json(struct trace *t)
{
	struct json *json = &t->json;
	json_init(json, stdout);
	json_object(json);
	json_key(json, "messages");
	json_array(json);
	for (size_t i = 0; i < t->id_count; i++)
		one_json(t, i);
	json_end_array(json);
	json_key(json, "searched");
	json_array(json);
	for (size_t i = 0; i < t->report.searched_count; i++)
		json_string(json, span_of(t->report.searched[i]));
	json_end_array(json);
	json_key(json, "not_searched");
	json_array(json);
	for (size_t i = 0; i < t->report.missed_count; i++)
		json_string(json, span_of(t->report.missed[i]));
	json_end_array(json);
	json_end_object(json);
	json_finish(json);
}

static bool is_anywhere(const struct trace *t)
{
	for (size_t i = 0; i < t->id_count; i++)
		if (t->ids[i].events || t->ids[i].found)
			return true;
	return false;
}

static void tell(struct trace *t)
{
	for (size_t i = 0; i < t->id_count; i++)
		print_one(t, i);
	if (t->too_many)
		puts(_("There is more: trace one ID, or name a log with --log."));
	logsource_tell(&t->report, stdout);
	printf(ngettext("          and the queue and badmail of %zu virtual server\n",
			"          and the queue and badmail of %zu virtual servers\n", t->queues.count),
	       t->queues.count);
}

static int run(struct trace *t)
{
	const struct ctl *ctl = t->queues.ctl;
	char log[PATH_SIZE];
	const char *from = ctl->options.log;
	int copy = logsource_keep(from, log, sizeof(log));
	if (copy >= 0)
		from = log;
	if (msgid_valid(t->wanted))
		add_id(t, t->wanted);
	logsource_read(from, on_line_ids, t, &t->report);
	if (!msgid_valid(t->wanted))
		ask_queues(t);
	logsource_read(from, on_line_events, t, &t->report);
	if (ctl->options.given & OPTION_JSON)
		tell_json(t);
	else
		tell(t);
	fd_close(&copy);
	if (is_anywhere(t))
		return EXIT_DONE;
	return cmd_fail(_("nothing was found about %.*s; name another log with --log"), SPAN_ARGS(t->wanted));
}

int cmd_trace(struct ctl *ctl)
{
	static struct trace trace;
	struct span wanted = span_of(ctl->args[0]);
	int status;
	if (!msgid_valid(wanted) && !span_equal(wanted, SPAN("<>")) && span_find(wanted, '@') == wanted.len) {
		cmd_fail(
			_("%.60s: neither the ID of a message (24 characters, as in `queue list` and in the log) nor an address"),
			ctl->args[0]);
		return EXIT_USAGE;
	}
	trace = (struct trace){.wanted = wanted};
	arena_init(&trace.arena, ARENA_MAX);
	if (!queues_open(ctl, &trace.queues, &status))
		return status;
	status = run(&trace);
	queues_close(&trace.queues);
	arena_free(&trace.arena);
	free(trace.events);
	return status;
}
