#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "ctl/cmd.h"
#include "ctl/json.h"
#include "ctl/service.h"
#include "ctl/settle.h"
#include "ctl/table.h"
#include "ctl/words.h"

static void key_text(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_string(json, span_of(text));
}

static void facts_json(struct json *json, const char *key, const struct service_facts *facts)
{
	json_key(json, key);
	json_object(json);
	for (size_t i = 0; i < facts->n; i++) {
		json_key(json, facts->at[i].name);
		json_cell(json, span_of(facts->at[i].value));
	}
	json_end_object(json);
}

static void attention_json(struct json *json, const struct service_server *server)
{
	json_key(json, "attention");
	json_array(json);
	for (size_t i = 0; i < server->attention_count; i++) {
		json_object(json);
		key_text(json, "role", server->attention[i].role);
		key_text(json, "text", server->attention[i].text);
		json_end_object(json);
	}
	json_end_array(json);
}

static void processes_json(struct json *json, const struct service_server *server)
{
	json_key(json, "processes");
	json_array(json);
	for (size_t i = 0; i < server->process_count; i++) {
		const struct service_process *process = &server->processes[i];
		json_object(json);
		key_text(json, "role", process->role);
		key_text(json, "state", process->state);
		json_key(json, "pid");
		json_cell(json, span_of(process->pid));
		json_key_number(json, "age_s", process->age_s);
		json_key_number(json, "restarts", process->restarts);
		key_text(json, "last_end", process->last_end);
		key_text(json, "version", process->version);
		json_end_object(json);
	}
	json_end_array(json);
}

static void recipients_json(struct json *json, const struct service_server *server)
{
	json_key(json, "recipients");
	json_array(json);
	for (size_t i = 0; i < server->recipients_count; i++) {
		const struct service_recipients *list = &server->recipients[i];
		json_object(json);
		key_text(json, "file", list->file);
		key_text(json, "state", list->state);
		json_key_number(json, "entries", list->entries);
		json_key_number(json, "age_s", list->age_s);
		json_end_object(json);
	}
	json_end_array(json);
}

static void server_json(struct json *json, const struct service_server *server)
{
	struct span listeners = span_of(server->listeners);
	json_object(json);
	key_text(json, "name", server->name);
	key_text(json, "state", server->state);
	key_text(json, "trouble", server->trouble);
	json_key(json, "listeners");
	json_array(json);
	while (listeners.len)
		json_string(json, span_take(&listeners, ' '));
	json_end_array(json);
	json_key_number(json, "sessions", server->sessions);
	processes_json(json, server);
	attention_json(json, server);
	facts_json(json, "smtpd", &server->smtpd);
	facts_json(json, "queue", &server->queue);
	key_text(json, "warning", server->smtpd.warning ? server->smtpd.warning : "");
	recipients_json(json, server);
	json_key(json, "mail_waits_for");
	json_array(json);
	for (size_t i = 0; i < server->wait_count; i++)
		json_string(json, span_of(server->waits[i]));
	json_end_array(json);
	json_end_object(json);
}

static void service_json(const struct service *service)
{
	struct json json;
	json_init(&json, stdout);
	json_object(&json);
	json_key(&json, "running");
	json_bool(&json, true);
	key_text(&json, "version", service->version);
	json_key(&json, "pid");
	json_cell(&json, span_of(service->pid));
	json_key_number(&json, "age_s", service->age_s);
	key_text(&json, "configuration", service->file);
	json_key(&json, "reloads");
	json_cell(&json, span_of(service->reloads));
	json_key(&json, "confirm_s");
	json_cell(&json, span_of(service->confirm_s));
	json_key(&json, "went_back");
	json_bool(&json, service->went_back[0]);
	processes_json(&json, &service->whole);
	attention_json(&json, &service->whole);
	json_key(&json, "servers");
	json_array(&json);
	for (size_t i = 0; i < service->server_count; i++)
		server_json(&json, &service->servers[i]);
	json_end_array(&json);
	json_end_object(&json);
	json_finish(&json);
}

static void print_facts(const char *what, const struct service_facts *facts)
{
	if (!facts->n)
		return;
	printf("  %s: ", what);
	for (size_t i = 0; i < facts->n; i++) {
		printf("%s", i ? ", " : "");
		for (const char *c = words_shown(facts->at[i].name); *c; c++)
			putchar(*c == '_' ? ' ' : *c);
		printf(" %s", facts->at[i].value);
	}
	putchar('\n');
}

static bool is_other_version(const struct service *service, const struct service_process *process)
{
	return process->version[0] && strcmp(process->version, service->version) != 0;
}

/* During an upgrade: what processes of the previous version still do. */
static void print_sessions_of_others(const struct service *service, const struct service_server *server)
{
	for (size_t i = 0; i < server->process_count; i++) {
		const struct service_process *process = &server->processes[i];
		unsigned long long n = process->sessions;
		if (n && is_other_version(service, process))
			printf(ngettext("  %llu session of version %s finishes\n",
					"  %llu sessions of version %s finish\n", n),
			       n, process->version);
	}
}

