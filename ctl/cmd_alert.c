#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "ctl/cmd.h"
#include "ctl/json.h"
#include "ctl/table.h"

/* All ways together take two minutes at most, after an alert that is being sent just now. */
enum { TEST_WAIT_MS = 260 * 1000 };

struct ways {
	bool wants_json;
	struct json json;
	struct table table;
	size_t n;
};

/* Each way: what it is, whether it took the test, and what it said. */
static void on_way(void *context, const struct link_row *row)
{
	struct ways *ways = context;
	bool good = span_equal(row->cells[1], SPAN("good"));
	if (!span_equal(row->kind, SPAN(ROW_WAY)))
		return;
	ways->n++;
	if (!ways->wants_json) {
		const struct span cells[] = {row->cells[0], span_of(good ? _("sent") : _("failed")), row->cells[2]};
		table_add(&ways->table, cells);
		return;
	}
	json_object(&ways->json);
	json_key(&ways->json, "way");
	json_string(&ways->json, row->cells[0]);
	json_key(&ways->json, "sent");
	json_bool(&ways->json, good);
	json_key(&ways->json, "said");
	json_string(&ways->json, row->cells[2]);
	json_end_object(&ways->json);
}

static void begin(struct ways *ways)
{
	static const char *const headings[] = {N_("WAY"), N_("RESULT"), N_("SAID")};
	table_init(&ways->table, 3, 0, headings);
	json_init(&ways->json, stdout);
	if (!ways->wants_json)
		return;
	json_object(&ways->json);
	json_key(&ways->json, "ways");
	json_array(&ways->json);
}

static void end(struct ways *ways)
{
	if (ways->wants_json) {
		json_end_array(&ways->json);
		json_end_object(&ways->json);
		json_finish(&ways->json);
	} else if (ways->n) {
		table_print(&ways->table, 0, stdout);
	}
	table_free(&ways->table);
}

static int ask(struct ways *ways, int fd)
{
	struct link_answer answer = {.row = on_way, .context = ways, .wait_ms = TEST_WAIT_MS};
	const struct wire_alert_test test = {.test = true};
	struct str request;
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_alert_test(&test, &request);
	begin(ways);
	bool answered = link_ask(fd, &request, &answer);
	end(ways);
	fd_close(&answer.fd);
	if (!answered)
		return cmd_fail("%s", answer.said);
	if (!ways->n)
		return cmd_fail(
			_("no virtual server can carry the test now, and `alert` has neither `command` nor `via`"));
	return answer.exit_code ? EXIT_FAILED : EXIT_DONE;
}

int cmd_alert_test(struct ctl *ctl)
{
	static struct ways ways;
	char why[LINK_TEXT_MAX + 1];
	int status;
	int fd = cmd_connect(ctl, &status);
	char *run_dir = cmd_run_dir(ctl);
	bool running = fd >= 0 && run_dir;
	fd_close(&fd);
	if (!running) {
		free(run_dir);
		return fd < 0 && run_dir ? status : cmd_fail(_("no memory"));
	}
	ways = (struct ways){.wants_json = ctl->options.given & OPTION_JSON};
	fd = link_to_child(run_dir, "", CHILD_ALERTS, why);
	free(run_dir);
	status = fd < 0 ? cmd_fail("%s", why) : ask(&ways, fd);
	fd_close(&fd);
	return status;
}
