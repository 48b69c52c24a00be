#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "ctl/json.h"
#include "ctl/queues.h"
#include "ctl/table.h"
#include "ctl/words.h"

enum { WAIT_S = 120, CELL_MAX = 1200 };

/* The cells of ROW_OUTCOME. */
enum { ID, EVENT, CODE, ENHANCED, HOST, TEXT, OUTCOME_CELLS };
static const char *const outcome_keys[OUTCOME_CELLS] = {"id", "event", "code", "enhanced", "host", "text"};

struct test {
	struct queues queues;
	struct json json;
	bool array; /* the array of the dialogue is open */
	bool told;  /* the outcome was printed */
	bool delivered;
};

static bool wants_json(const struct test *test)
{
	return test->queues.ctl->options.given & OPTION_JSON;
}

static void end_array(struct test *test)
{
	if (test->array)
		json_end_array(&test->json);
	test->array = false;
}

static void outcome_json(struct test *test, const struct span *cells)
{
	end_array(test);
	for (size_t i = 0; i < OUTCOME_CELLS; i++) {
		json_key(&test->json, outcome_keys[i]);
		if (i == CODE)
			json_cell(&test->json, cells[i]);
		else
			json_string(&test->json, cells[i]);
	}
}

/* Prints the reply or reason, and its source. */
static void print_said(const struct span *cells)
{
	char words[TABLE_CELL_MAX];
	bool code = cells[CODE].len && !span_equal(cells[CODE], SPAN("0"));
	if (cells[HOST].len)
		printf(code ? _("%.*s said ") : "%.*s: ", SPAN_ARGS(cells[HOST]));
	else
		printf(_("this server: "));
	printf("%.*s\n", SPAN_ARGS(words_said(cells[CODE], cells[ENHANCED], cells[TEXT], words, sizeof(words))));
}

static bool is_login(const struct span *cells)
{
	return cells[CODE].len == 3 && span_starts(cells[CODE], SPAN("53")) && strchr("0458", cells[CODE].at[2]);
}

static void outcome_words(const struct test *test, const struct span *cells)
{
	const char *to = test->queues.ctl->options.to;
	char option[QUEUES_OPTION_MAX];
	if (test->delivered && cells[HOST].len) {
		fputs(_("Delivered: "), stdout);
		print_said(cells);
		puts(_("The log of that host shows what happens next."));
	} else if (test->delivered) {
		printf(_("Delivered: %.*s\n"), SPAN_ARGS(words_cell(cells[TEXT])));
	} else if (span_equal(cells[EVENT], SPAN("failed"))) {
		fputs(_("Refused permanently: "), stdout);
		print_said(cells);
		printf(_("`mailrootctl explain route %s%s` explains its route.\n"), to,
		       queues_server_option(&test->queues, option));
	} else {
		fputs(_("Not delivered yet: "), stdout);
		print_said(cells);
		if (is_login(cells))
			puts(_("The next hop does not accept our user and password: `mailrootctl config show` has the lines of username and password_file: correct them, then `mailrootctl reload`."));
		printf(_("It waits in the queue: `mailrootctl queue show %.*s` has its history, `queue delete %.*s` removes it.\n"),
		       SPAN_ARGS(cells[ID]), SPAN_ARGS(cells[ID]));
	}
}

static void on_row(void *context, const struct link_row *row)
{
	struct test *test = context;
	const struct span *cells = row->cells;
	bool ours = span_equal(cells[0], SPAN("we"));
	if (span_equal(row->kind, SPAN(ROW_SAID)) && wants_json(test)) {
		json_object(&test->json);
		json_key(&test->json, "by");
		json_string(&test->json, cells[0]);
		json_key(&test->json, "text");
		json_string(&test->json, cells[1]);
		json_end_object(&test->json);
	} else if (span_equal(row->kind, SPAN(ROW_SAID))) {
		printf("%s %.*s\n", cells[0].len ? (ours ? _("  we:  ") : _("  host:")) : " ",
		       SPAN_ARGS(cells[0].len ? cells[1] : words_cell(cells[1])));
		fflush(stdout);
	} else if (span_equal(row->kind, SPAN(ROW_OUTCOME))) {
		test->told = true;
		test->delivered =
			span_equal(cells[EVENT], SPAN("delivered")) || span_equal(cells[EVENT], SPAN("relayed"));
		if (wants_json(test))
			outcome_json(test, cells);
		else
			outcome_words(test, cells);
	}
}

static int ask(struct test *test)
{
	const struct options *options = &test->queues.ctl->options;
	struct wire_queue_test packet = {
		.recipient = span_of(options->to), .sender = span_of(options->from), .wait_s = WAIT_S};
	struct link_answer answer = {.row = on_row, .context = test};
	char why[LINK_TEXT_MAX + 1];
	struct str request;
	test->queues.server = test->queues.names[0];
	int fd = link_to_child(test->queues.run_dir, test->queues.server, CHILD_QUEUE, why);
	if (fd < 0)
		return cmd_fail(_("server %s: %s"), test->queues.server, why);
	str_init(&request, WIRE_PACKET_MAX);
	request.failed = !wire_encode_queue_test(&packet, &request);
	json_init(&test->json, stdout);
	if (wants_json(test)) {
		json_object(&test->json);
		json_key(&test->json, "dialogue");
		json_array(&test->json);
		test->array = true;
	} else {
		printf(_("A test message to %s by way of server %s:\n"), options->to, test->queues.server);
		fflush(stdout);
	}
	link_ask(fd, &request, &answer);
	fd_close(&answer.fd);
	fd_close(&fd);
	if (wants_json(test)) {
		end_array(test);
		json_end_object(&test->json);
		json_finish(&test->json);
	}
	if (!test->told)
		return cmd_fail("%s", answer.said);
	return test->delivered ? EXIT_DONE : EXIT_FAILED;
}

int cmd_test(struct ctl *ctl)
{
	static struct test test;
	int status;
	if (!ctl->options.to[0]) {
		cmd_fail(_("which recipient? Write --to ADDRESS; the message is really sent"));
		return EXIT_USAGE;
	}
	test = (struct test){.told = false};
	if (!queues_open(ctl, &test.queues, &status))
		return status;
	if (test.queues.count != 1) {
		cmd_fail(_("there are %zu virtual servers: add --server NAME"), test.queues.count);
		status = EXIT_USAGE;
	} else {
		status = ask(&test);
	}
	queues_close(&test.queues);
	return status;
}