static void print_processes(const struct service *service, const struct service_server *server)
{
	struct table table;
	table_init(&table, 5, 0, NULL);
	for (size_t i = 0; i < server->process_count; i++) {
		const struct service_process *process = &server->processes[i];
		char pid[40] = "", age[CLOCK_TEXT_MAX + 8] = "", restarts[256] = "", duration[CLOCK_TEXT_MAX];
		char state[120];
		if (strcmp(process->pid, "0") != 0) {
			clock_duration((int64_t)process->age_s * 1000, duration);
			snprintf(pid, sizeof(pid), "pid %.20s", process->pid);
			snprintf(age, sizeof(age), _("for %s"), duration);
		}
		if (process->restarts || (process->last_end[0] && !pid[0]))
			snprintf(restarts, sizeof(restarts),
				 ngettext("restarted %llu time; the last time because: %.160s",
					  "restarted %llu times; the last time because: %.160s", process->restarts),
				 (unsigned long long)process->restarts, process->last_end);
		if (is_other_version(service, process))
			snprintf(state, sizeof(state), _("%.60s, version %.40s"), words_shown(process->state),
				 process->version);
		else
			snprintf(state, sizeof(state), "%.60s", words_shown(process->state));
		struct span cells[] = {span_of(process->role), span_of(state), span_of(pid), span_of(age),
				       span_of(restarts)};
		table_add(&table, cells);
	}
	table_print(&table, 2, stdout);
	table_free(&table);
}

static void print_attention(const struct service_server *server)
{
	for (size_t i = 0; i < server->attention_count; i++)
		printf("  %s: %s\n", server->attention[i].role, server->attention[i].text);
}

static void print_whole(const struct service *service)
{
	if (!service->whole.process_count)
		return;
	printf(_("\nthe whole service\n"));
	print_processes(service, &service->whole);
	print_attention(&service->whole);
}

/* What is wrong with a file is among the attention lines of smtpd. */
static void print_recipients(const struct service_server *server)
{
	for (size_t i = 0; i < server->recipients_count; i++) {
		const struct service_recipients *list = &server->recipients[i];
		char age[CLOCK_TEXT_MAX];
		clock_duration((int64_t)list->age_s * 1000, age);
		if (strcmp(list->state, "none") == 0)
			printf(_("  recipients %s: no list could be read yet\n"), list->file);
		else if (strcmp(list->state, "kept") == 0)
			printf(ngettext("  recipients %s: %llu entry, changed %s ago; the file has a fault now\n",
					"  recipients %s: %llu entries, changed %s ago; the file has a fault now\n",
					list->entries),
			       list->file, (unsigned long long)list->entries, age);
		else
			printf(ngettext("  recipients %s: %llu entry, changed %s ago\n",
					"  recipients %s: %llu entries, changed %s ago\n", list->entries),
			       list->file, (unsigned long long)list->entries, age);
	}
}

static const char *fact(const struct service_facts *facts, const char *name)
{
	const char *value = service_fact(facts, name);
	return value ? value : "";
}

/* One line for each virtual server. */
static void print_overview(const struct service *service)
{
	static const char *const headings[] = {N_("SERVER"), N_("STATE"), N_("SESSIONS"), N_("QUEUE"), N_("LISTENERS")};
	struct table table;
	table_init(&table, 5, 1U << 2 | 1U << 3, headings);
	for (size_t i = 0; i < service->server_count; i++) {
		const struct service_server *server = &service->servers[i];
		char sessions[24] = "";
		if (server->smtpd.n || server->sessions)
			snprintf(sessions, sizeof(sessions), "%llu", (unsigned long long)server->sessions);
		const char *listeners = server->listeners;
		struct span cells[] = {span_of(server->name), span_of(words_shown(server->state)), span_of(sessions),
				       span_of(fact(&server->queue, "messages")),
				       span_of(listeners[0] ? listeners : "-")};
		table_add(&table, cells);
	}
	table_print(&table, 0, stdout);
	table_free(&table);
}

static bool runs_at_all(const struct service_server *server)
{
	size_t i = 0;
	while (i < server->process_count && strcmp(server->processes[i].state, "stopped") == 0)
		i++;
	return i < server->process_count;
}

/* The commands for mail that waits or is held. With SEVERAL virtual servers they name one. */
static void print_advice(const struct service_server *server, bool several)
{
	const char *waiting = fact(&server->queue, "waiting"), *held = fact(&server->queue, "held");
	const char *option = several ? " --server " : "", *name = several ? server->name : "";
	if (waiting[0] && strcmp(waiting, "0") != 0)
		printf(_("  `mailrootctl queue list%s%s` shows why mail waits, `mailrootctl test --to ADDRESS%s%s` shows the dialogue with a next hop.\n"),
		       option, name, option, name);
	if (held[0] && strcmp(held, "0") != 0)
		printf(_("  `mailrootctl queue release --all%s%s` releases held messages.\n"), option, name);
}

