#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "ctl/cmd.h"
#include "ctl/journal.h"
#include "ctl/json.h"
#include "ctl/service.h"
#include "ctl/settle.h"
#include "ctl/words.h"

enum { STOP_WAIT_MS = 40000, REPORT_MAX = 1 << 20, CONFIRM_MIN_S = 1, CONFIRM_MAX_S = 7 * 86400 };

static void collect(void *context, struct span text)
{
	str_append(context, text);
}

static void print_lines(struct json *json, struct span text)
{
	struct span line;
	json_array(json);
	while (span_line(&text, &line))
		json_string(json, line);
	json_end_array(json);
}

static void reload_json(const struct link_answer *answer, const struct str *report, const struct str *trouble)
{
	struct json json;
	json_init(&json, stdout);
	json_object(&json);
	json_key(&json, "reloaded");
	json_bool(&json, answer->exit_code != ROW_REFUSED);
	json_key(&json, "report");
	print_lines(&json, str_span(report));
	json_key(&json, "trouble");
	print_lines(&json, str_span(trouble));
	json_end_object(&json);
	json_finish(&json);
}

/* Waits until the new policy is in force, which is what the output says. */
static void await_smtpd(const struct ctl *ctl)
{
	char *run_dir = cmd_run_dir(ctl);
	if (run_dir)
		service_await(run_dir);
	free(run_dir);
}

/* False: a process that was to be renewed did not come up. */
static bool await_processes(const struct ctl *ctl, struct str *to)
{
	char *run_dir = cmd_run_dir(ctl);
	bool good = run_dir && settle_wait(run_dir, to);
	free(run_dir);
	return good;
}

static bool confirm_is_clear(const struct options *options)
{
	bool confirm = options->given & OPTION_CONFIRM;
	if (confirm && options->given & OPTION_CONFIRMED)
		cmd_fail(_("--confirm starts a reload on probation, --confirmed confirms it: use one of them"));
	else if (confirm && (options->confirm_s < CONFIRM_MIN_S || options->confirm_s > CONFIRM_MAX_S))
		cmd_fail(_("--confirm takes a time from 1s to 7d"));
	else
		return true;
	return false;
}

/* Errors go to stderr, with the journal's mark where the journal reads it. */
static void print_lines_to(const struct str *text, FILE *to)
{
	struct span rest = str_span(text), line;
	const char *mark = to == stderr ? journal_mark(STDERR_FILENO) : "";
	while (span_line(&rest, &line))
		fprintf(to, "%s%.*s\n", mark, SPAN_ARGS(words_cell(line)));
}

static uint64_t count_waiting(const struct service *service)
{
	uint64_t sum = 0, n;
	for (size_t i = 0; i < service->server_count; i++) {
		const struct service_facts *queue = &service->servers[i].queue;
		for (size_t j = 0; j < queue->n; j++) {
			if (strcmp(queue->at[j].name, "waiting") == 0 &&
			    span_to_u64(span_of(queue->at[j].value), UINT32_MAX, &n))
				sum += n;
		}
	}
	return sum;
}

/* After a repair the administrator wants to know whether mail moves. */
static void tell_waiting(const struct ctl *ctl)
{
	static struct service service;
	char *run_dir = cmd_run_dir(ctl);
	char said[LINK_TEXT_MAX + 1];
	int fd = run_dir ? link_to_master(run_dir) : -1;
	if (fd >= 0 && service_ask(fd, &service, said)) {
		service_ask_facts(run_dir, &service, false);
		uint64_t n = count_waiting(&service);
		if (n)
			printf(ngettext(
				       "%llu message waits in the queue: `mailrootctl queue list` shows it, `queue retry --all` tries at once.\n",
				       "%llu messages wait in the queue: `mailrootctl queue list` shows them, `queue retry --all` tries at once.\n",
				       n),
			       (unsigned long long)n);
		service_free(&service);
	}
	fd_close(&fd);
	free(run_dir);
}

int cmd_reload(struct ctl *ctl)
{
	struct wire_ctl_reload reload = {
		.confirm_s = ctl->options.confirm_s,
		.confirmed = ctl->options.given & OPTION_CONFIRMED,
	};
	struct link_answer answer = {.text = collect};
	struct str request, report, trouble;
	int status;
	if (!confirm_is_clear(&ctl->options))
		return EXIT_USAGE;
	int fd = cmd_connect(ctl, &status);
	if (fd < 0)
		return status;
	str_init(&request, WIRE_PACKET_MAX);
	str_init(&report, REPORT_MAX);
	str_init(&trouble, REPORT_MAX);
	answer.context = &report;
	wire_encode_ctl_reload(&reload, &request);
	bool taken = link_ask(fd, &request, &answer) && answer.exit_code != ROW_REFUSED;
	bool good = taken && answer.exit_code == ROW_RELOADED, settled = true;
	if (taken && !reload.confirmed) {
		await_smtpd(ctl);
		settled = await_processes(ctl, &trouble);
	}
	if (ctl->options.given & OPTION_JSON)
		reload_json(&answer, &report, &trouble);
	else {
		print_lines_to(&report, good && settled ? stdout : stderr);
		print_lines_to(&trouble, good && settled ? stdout : stderr);
	}
	if (!good || !settled)
		cmd_fail(taken ? _("%s, but not all of it works; correct it, then: mailrootctl reload") : "%s",
			 words_shown(answer.said));
	else if (!(ctl->options.given & OPTION_JSON))
		printf("%s\n", words_shown(answer.said));
	if (good && settled && !(ctl->options.given & OPTION_JSON))
		tell_waiting(ctl);
	fd_close(&answer.fd);
	fd_close(&fd);
	str_free(&report);
	str_free(&trouble);
	return good && settled ? EXIT_DONE : EXIT_FAILED;
}

/* Master keeps the connection open until it ends. */
static bool wait_for_end(int fd)
{
	struct pollfd end = {.fd = fd, .events = POLLIN};
	return poll(&end, 1, STOP_WAIT_MS) > 0;
}

int cmd_stop(struct ctl *ctl)
{
	struct wire_ctl_stop stop = {.now = ctl->options.given & OPTION_NOW};
	struct link_answer answer = {0};
	struct str request;
	int status;
	int fd = cmd_connect(ctl, &status);
	if (fd < 0)
		return status;
	if (!cmd_confirm(ctl, _("The whole service stops; waiting mail stays in the queue."))) {
		fd_close(&fd);
		return EXIT_FAILED;
	}
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_ctl_stop(&stop, &request);
	if (!link_ask(fd, &request, &answer) || answer.exit_code)
		status = cmd_fail("%s", answer.said);
	else if (!wait_for_end(fd))
		status = cmd_fail(
			_("the service did not end within %d seconds; `mailrootctl stop --now` does not wait for sessions"),
			STOP_WAIT_MS / 1000);
	else
		status = EXIT_DONE;
	if (status == EXIT_DONE)
		puts(ctl->options.given & OPTION_JSON ? "{\"stopped\":true}" : _("stopped"));
	fd_close(&answer.fd);
	fd_close(&fd);
	return status;
}
