#include "ctl/settle.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "ctl/link.h"

enum { LOOK_US = 20000 };

static bool is(const char *text, const char *const *words)
{
	while (*words && strcmp(text, *words) != 0)
		words++;
	return *words != NULL;
}

/* A server that is stopped or stopping, or waits for its port, has no processes to wait for. */
static bool should_run(const struct service_server *server)
{
	static const char *const others[] = {"stopped", "stopping", "ending", "trouble", NULL};
	return !is(server->state, others);
}

static bool process_busy(const struct service_process *process, int64_t waited_ms)
{
	static const char *const states[] = {"starting", "replacing", "detached", NULL};
	return is(process->state, states) ||
	       (waited_ms < SETTLE_RESTART_MS && strcmp(process->state, "restarting") == 0);
}

static bool process_down(const struct service_process *process)
{
	return process_busy(process, 0) || strcmp(process->state, "failed") == 0;
}

bool settle_busy(const struct service *service, int64_t waited_ms)
{
	bool busy = false;
	for (size_t i = 0; i < service->server_count; i++) {
		const struct service_server *server = &service->servers[i];
		for (size_t j = 0; should_run(server) && j < server->process_count; j++)
			busy |= process_busy(&server->processes[j], waited_ms);
	}
	return busy;
}

bool settle_goes_on(const struct service_server *server)
{
	for (size_t i = 0; i < server->process_count; i++) {
		if (server->processes[i].older && strcmp(server->processes[i].state, "ready") == 0)
			return true;
	}
	return false;
}

/*
 * Prints the texts of the process that does not start first; later ones may come from the previous smtpd, which still
 * serves.
 */
static void tell_why(const struct service_server *server, const char *role, struct str *to)
{
	bool said = false;
	for (size_t i = 0; i < server->attention_count; i++) {
		if (strcmp(server->attention[i].role, role) != 0)
			continue;
		str_printf(to, said ? _("server %s: %s: %s\n") : _("server %s: %s does not start: %s\n"), server->name,
			   role, server->attention[i].text);
		said = true;
	}
	if (!said)
		str_printf(to, _("server %s: %s does not start; the log has the reason\n"), server->name, role);
}

static bool tell_server(const struct service_server *server, struct str *to)
{
	bool good = true;
	for (size_t i = 0; i < server->process_count; i++) {
		const struct service_process *process = &server->processes[i];
		if (process->older || !process_down(process))
			continue;
		good = false;
		tell_why(server, process->role, to);
	}
	if (!good && settle_goes_on(server))
		str_printf(to, _("server %s: the previous smtpd goes on serving with the old configuration\n"),
			   server->name);
	if (server->trouble[0]) {
		good = false;
		str_printf(to, _("server %s: waiting: %s\n"), server->name, server->trouble);
	}
	for (size_t i = 0; good && i < server->attention_count; i++)
		str_printf(to, _("server %s: warning: %s\n"), server->name, server->attention[i].text);
	return good;
}

bool settle_tell(const struct service *service, struct str *to)
{
	bool good = true;
	for (size_t i = 0; i < service->server_count; i++) {
		if (should_run(&service->servers[i]))
			good &= tell_server(&service->servers[i], to);
	}
	return good;
}

static bool ask(const char *run_dir, struct service *service)
{
	char said[LINK_TEXT_MAX + 1];
	int fd = link_to_master(run_dir);
	bool good = fd >= 0 && service_ask(fd, service, said);
	fd_close(&fd);
	return good;
}

bool settle_wait(const char *run_dir, struct str *to)
{
	struct service *service = calloc(1, sizeof(*service));
	int64_t began = clock_mono_ms(), waited = 0;
	bool good = service && ask(run_dir, service);
	while (good && settle_busy(service, waited) && waited < SETTLE_MS) {
		usleep(LOOK_US);
		waited = clock_mono_ms() - began;
		service_free(service);
		good = ask(run_dir, service);
	}
	if (!good)
		str_append_text(to, _("can't ask for the state of the processes; try `mailrootctl status`\n"));
	good = good && settle_tell(service, to);
	if (service)
		service_free(service);
	free(service);
	return good;
}
