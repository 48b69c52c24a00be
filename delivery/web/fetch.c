#include "delivery/web/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "delivery/web/easy.h"
#include "delivery/web/pin.h"

enum { EVENTS = 32 };

/* What a descriptor of the loop is: a socket of libcurl, or the answer to the question of a request. */
#define OF_CURL(fd)       ((uint64_t)(uint32_t)(fd))
#define OF_REQUEST(index) ((uint64_t)1 << 32 | (index))

struct request {
	bool used;
	char *url;
	struct str body;
	struct pin pin; /* the host that is spoken to: the issuer's or the proxy */
	int answer;     /* of the resolver; -1 = none is awaited */
	int64_t deadline;
	struct easy easy; /* once there are addresses */
	void (*done)(void *context, const struct fetch_result *result);
	void *context;
};

struct fetcher {
	struct fetch_settings settings;
	struct easy_settings easy;
	CURLM *multi;
	int epoll;
	int64_t timer; /* of libcurl, clock_mono_ms; -1 = none */
	struct request requests[FETCH_AT_ONCE];
	char packet[WIRE_PACKET_MAX];
};

static int on_socket(CURL *handle, curl_socket_t fd, int what, void *context, void *known)
{
	const struct fetcher *f = context;
	struct epoll_event event = {.data.u64 = OF_CURL(fd)};
	(void)handle;
	if (what == CURL_POLL_REMOVE)
		return epoll_ctl(f->epoll, EPOLL_CTL_DEL, fd, NULL), 0;
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
	int err = epoll_ctl(f->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
	curl_multi_assign(f->multi, fd, context);
	return err ? -1 : 0;
}

static int on_timer(CURLM *multi, long ms, void *context)
{
	struct fetcher *f = context;
	(void)multi;
	f->timer = ms < 0 ? -1 : clock_mono_ms() + ms;
	return 0;
}

struct fetcher *fetch_new(const struct fetch_settings *settings)
{
	struct fetcher *f = calloc(1, sizeof(*f));
	CURLM *multi = curl_multi_init();
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!f || !multi || epoll < 0)
		log_fatal(EXIT_TEMPORARY, "no memory for requests");
	*f = (struct fetcher){.settings = *settings, .multi = multi, .epoll = epoll, .timer = -1};
	f->easy = (struct easy_settings){.ca = settings->ca,
					 .proxy = settings->proxy,
					 .proxy_user = settings->proxy_user,
					 .proxy_password = settings->proxy_password};
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, f);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, f);
	return f;
}

static void drop(struct fetcher *f, struct request *r)
{
	if (r->easy.handle)
		curl_multi_remove_handle(f->multi, r->easy.handle);
	easy_end(&r->easy);
	fd_close(&r->answer);
	str_wipe(&r->body);
	free(r->url);
	r->used = false;
}

void fetch_free(struct fetcher *f)
{
	for (size_t i = 0; i < FETCH_AT_ONCE; i++)
		if (f->requests[i].used)
			drop(f, &f->requests[i]);
	curl_multi_cleanup(f->multi);
	close(f->epoll);
	free(f);
}

void fetch_cancel(struct fetcher *f, const void *context)
{
	for (size_t i = 0; i < FETCH_AT_ONCE; i++)
		if (f->requests[i].used && f->requests[i].context == context)
			drop(f, &f->requests[i]);
}

/* Without a context no other call finds the request, which keeps its place until its owner has heard. */
static void finish(struct fetcher *f, struct request *r, const struct fetch_result *result)
{
	void *context = r->context;
	r->context = NULL;
	r->done(context, result);
	drop(f, r);
}

static void fail(struct fetcher *f, struct request *r, const char *why)
{
	const struct fetch_result result = {.why = why};
	finish(f, r, &result);
}

static void begin_transfer(struct fetcher *f, struct request *r, const char *pinned)
{
	const struct easy_request request = {.url = r->url, .body = str_span(&r->body), .pinned = pinned};
	if (!easy_begin(&r->easy, &f->easy, &r->pin, &request))
		fail(f, r, "no memory for a request");
	else if (curl_multi_add_handle(f->multi, r->easy.handle) != CURLM_OK)
		fail(f, r, "libcurl does not take a request");
}

static bool ask_resolver(struct fetcher *f, struct request *r, char why[FETCH_WHY_MAX])
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = OF_REQUEST((size_t)(r - f->requests))};
	int fd = pin_ask(f->settings.names_link, &r->pin);
	r->answer = fd < 0 ? -1 : fd;
	if (fd >= 0 && epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
		return true;
	snprintf(why, FETCH_WHY_MAX, "can't ask the resolver for %s: %s", r->pin.host, strerror(fd < 0 ? -fd : errno));
	return false;
}

