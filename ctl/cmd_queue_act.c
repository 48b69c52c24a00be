#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "ctl/actwords.h"
#include "ctl/queues.h"

enum { UNKNOWN_SHOWN = 10 };

/* An action through counting, confirmation and execution. */
struct action {
	struct queues queues;
	const struct actwords *words;
	bool count_only;
	uint64_t counts[ACTWORDS_COUNTS];
	bool known[OPTIONS_WORDS_MAX]; /* for each id: some queue has it */
};

static bool write_act(void *context, const char *id, struct str *request)
{
	const struct action *action = context;
	struct wire_queue_act act = {
		.action = action->words->action,
		QUEUES_SELECTION(id, &action->queues.ctl->options),
		.count_only = action->count_only,
	};
	return wire_encode_queue_act(&act, request);
}

static void on_count_row(void *context, const struct link_row *row)
{
	struct action *action = context;
	uint64_t n;
	if (!span_equal(row->kind, SPAN(ROW_COUNT)))
		return;
	for (size_t i = 0; i < ACTWORDS_COUNTS; i++) {
		if (!span_to_u64(row->cells[i], UINT32_MAX, &n))
			continue;
		action->counts[i] += n;
		action->known[action->queues.id] |= n > 0;
	}
}

static void act(struct action *action, bool count_only)
{
	action->count_only = count_only;
	memset(action->counts, 0, sizeof(action->counts));
	queues_ask(&action->queues,
		   &(struct queues_request){.write = write_act, .row = on_count_row, .context = action});
}

static bool selects(const struct ctl *ctl)
{
	if (queues_selects(ctl))
		return true;
	cmd_fail(_(
		"which messages? Name IDs, or select by --domain, --recipient, --sender, --older 2h, --larger 5M, --reason TEXT, --attempts N or --server, or write --all; `mailrootctl queue list` with the same selection shows them"));
	return false;
}

static size_t count_unknown(const struct action *action)
{
	size_t n = 0;
	for (size_t i = 0; i < action->queues.ctl->arg_count; i++)
		n += !action->known[i];
	return n;
}

/* Ids that no queue has. */
static void tell_unknown(const struct action *action)
{
	const struct ctl *ctl = action->queues.ctl;
	size_t n = 0;
	for (size_t i = 0; i < ctl->arg_count; i++) {
		if (!action->known[i] && n++ < UNKNOWN_SHOWN)
			cmd_fail(
				_("%s: no such message in the queue; `mailrootctl trace %s` shows what happened to it"),
				ctl->args[i], ctl->args[i]);
	}
	if (n > UNKNOWN_SHOWN)
		cmd_fail(_("%zu more are not in the queue"), n - UNKNOWN_SHOWN);
}

static void print_json(const struct action *action)
{
	static const char *const others[] = {NULL, "in_hand", "already", "failed"};
	const struct ctl *ctl = action->queues.ctl;
	struct json json;
	json_init(&json, stdout);
	json_object(&json);
	for (size_t i = 0; i < ACTWORDS_COUNTS; i++) {
		json_key(&json, i == ACTWORDS_DONE ? action->words->done : others[i]);
		json_number(&json, (int64_t)action->counts[i]);
	}
	json_key(&json, "unknown");
	json_array(&json);
	for (size_t i = 0; i < ctl->arg_count; i++) {
		if (!action->known[i])
			json_string(&json, span_of(ctl->args[i]));
	}
	json_end_array(&json);
	json_end_object(&json);
	json_finish(&json);
}

static void print_text(const struct action *action)
{
	char done[ACTWORDS_MAX];
	bool any = action->counts[ACTWORDS_DONE];
	actwords_done(action->words, action->counts, done);
	printf("%s%s%s\n", done, any ? " " : "", any ? _(action->words->next) : "");
}

/* Another attempt does no harm to messages that the user has named. */
static bool confirmed(const struct action *action, const char *sentence)
{
	const struct ctl *ctl = action->queues.ctl;
	return (action->words->action == ROW_RETRY && ctl->arg_count) || cmd_confirm(ctl, sentence);
}

/* Counts, asks for confirmation, and acts. */
static int go(struct action *action)
{
	struct ctl *ctl = action->queues.ctl;
	char sentence[ACTWORDS_MAX];
	act(action, true);
	bool json = ctl->options.given & OPTION_JSON;
	uint64_t count = action->counts[ACTWORDS_DONE], already = action->counts[ACTWORDS_ALREADY];
	if (!json)
		tell_unknown(action);
	size_t unknown = count_unknown(action);
	if (!count && !already && unknown && !json)
		return EXIT_FAILED;
	if (!count) {
		actwords_nothing(action->words, already, sentence);
		return cmd_fail("%s", sentence);
	}
	actwords_will(action->words, count, sentence);
	if (!confirmed(action, sentence))
		return EXIT_FAILED;
	act(action, false);
	if (json)
		print_json(action);
	else
		print_text(action);
	return action->counts[ACTWORDS_FAILED] || unknown || action->queues.failed ? EXIT_FAILED : EXIT_DONE;
}

static int run(struct ctl *ctl, enum row_action what)
{
	static struct action action;
	int status;
	action = (struct action){.words = actwords_find(what)};
	if (!selects(ctl))
		return EXIT_USAGE;
	if (!queues_open(ctl, &action.queues, &status))
		return status;
	status = go(&action);
	queues_close(&action.queues);
	return status;
}

int cmd_queue_retry(struct ctl *ctl)
{
	return run(ctl, ROW_RETRY);
}

int cmd_queue_hold(struct ctl *ctl)
{
	return run(ctl, ROW_HOLD);
}

int cmd_queue_release(struct ctl *ctl)
{
	return run(ctl, ROW_RELEASE);
}

int cmd_queue_delete(struct ctl *ctl)
{
	return run(ctl, ROW_DELETE);
}

int cmd_queue_bounce(struct ctl *ctl)
{
	return run(ctl, ROW_BOUNCE);
}
