#include "smtpd/secure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/net.h"
#include "common/process/child.h"
#include "common/tls/channel.h"

enum { WHY_MAX = 2048 };

const struct config_endpoint *secure_endpoint(const struct config_endpoints *listen, const struct ipaddr *ip,
					      uint16_t port)
{
	const struct config_endpoint *any = NULL;
	for (size_t i = 0; i < listen->n; i++) {
		const struct config_endpoint *at = &listen->at[i];
		if (at->port != port)
			continue;
		if (at->any)
			any = at;
		else if (memcmp(&at->ip, ip, sizeof(*ip)) == 0)
			return at;
	}
	return any;
}

static bool begins_secured(const struct config_endpoints *listen, int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof(address);
	struct ipaddr ip;
	uint16_t port;
	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		return false;
	net_address(&address, &ip, &port);
	const struct config_endpoint *at = secure_endpoint(listen, &ip, port);
	return at && at->tls;
}

static void read_certificates(struct secure *s, const struct config_access *access)
{
	struct str why;
	str_init(&why, WHY_MAX);
	s->server = tls_server_new(access, &why);
	if (!s->server)
		child_fail(EXIT_PERMANENT, str_text(&why));
	str_free(&why);
	s->tickets = tls_tickets_new(clock_mono_ms());
	if (!s->tickets || !tls_tickets_serve(s->tickets, tls_server_context(s->server)))
		log_fatal(EXIT_TEMPORARY, "can't make the keys of TLS session tickets: %s", strerror(errno));
}

void secure_init(struct secure *s, const struct config_server *server, const int *listeners, size_t count)
{
	*s = (struct secure){.listeners = listeners, .listener_count = count};
	s->first = calloc(count + 1, sizeof(*s->first));
	if (!s->first)
		log_fatal(EXIT_TEMPORARY, "out of memory");
	if (server->access.tls_certificate.n)
		read_certificates(s, &server->access);
	for (size_t i = 0; i < count; i++) {
		s->first[i] = begins_secured(&server->listen, listeners[i]);
		if (s->first[i] && !s->server)
			child_fail(EXIT_PERMANENT, "listen ... tls needs a tls_certificate in access");
	}
}

void secure_tend(struct secure *s, int64_t now_ms)
{
	if (s->tickets)
		tls_tickets_tend(s->tickets, now_ms);
}

void secure_worker(const struct secure *s)
{
	if (s->tickets)
		tls_tickets_read_only(s->tickets);
}

struct serve_tls secure_listener(const struct secure *s, int listener)
{
	struct serve_tls tls = {.context = s->server ? tls_server_context(s->server) : NULL};
	for (size_t i = 0; i < s->listener_count; i++)
		if (s->listeners[i] == listener)
			tls.first = s->first[i];
	return tls;
}
