/*
 * mailroot-delivery: one program, two roles. Each says init, jail, ready, loop.
 *
 *	delivery   SMTP clients: a pool under delivery_user, without a file system
 *	local      copies into drop folders, and notices: a pool under `user`, which owns the spool
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/process/privs.h"
#include "common/spool/spool.h"
#include "common/tls/attention.h"
#include "delivery/pool.h"

/* Copies and notices wait for the disk: more of them at once don't make it faster. */
enum { LOCAL_SPARE = 1, LOCAL_MAX = 16, KEPT_CONFIG_MAX = 64 << 20 /* as of child_start */ };

static size_t smaller(int64_t a, size_t b)
{
	return (uint64_t)a < b ? (size_t)a : b;
}

/* The text of the configuration that we were started with, as values of their own: a reload frees child->config. */
static const struct config_server *keep_config(struct config *out)
{
	struct str text;
	str_init(&text, KEPT_CONFIG_MAX);
	if (child_config_text(CHILD_FD_CONFIG, &text) || !config_parse_canonical(str_span(&text), out))
		log_fatal(EXIT_TEMPORARY, "can't read the configuration again");
	str_free(&text);
	return &out->servers[0];
}

/* As root. What can't be used its block says; what can, and will expire, is looked at from now on. */
static void examine(const struct config_server *server, const struct securities *securities, struct attention *out)
{
	struct str text;
	attention_init(out);
	attention_examine(out, &server->outbound.client_certificate, CERTIFICATE_CLIENT);
	for (size_t i = 0; i < server->remote_domain_count; i++)
		if (server->remote_domains[i].has_outbound)
			attention_examine(out, &server->remote_domains[i].outbound.client_certificate,
					  CERTIFICATE_CLIENT);
	for (size_t i = 0; i < server->connector_count; i++)
		if (server->connectors[i].has_outbound)
			attention_examine(out, &server->connectors[i].outbound.client_certificate, CERTIFICATE_CLIENT);
	str_init(&text, WIRE_PACKET_MAX);
	securities_trouble(securities, &text);
	attention_set(out, ATTENTION_OUTBOUND, str_text(&text));
	str_free(&text);
}

static int run_delivery(struct child *child)
{
	struct config config;
	struct securities securities;
	struct attention attention;
	uid_t uid;
	gid_t gid;
	struct privs_jail jail = {.user = child->config.delivery_user, .may_fork = true};
	const struct config_processes *processes = &child->server->delivery.processes;
	struct pool_setup setup = {.child = child,
				   .securities = &securities,
				   .attention = &attention,
				   .kind = CHILD_LINK_DELIVERY,
				   .spare = smaller(processes->spare, (size_t)processes->max),
				   .max = (size_t)processes->max,
				   .jobs = (uint64_t)processes->jobs};
	privs_lookup(child->config.delivery_user, &uid, &gid);
	securities_load(keep_config(&config), uid, &securities);
	examine(&config.servers[0], &securities, &attention);
	const char **paths = securities_paths(&securities);
	jail.readable = paths;
	privs_enter(&jail);
	free(paths);
	attention_tend(&attention, NULL, clock_wall_ms() / 1000);
	child_ready();
	int status = pool_run(&setup);
	attention_free(&attention);
	securities_free(&securities);
	config_free(&config);
	return status;
}

static void open_spool(const struct config_server *server, struct spool *out)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/new", server->dir);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 ? -errno : spool_probe(fd, out);
	if (err)
		log_fatal(EXIT_TEMPORARY, "can't write into %s: %s", path, strerror(-err));
}

/*
 * The whole file system stays in sight, as far as the user's rights reach: a drop folder may be mounted or made after
 * our start, and a rule of Landlock would not cover it.
 */
static int run_local(struct child *child)
{
	static const char *const everything[] = {"/", NULL};
	struct privs_jail jail = {.user = child->config.user, .may_fork = true, .paths = everything};
	const struct config_processes *processes = &child->server->delivery.processes;
	struct spool spool;
	struct pool_setup setup = {.child = child,
				   .spool = &spool,
				   .kind = CHILD_LINK_LOCAL,
				   .spare = LOCAL_SPARE,
				   .max = smaller(processes->max, LOCAL_MAX),
				   .jobs = (uint64_t)processes->jobs};
	privs_enter(&jail);
	umask(022);
	open_spool(child->server, &spool);
	child_ready();
	return pool_run(&setup);
}

int main(int argc, char **argv)
{
	static int (*const run[CHILD_ROLE_COUNT])(struct child *) = {
		[CHILD_DELIVERY] = run_delivery, [CHILD_LOCAL] = run_local};
	struct child child;
	signal(SIGPIPE, SIG_IGN);
	tzset();
	child_start(argc, argv, 1 << CHILD_DELIVERY | 1 << CHILD_LOCAL, &child);
	return run[child.role](&child);
}
