#include "ctl/queues.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "ctl/service.h"

/* Collects the names of the servers whose queue can be asked. */
static bool take_names(struct queues *queues, const struct service *service)
{
	const char *wanted = queues->ctl->options.server;
	queues->several = service->server_count > 1;
	queues->names = calloc(service->server_count + 1, sizeof(queues->names[0]));
	for (size_t i = 0; queues->names && i < service->server_count; i++) {
		const char *name = service->servers[i].name;
		if (!wanted[0] || strcmp(wanted, name) == 0)
			snprintf(queues->names[queues->count++], sizeof(queues->names[0]), "%.64s", name);
	}
	if (queues->names && !queues->count && wanted[0])
		cmd_fail(_("there is no virtual server %s; `mailrootctl status` lists them"), wanted);
	return queues->names && (queues->count || !wanted[0]);
}

bool queues_open(struct ctl *ctl, struct queues *out, int *status)
{
	static struct service service;
	char said[LINK_TEXT_MAX + 1];
	*out = (struct queues){.ctl = ctl, .run_dir = cmd_run_dir(ctl)};
	int fd = cmd_connect(ctl, status);
	if (fd < 0 || !out->run_dir) {
		queues_close(out);
		return false;
	}
	*status = EXIT_FAILED;
	bool good = service_ask(fd, &service, said);
	if (!good)
		cmd_fail("%s", said);
	good = good && take_names(out, &service);
	service_free(&service);
	fd_close(&fd);
	if (!good)
		queues_close(out);
	return good;
}

void queues_close(struct queues *queues)
{
	free(queues->run_dir);
	free(queues->names);
	queues->run_dir = NULL;
	queues->names = NULL;
}

static void note_failure(struct queues *queues, const char *said, bool quiet)
{
	queues->failed++;
	snprintf(queues->said, sizeof(queues->said), "%s", said);
	if (!quiet)
		cmd_fail(_("server %s: %s"), queues->server, said);
}

const char *queues_server_option(const struct queues *queues, char to[QUEUES_OPTION_MAX])
{
	snprintf(to, QUEUES_OPTION_MAX, "%s%.64s", queues->several ? " --server " : "",
		 queues->several && queues->server ? queues->server : "");
	return to;
}

const char *queues_said(const struct queues *queues, const char *usual)
{
	return queues->said[0] && strcmp(queues->said, _("no such message in the queue")) != 0 ? queues->said : usual;
}

static void ask_one(struct queues *queues, int fd, const char *id, const struct queues_request *what)
{
	struct link_answer answer = {.row = what->row, .text = what->text, .context = what->context};
	struct str request;
	str_init(&request, WIRE_PACKET_MAX);
	request.failed = !what->write(what->context, id, &request);
	bool good = link_ask(fd, &request, &answer);
	fd_close(&answer.fd);
	if (!good || answer.exit_code)
		note_failure(queues, answer.said, what->quiet && good);
	else if (what->text && answer.said[0])
		fprintf(stderr, _("note: %s\n"), answer.said);
}

void queues_ask(struct queues *queues, const struct queues_request *what)
{
	const struct ctl *ctl = queues->ctl;
	char why[LINK_TEXT_MAX + 1];
	for (size_t i = 0; i < queues->count; i++) {
		queues->server = queues->names[i];
		int fd = link_to_child(queues->run_dir, queues->server, CHILD_QUEUE, why);
		if (fd < 0) {
			note_failure(queues, why, false);
			continue;
		}
		for (size_t id = 0; id < ctl->arg_count || id == 0; id++) {
			queues->id = id;
			ask_one(queues, fd, id < ctl->arg_count ? ctl->args[id] : "", what);
		}
		fd_close(&fd);
	}
}
