#include "smtpd/secure.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/net.h"
#include "common/process/child.h"
#include "common/tls/channel.h"

enum { WHY_MAX = 2048, DEFER_S = 5 /* as PROXIED_WAIT_MS */ };

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

static struct secure_start start_of(const struct config_endpoints *listen, int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof(address);
	struct ipaddr ip;
	uint16_t port;
	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		return (struct secure_start){0};
	net_address(&address, &ip, &port);
	const struct config_endpoint *at = secure_endpoint(listen, &ip, port);
	return at ? (struct secure_start){at->tls, at->proxy} : (struct secure_start){0};
}

/*
 * Where a load balancer speaks first, the kernel hands a connection over when its first octets have come, or somewhat
 * later without them. So also a server that is paused or full reads the header before it refuses, and a header that is
 * late occupies no worker. Elsewhere the client waits for the greeting: a listener may have said proxy before a reload.
 */
static void defer_accept(int listener, bool proxied)
{
	int seconds = proxied ? DEFER_S : 0;
	if (setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)) != 0 && proxied)
		log_warning("can't let connections wait for a PROXY header: %s", strerror(errno));
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
	s->starts = calloc(count + 1, sizeof(*s->starts));
	if (!s->starts)
		log_fatal(EXIT_TEMPORARY, "out of memory");
	if (server->access.tls_certificate.n)
		read_certificates(s, &server->access);
	for (size_t i = 0; i < count; i++) {
		s->starts[i] = start_of(&server->listen, listeners[i]);
		defer_accept(listeners[i], s->starts[i].proxy);
		if (s->starts[i].tls && !s->server)
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
			tls.first = s->starts[i].tls;
	return tls;
}

bool secure_listener_is_proxied(const struct secure *s, int listener)
{
	for (size_t i = 0; i < s->listener_count; i++)
		if (s->listeners[i] == listener)
			return s->starts[i].proxy;
	return false;
}
