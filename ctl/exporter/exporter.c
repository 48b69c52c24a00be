#include "ctl/exporter/exporter.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/jail/syscalls.h"
#include "common/net/net.h"
#include "common/process/privs.h"
#include "ctl/exporter/negotiate.h"
#include "ctl/link.h"
#include "ctl/metrics/render.h"

enum {
	HEADERS_MAX = 4096, /* octets; Prometheus sends some hundred */
	READ_S = 5,         /* a client that is silent for so long is dropped */
	SCRAPE_MS = 3000,   /* for all processes together; less than READ_S, which goes on meanwhile */
};

static const struct timeval sweep_every = {.tv_sec = SLOW_EVERY_MS / 1000};

static bool is_allowed(const struct exporter *e, struct evhttp_request *request)
{
	const struct config_clients *allow = &e->child->config.metrics.allow;
	struct ipaddr ip;
	char *address = NULL;
	uint16_t port;
	evhttp_connection_get_peer(evhttp_request_get_connection(request), &address, &port);
	if (!address || !ipaddr_parse(span_of(address), &ip))
		return false;
	for (size_t i = 0; i < allow->n; i++) {
		if (cidr_contains(&allow->at[i].net, &ip))
			return true;
	}
	return false;
}

/* One reply a connection: see slow.h. */
static void reply(struct evhttp_request *request, int code, const char *reason, const char *type, struct span body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *out = evbuffer_new();
	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Connection", "close");
	if (out && body.len)
		evbuffer_add(out, body.at, body.len);
	evhttp_send_reply(request, code, reason, out);
	if (out)
		evbuffer_free(out);
}

static void reply_text(struct evhttp_request *request, int code, const char *reason, const char *text)
{
	reply(request, code, reason, "text/plain; charset=utf-8", span_of(text));
}

/* Gives back, or takes, the descriptors that a scrape needs for its links and pages. Nothing is accepted in between. */
static void release_reserve(struct exporter *e)
{
	for (size_t i = 0; i < EXPORTER_RESERVE; i++)
		fd_close(&e->reserve[i]);
}

static void take_reserve(struct exporter *e)
{
	for (size_t i = 0; i < EXPORTER_RESERVE; i++)
		e->reserve[i] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
}

static void serve_metrics(struct exporter *e, struct evhttp_request *request)
{
	const char *accept = evhttp_find_header(evhttp_request_get_input_headers(request), "Accept");
	enum exposition_format format = negotiate(span_of(accept ? accept : ""));
	char said[LINK_TEXT_MAX + 1], failed[LINK_TEXT_MAX + 2];
	struct str text;
	str_init(&text, RENDER_MAX);
	link_patience(SCRAPE_MS);
	release_reserve(e);
	bool good = scrape_ask(e->run_dir, &e->scrape, said);
	take_reserve(e);
	if (good)
		render(&e->scrape, format, e->child->config.metrics.windows_names, &text);
	scrape_free(&e->scrape);
	if (good && !text.failed) {
		reply(request, HTTP_OK, "OK", exposition_content_type(format), str_span(&text));
	} else {
		snprintf(failed, sizeof(failed), "%s\n", good ? "no memory" : said);
		log_warning("no metrics: %s", good ? "no memory" : said);
		reply_text(request, HTTP_SERVUNAVAIL, "Service Unavailable", failed);
	}
	str_free(&text);
}

static void on_metrics(struct evhttp_request *request, void *context)
{
	struct exporter *e = context;
	if (is_allowed(e, request))
		serve_metrics(e, request);
	else
		reply_text(request, 403, "Forbidden",
			   "this address may not read the metrics: see `allow` of metrics in mailroot.conf\n");
}

static void on_health(struct evhttp_request *request, void *context)
{
	if (is_allowed(context, request))
		reply_text(request, HTTP_OK, "OK", "ok\n");
	else
		reply_text(request, 403, "Forbidden", "");
}

static void on_other(struct evhttp_request *request, void *context)
{
	(void)context;
	reply_text(request, HTTP_NOTFOUND, "Not Found", "the metrics are at /metrics\n");
}

