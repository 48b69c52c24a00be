#include "master/open.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/base/log.h"
#include "master/renew.h"

/*
 * At first (SOON) a port in use is waited for: its old owner may be about to end. If an address is missing the others
 * are opened.
 */
static bool open_listeners(struct server *server, const struct config_endpoints *where, bool soon)
{
	if (listeners_open(&server->listeners, where, false, server->trouble, sizeof(server->trouble)))
		return true;
	if (soon && server->listeners.error == EADDRINUSE)
		return false;
	return listeners_open(&server->listeners, where, true, server->trouble, sizeof(server->trouble));
}

static bool open_server(struct server *server, const struct config_server *wanted, bool soon)
{
	if (!open_listeners(server, &wanted->listen, soon))
		return false;
	if (!folders_make(server->config, wanted, server->owner, server->trouble, sizeof(server->trouble)))
		return false;
	int err = links_open(&server->links);
	if (err)
		snprintf(server->trouble, sizeof(server->trouble), N_("can't make the links: %s"), strerror(-err));
	return !err;
}

/* Logs the missing listeners, once for each reason. */
static void log_missing(struct server *server)
{
	if (server->trouble[0] && strcmp(server->logged, server->trouble) != 0)
		log_error("server=%s runs without a listener: %s", server->name, server->trouble);
	memcpy(server->logged, server->trouble, sizeof(server->logged));
}

void open_try(struct server *server, int64_t now_ms)
{
	const struct config_server *wanted = server_wanted(server);
	if (!wanted)
		return;
	if (!server->opened_ms)
		server->opened_ms = now_ms;
	bool soon = now_ms - server->opened_ms < SERVER_RETRY_SOON_FOR_MS;
	server->open = open_server(server, wanted, soon);
	if (!server->open) {
		server->retry_ms = now_ms + (soon ? SERVER_RETRY_SOON_MS : SERVER_RETRY_MS);
		if (!soon && strcmp(server->logged, server->trouble) != 0)
			log_error("server=%s can't run: %s", server->name, server->trouble);
		if (!soon)
			memcpy(server->logged, server->trouble, sizeof(server->logged));
		return;
	}
	log_missing(server);
	server->listen_ms = now_ms + SERVER_RETRY_MS;
	server->opened_ms = now_ms;
	server->renew = 0;
	/* If the server was ending: an smtpd that retires makes room; the other processes stayed. */
	renew_set_aside(server, CHILD_SMTPD);
}

int64_t open_tend(struct server *server, int64_t now_ms)
{
	size_t had = server->listeners.n;
	if (!server->listeners.missing_count || server->renew & 1U << CHILD_SMTPD || !server_wanted(server))
		return -1;
	if (now_ms < server->listen_ms)
		return server->listen_ms - now_ms;
	server->listen_ms = now_ms + SERVER_RETRY_MS;
	listeners_open(&server->listeners, &server_wanted(server)->listen, true, server->trouble,
		       sizeof(server->trouble));
	log_missing(server);
	if (server->listeners.n > had)
		renew_ask(server, 1U << CHILD_SMTPD, now_ms);
	return SERVER_RETRY_MS;
}
