/* What the running service itself knows of trouble. */
#include <errno.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/link.h"
#include "ctl/service.h"

static bool is_asked_for(const struct doctor *d, const char *name)
{
	return config_server_find(d->config, span_of(name)) != NULL;
}

static void examine_server(struct doctor *d, const struct service_server *server)
{
	const char *where = doctor_text(d, "server %s", server->name);
	const char *look = _("`mailrootctl status` has more; the text says what to do");
	if (server->trouble && server->trouble[0])
		doctor_find(d, FINDING_ERROR, where, server->trouble, look);
	for (size_t i = 0; i < server->attention_count; i++)
		doctor_find(d, FINDING_WARNING,
			    doctor_text(d, _("server %s, %s"), server->name, server->attention[i].role),
			    server->attention[i].text, look);
	for (size_t i = 0; i < server->wait_count; i++)
		doctor_find(d, FINDING_WARNING, where, doctor_text(d, _("mail waits for %s"), server->waits[i]),
			    _("`mailrootctl queue list` shows it"));
	if (server->smtpd.warning && server->smtpd.warning[0])
		doctor_find(d, FINDING_WARNING, where, server->smtpd.warning, look);
}

void diagnose_service(struct doctor *d)
{
	static struct service service;
	char said[LINK_TEXT_MAX + 1];
	int fd = link_to_master(d->config->run_dir);
	if (fd == -ENOENT || fd == -ECONNREFUSED) {
		doctor_find(d, FINDING_NOTE, "", _("the service does not run, so it could not be asked"),
			    _("systemctl start mailrootd, once the errors are corrected"));
		return;
	}
	if (fd < 0) {
		link_explain(d->config->run_dir, fd, said);
		doctor_find(d, FINDING_NOTE, "", doctor_text(d, _("the service could not be asked: %s"), said),
			    _("run doctor as root"));
		return;
	}
	if (!service_ask(fd, &service, said))
		doctor_find(d, FINDING_ERROR, "", doctor_text(d, _("the service does not answer: %s"), said),
			    _("look at its log"));
	else
		service_ask_facts(d->config->run_dir, &service, false);
	for (size_t i = 0; i < service.server_count; i++)
		if (is_asked_for(d, service.servers[i].name))
			examine_server(d, &service.servers[i]);
	fd_close(&fd);
}