static void on_control(evutil_socket_t control, short what, void *context)
{
	struct exporter *e = context;
	struct ipc_packet order;
	(void)what;
	enum wire_type type = child_order((int)control, CHILD_METRICS, e->packet, sizeof(e->packet), &order);
	if (type == WIRE_reload && order.fd_count == 1) {
		int fd = order.fds[0];
		order.fds[0] = -1;
		if (!child_reconfigure(e->child, fd))
			log_error("can't read the new configuration; the old one stays in force");
	}
	ipc_packet_close(&order);
	if (type == WIRE_stop)
		event_base_loopbreak(e->base);
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
	struct exporter *e = context;
	(void)fd;
	(void)what;
	slow_sweep(&e->slow, e->first_fd, clock_mono_ms());
	/* A listener that had no descriptor left pauses until here. */
	for (size_t i = 0; i < e->listener_count; i++)
		evconnlistener_enable(e->listeners[i]);
}

/* No descriptor is left: the next clients wait. */
static void on_accept_failed(struct evconnlistener *listener, void *context)
{
	(void)context;
	evconnlistener_disable(listener);
}

static void listen_at(struct exporter *e, const struct config_endpoint *at)
{
	char text[NET_TEXT_MAX];
	net_format(&at->ip, at->port, text);
	int fd = net_listen(at, !ipaddr_is_v4(&at->ip), false);
	if (fd < 0) {
		char why[CHILD_TROUBLE_MAX];
		snprintf(why, sizeof(why), "%s:%u: metrics can't listen at %s: %s", at->origin.file, at->origin.line,
			 text, strerror(-fd));
		child_fail(EXIT_TEMPORARY, why);
	}
	struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(e->http, fd);
	if (!bound)
		log_fatal(EXIT_TEMPORARY, "no memory");
	struct evconnlistener *listener = evhttp_bound_socket_get_listener(bound);
	evconnlistener_set_error_cb(listener, on_accept_failed);
	e->listeners[e->listener_count++] = listener;
	log_info("metrics at http://%s/metrics", text);
}

void exporter_load(struct exporter *e, struct child *child)
{
	const struct config_endpoints *listen = &child->config.metrics.listen;
	*e = (struct exporter){.child = child, .base = event_base_new()};
	e->http = e->base ? evhttp_new(e->base) : NULL;
	if (!e->http || evhttp_set_cb(e->http, "/metrics", on_metrics, e) ||
	    evhttp_set_cb(e->http, "/health", on_health, e))
		log_fatal(EXIT_TEMPORARY, "no memory");
	evhttp_set_gencb(e->http, on_other, e);
	evhttp_set_allowed_methods(e->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(e->http, HEADERS_MAX);
	evhttp_set_max_body_size(e->http, 0);
	evhttp_set_timeout(e->http, READ_S);
	for (size_t i = 0; i < listen->n && i < EXPORTER_LISTENERS_MAX; i++)
		listen_at(e, &listen->at[i]);
	e->control = event_new(e->base, CHILD_FD_CONTROL, EV_READ | EV_PERSIST, on_control, e);
	e->sweep = event_new(e->base, -1, EV_PERSIST, on_sweep, e);
	if (!e->control || !e->sweep || event_add(e->control, NULL) || event_add(e->sweep, &sweep_every))
		log_fatal(EXIT_TEMPORARY, "no memory");
	take_reserve(e);
	e->first_fd = e->reserve[0];
}

/* All that it can reach is the control socket: with root, its folder becomes the root folder. */
void exporter_jail(struct exporter *e)
{
	const struct config *config = &e->child->config;
	const struct privs_jail jail = {.user = config->stat_user, .root = config->run_dir, .max_files = SLOW_FDS};
	e->run_dir = geteuid() ? config->run_dir : "";
	privs_enter(&jail);
	syscalls_enter(SYSCALLS_exporter, config->sandbox.seccomp);
}

void exporter_run(struct exporter *e)
{
	event_base_dispatch(e->base);
}

void exporter_free(struct exporter *e)
{
	event_free(e->control);
	event_free(e->sweep);
	evhttp_free(e->http);
	release_reserve(e);
	event_base_free(e->base);
}
