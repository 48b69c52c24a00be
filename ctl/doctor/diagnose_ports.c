/* Whether the addresses to listen on are free, or ours already. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/net/net.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/doctor/processes.h"

/* Names of our processes begin so: mailrootd, mailroot-smtpd. */
#define OURS "mailroot"

static bool overlaps(const struct config_endpoint *endpoint, const struct process_listener *listener)
{
	return endpoint->port == listener->port &&
	       (endpoint->any || listener->any || ipaddr_equal(&endpoint->ip, &listener->ip));
}

static void say_taken(struct doctor *d, const struct config_endpoint *endpoint, pid_t pid, const char *name)
{
	const char *where = doctor_place(d, &endpoint->origin);
	if (pid)
		doctor_find(d, FINDING_ERROR, where,
			    doctor_text(d, _("%s is taken by process %d, %s, so the service can't listen there"),
					endpoint->text, (int)pid, name),
			    doctor_text(d,
					_("stop %s, and keep it from starting with the machine, or listen elsewhere"),
					name));
	else
		doctor_find(d, d->guest ? FINDING_NOTE : FINDING_ERROR, where,
			    doctor_text(d, _("%s is taken by a process that can't be seen from here"), endpoint->text),
			    d->guest ? _("run doctor as root, to see whether the process is ours")
				     : _("find it with ss -ltnp, outside of this container; then stop it"));
}

/* A socket without a port is enough to learn whether the address is ours; nothing listens. */
static bool is_foreign(const struct ipaddr *ip)
{
	const struct config_endpoint probe = {.ip = *ip};
	int fd = net_listen(&probe, false, false);
	bool foreign = fd == -EADDRNOTAVAIL;
	if (fd >= 0)
		fd_close(&fd);
	return foreign;
}

/* systemd has the sockets of mailroot-unprivileged.socket, and passes them on. */
static bool by_socket_unit(void)
{
	return access("/etc/systemd/system/sockets.target.wants/mailroot-unprivileged.socket", F_OK) == 0;
}

static void examine_endpoint(struct doctor *d, const struct config_endpoint *endpoint,
			     const struct process_listener *all, size_t n)
{
	char name[PROCESS_NAME_MAX];
	if (!endpoint->any && is_foreign(&endpoint->ip)) {
		doctor_find(d, FINDING_ERROR, doctor_place(d, &endpoint->origin),
			    doctor_text(d, _("%s is no address of this machine, so the service can't listen there"),
					endpoint->text),
			    _("correct listen, or give the machine the address (ip address show lists those it has)"));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!overlaps(endpoint, &all[i]))
			continue;
		pid_t pid = processes_owner(all[i].inode, OURS, name);
		bool ours = pid && (strncmp(name, OURS, strlen(OURS)) == 0 || (pid == 1 && by_socket_unit()));
		if (!ours) {
			say_taken(d, endpoint, pid, name);
			return;
		}
	}
}

void diagnose_ports(struct doctor *d)
{
	static struct process_listener all[PROCESS_LISTENERS_MAX];
	size_t n = processes_listeners(all);
	for (size_t i = 0; i < d->config->server_count; i++) {
		const struct config_endpoints *listen = &d->config->servers[i].listen;
		for (size_t j = 0; j < listen->n; j++)
			examine_endpoint(d, &listen->at[j], all, n);
	}
}
