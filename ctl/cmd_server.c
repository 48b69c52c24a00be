#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "ctl/cmd.h"
#include "ctl/json.h"
#include "ctl/service.h"
#include "ctl/words.h"

/* Longer than a stop takes (master kills the rest) and than a successful start. */
enum { SETTLE_WAIT_MS = 25000, LOOK_MS = 50 };

static const char *const passing[] = {"starting", "pausing", "stopping", "ending"};

static const struct action {
	const char *wanted; /* the resulting state */
} actions[] = {
	[ROW_START] = {"running"},
	[ROW_STOP] = {"stopped"},
	[ROW_PAUSE] = {"paused"},
	[ROW_CONTINUE] = {"running"},
};

static bool is_meant(const struct ctl *ctl, const char *server)
{
	for (size_t i = 0; i < ctl->arg_count; i++) {
		if (strcmp(ctl->args[i], server) == 0 || strcmp(ctl->args[i], "all") == 0)
			return true;
	}
	return false;
}

static bool is_passing(const char *state)
{
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		if (strcmp(passing[i], state) == 0)
			return true;
	}
	return false;
}

static bool order(const struct ctl *ctl, enum row_server_action action, const char *name, int *status)
{
	struct wire_ctl_server wire = {.server = span_of(strcmp(name, "all") == 0 ? "" : name), .action = action};
	struct link_answer answer = {0};
	struct str request;
	int fd = cmd_connect(ctl, status);
	if (fd < 0)
		return false;
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_ctl_server(&wire, &request);
	bool good = link_ask(fd, &request, &answer) && answer.exit_code == 0;
	if (!good)
		*status = cmd_fail("%s", answer.said);
	fd_close(&answer.fd);
	fd_close(&fd);
	return good;
}

/* True when SERVICE holds the state of the servers; *passes: a selected server is still changing its state. */
static bool look(const struct ctl *ctl, struct service *service, bool *passes, int *status)
{
	char said[LINK_TEXT_MAX + 1];
	int fd = cmd_connect(ctl, status);
	if (fd < 0)
		return false;
	bool good = service_ask(fd, service, said);
	fd_close(&fd);
	if (!good)
		*status = cmd_fail("%s", said);
	*passes = false;
	for (size_t i = 0; good && i < service->server_count; i++)
		*passes |= is_meant(ctl, service->servers[i].name) && is_passing(service->servers[i].state);
	return good;
}

static void print(const struct ctl *ctl, const struct service *service)
{
	struct json json;
	if (!(ctl->options.given & OPTION_JSON)) {
		for (size_t i = 0; i < service->server_count; i++) {
			const struct service_server *server = &service->servers[i];
			if (is_meant(ctl, server->name))
				printf(_("server %s: %s%s%s\n"), server->name, words_shown(server->state),
				       server->trouble[0] ? ": " : "", server->trouble);
		}
		return;
	}
	json_init(&json, stdout);
	json_object(&json);
	json_key(&json, "servers");
	json_array(&json);
	for (size_t i = 0; i < service->server_count; i++) {
		const struct service_server *server = &service->servers[i];
		if (!is_meant(ctl, server->name))
			continue;
		json_object(&json);
		json_key(&json, "name");
		json_string(&json, span_of(server->name));
		json_key(&json, "state");
		json_string(&json, span_of(server->state));
		json_key(&json, "trouble");
		json_string(&json, span_of(server->trouble));
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	json_finish(&json);
}

/* With `all`, a stopped server stays stopped when the others are paused. */
static bool all_as_wanted(const struct ctl *ctl, const struct service *service, enum row_server_action action)
{
	for (size_t i = 0; i < service->server_count; i++) {
		const struct service_server *server = &service->servers[i];
		bool stays = strcmp(server->state, "stopped") == 0 && action != ROW_START;
		if (is_meant(ctl, server->name) && !stays && strcmp(server->state, actions[action].wanted) != 0)
			return false;
	}
	return true;
}

static int act(const struct ctl *ctl, enum row_server_action action)
{
	static struct service service;
	int64_t deadline = clock_mono_ms() + SETTLE_WAIT_MS;
	int status = EXIT_DONE;
	bool passes = true;
	for (size_t i = 0; i < ctl->arg_count; i++) {
		if (!order(ctl, action, ctl->args[i], &status))
			return status;
	}
	for (;;) {
		if (!look(ctl, &service, &passes, &status)) {
			service_free(&service);
			return status;
		}
		if (!passes || clock_mono_ms() > deadline)
			break;
		service_free(&service);
		poll(NULL, 0, LOOK_MS);
	}
	print(ctl, &service);
	status = all_as_wanted(ctl, &service, action) ? EXIT_DONE : EXIT_FAILED;
	service_free(&service);
	return status;
}

int cmd_server_start(struct ctl *ctl)
{
	return act(ctl, ROW_START);
}

int cmd_server_stop(struct ctl *ctl)
{
	return act(ctl, ROW_STOP);
}

int cmd_server_pause(struct ctl *ctl)
{
	return act(ctl, ROW_PAUSE);
}

int cmd_server_continue(struct ctl *ctl)
{
	return act(ctl, ROW_CONTINUE);
}