static void take_answer(struct fetcher *f, struct request *r)
{
	char why[FETCH_WHY_MAX] = "the resolver ended over the question; it is asked again";
	struct ipc_packet packet;
	struct str pinned;
	int err = ipc_receive(r->answer, f->packet, sizeof(f->packet), MSG_DONTWAIT, &packet);
	if (err == -EAGAIN || err == -EINTR)
		return;
	fd_close(&r->answer);
	str_init(&pinned, WIRE_PACKET_MAX);
	if (err || packet.eof || !pin_answer(&r->pin, packet.text, &pinned, why, sizeof(why)))
		fail(f, r, why);
	else
		begin_transfer(f, r, str_text(&pinned));
	if (!err)
		ipc_packet_close(&packet);
	str_free(&pinned);
}

static struct request *free_request(struct fetcher *f)
{
	for (size_t i = 0; i < FETCH_AT_ONCE; i++)
		if (!f->requests[i].used)
			return &f->requests[i];
	return NULL;
}

static bool refuse(struct str *body, char why[FETCH_WHY_MAX], const char *text)
{
	snprintf(why, FETCH_WHY_MAX, "%s", text);
	str_wipe(body);
	return false;
}

bool fetch_post(struct fetcher *f, const char *url, struct str *body,
		void (*done)(void *context, const struct fetch_result *result), void *context, char why[FETCH_WHY_MAX])
{
	struct pin issuer, pin;
	struct request *r = free_request(f);
	if (!pin_url(url, "https", &issuer))
		return refuse(body, why, "the URL of the provider is no https URL");
	if (f->settings.proxy && !pin_url(f->settings.proxy, "http", &pin))
		return refuse(body, why, "the URL of the proxy is no http URL");
	char *copy = r ? strdup(url) : NULL;
	if (!copy || body->failed) {
		free(copy);
		return refuse(body, why, "too many requests are under way, or this one is too large");
	}
	*r = (struct request){.used = true, .url = copy, .body = *body, .answer = -1, .done = done, .context = context};
	r->pin = f->settings.proxy ? pin : issuer;
	r->deadline = clock_mono_ms() + (r->pin.literal ? 0 : FETCH_LOOKUP_MS);
	str_init(body, body->max);
	if (r->pin.literal || ask_resolver(f, r, why))
		return true;
	drop(f, r);
	return false;
}

int fetch_fd(const struct fetcher *f)
{
	return f->epoll;
}

/* Without addresses yet: it waits for the resolver, or for its first turn. */
static bool is_early(const struct request *r)
{
	return r->used && !r->easy.handle;
}

int64_t fetch_until(const struct fetcher *f)
{
	int64_t at = f->timer, now = clock_mono_ms();
	for (size_t i = 0; i < FETCH_AT_ONCE; i++)
		if (is_early(&f->requests[i]))
			at = clock_sooner(at, f->requests[i].deadline);
	return at < 0 ? -1 : at > now ? at - now : 0;
}

static void take_events(struct fetcher *f)
{
	int running;
	struct epoll_event events[EVENTS];
	int n = epoll_wait(f->epoll, events, EVENTS, 0);
	for (int i = 0; i < n; i++) {
		uint64_t tag = events[i].data.u64;
		struct request *r = tag >> 32 ? &f->requests[(uint32_t)tag % FETCH_AT_ONCE] : NULL;
		int ready = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
			    (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			    (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
		if (!r)
			curl_multi_socket_action(f->multi, (curl_socket_t)(uint32_t)tag, ready, &running);
		else if (r->used && r->answer >= 0)
			take_answer(f, r);
	}
}

static void tend_early(struct fetcher *f, int64_t now)
{
	for (size_t i = 0; i < FETCH_AT_ONCE; i++) {
		struct request *r = &f->requests[i];
		if (!is_early(r) || r->deadline > now)
			continue;
		if (r->pin.literal)
			begin_transfer(f, r, NULL);
		else
			fail(f, r, "the resolver did not answer in time");
	}
}

static struct request *request_of(struct fetcher *f, const CURL *handle)
{
	for (size_t i = 0; i < FETCH_AT_ONCE; i++)
		if (f->requests[i].used && f->requests[i].easy.handle == handle)
			return &f->requests[i];
	return NULL;
}

static void take_finished(struct fetcher *f)
{
	int left;
	for (CURLMsg *message; (message = curl_multi_info_read(f->multi, &left));) {
		struct request *r = request_of(f, message->easy_handle);
		struct fetch_result result;
		if (message->msg != CURLMSG_DONE || !r)
			continue;
		easy_result(&r->easy, message->data.result, &r->pin, &result);
		finish(f, r, &result);
	}
}

void fetch_tend(struct fetcher *f)
{
	int running;
	int64_t now = clock_mono_ms();
	take_events(f);
	if (f->timer >= 0 && f->timer <= now) {
		f->timer = -1;
		curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	tend_early(f, now);
	take_finished(f);
}