static void print_server(const struct service *service, const struct service_server *server)
{
	bool several = service->server_count > 1;
	bool trouble = strcmp(server->state, "trouble") == 0, stopped = strcmp(server->state, "stopped") == 0;
	printf(trouble ? _("\nserver %s has %s") : _("\nserver %s is %s"), server->name, words_shown(server->state));
	if (server->listeners[0])
		printf(_(", listens on %s"), server->listeners);
	putchar('\n');
	if (server->trouble[0])
		printf("  %s\n", server->trouble);
	if (server->trouble[0] && (trouble || strcmp(server->state, "running") == 0))
		fputs(trouble ? _("  It is tried again every 10 seconds.\n")
			      : _("  It is tried again every 10 seconds; the rest works.\n"),
		      stdout);
	if (!stopped && runs_at_all(server))
		print_processes(service, server);
	print_sessions_of_others(service, server);
	print_attention(server);
	if (settle_goes_on(server))
		printf(_("  The previous smtpd goes on serving with the old configuration.\n"));
	if (strcmp(server->state, "failed") == 0)
		fputs(server->attention_count
			      ? _("  Correct the cause, then: mailrootctl reload\n")
			      : _("  The log has the reason. Correct the cause, then: mailrootctl reload\n"),
		      stdout);
	print_facts("smtpd", &server->smtpd);
	if (server->smtpd.warning && server->smtpd.warning[0])
		printf(_("  Warning: %s\n"), server->smtpd.warning);
	print_recipients(server);
	print_facts("queue", &server->queue);
	for (size_t i = 0; i < server->wait_count; i++)
		printf(_("  mail waits for %s\n"), server->waits[i]);
	print_advice(server, several);
}

/* A server that was stopped or paused on purpose counts as well. */
static bool all_well(const struct service *service)
{
	static const char *const troubled[] = {"trouble", "starting", "failed"};
	for (size_t i = 0; i < service->server_count; i++) {
		for (size_t j = 0; j < sizeof(troubled) / sizeof(troubled[0]); j++) {
			if (strcmp(service->servers[i].state, troubled[j]) == 0)
				return false;
		}
		if (service->servers[i].trouble[0] && strcmp(service->servers[i].state, "running") == 0)
			return false;
	}
	return true;
}

static void print_probation(const struct service *service)
{
	char left[CLOCK_TEXT_MAX];
	uint64_t seconds;
	if (span_to_u64(span_of(service->confirm_s), INT64_MAX / 1000, &seconds)) {
		clock_duration((int64_t)seconds * 1000, left);
		printf(_("The last reload is undone in %s unless confirmed: mailrootctl reload --confirmed\n"), left);
	} else if (service->went_back[0]) {
		printf(_(
			"The last reload was undone, because it was not confirmed: the configuration in force is not the one in the file.\n  Correct the file, then: mailrootctl reload\n"));
	}
}

static void print_service(const struct service *service)
{
	char age[CLOCK_TEXT_MAX];
	clock_duration((int64_t)service->age_s * 1000, age);
	printf(_("mailrootd %s has been running for %s (pid %s) with %s\n"), service->version, age, service->pid,
	       service->file);
	print_probation(service);
	if (service->server_count)
		putchar('\n');
	print_overview(service);
	for (size_t i = 0; i < service->server_count; i++)
		print_server(service, &service->servers[i]);
	print_whole(service);
	if (!service->server_count)
		printf(_("There is no virtual server in its configuration.\n"));
}

static int not_running(const struct ctl *ctl, const char *run_dir, int err)
{
	char why[LINK_TEXT_MAX + 1];
	bool down = err == -ENOENT || err == -ECONNREFUSED;
	if (down && ctl->options.given & OPTION_JSON)
		printf("{\"running\":false}\n");
	link_explain(run_dir, err, why);
	cmd_fail("%s", why);
	return down ? EXIT_NOT_RUNNING : EXIT_FAILED;
}

int cmd_status(struct ctl *ctl)
{
	static struct service service;
	char said[LINK_TEXT_MAX + 1];
	char *run_dir = cmd_run_dir(ctl);
	int status = EXIT_FAILED;
	int fd = run_dir ? link_to_master(run_dir) : -ENOMEM;
	if (fd < 0) {
		status = not_running(ctl, run_dir ? run_dir : "", fd);
	} else if (!service_ask(fd, &service, said)) {
		cmd_fail("%s", said);
	} else {
		service_ask_facts(run_dir, &service, false);
		if (ctl->options.given & OPTION_JSON)
			service_json(&service);
		else
			print_service(&service);
		status = all_well(&service) ? EXIT_DONE : EXIT_FAILED;
	}
	fd_close(&fd);
	service_free(&service);
	free(run_dir);
	return status;
}
