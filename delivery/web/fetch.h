/*
 * HTTPS requests (libcurl), within bounds: no other protocol, no redirect, no compression, no cookie, at most
 * FETCH_BODY_MAX octets and FETCH_TIMEOUT_MS for all of it. Names are looked up by the resolver of this virtual server;
 * libcurl itself looks up none. Everything happens in one epoll loop, whose descriptor the caller polls.
 */
#ifndef DELIVERY_WEB_FETCH_H
#define DELIVERY_WEB_FETCH_H

#include "common/base/str.h"

enum {
	FETCH_AT_ONCE = 72,         /* one for each block, and some room */
	FETCH_BODY_MAX = 64 * 1024, /* octets; of the header, too */
	FETCH_CONNECT_MS = 10 * 1000,
	FETCH_TIMEOUT_MS = 30 * 1000,
	FETCH_LOOKUP_MS = 27 * 1000, /* the resolver ends a look-up after 25 s */
	FETCH_WHY_MAX = 400
};

/* All borrowed for life. */
struct fetch_settings {
	struct span ca;         /* authorities in PEM */
	const char *proxy;      /* "http://host:port"; NULL = none */
	const char *proxy_user; /* NULL = none */
	const char *proxy_password;
	int names_link; /* to the resolver */
};

struct fetch_result {
	long status;            /* of HTTP; 0 = there is no answer, and `why` says why */
	int64_t retry_after_ms; /* what the answer asks for; 0 = nothing */
	int64_t date_s;         /* its Date, seconds since 1970 UTC; 0 = none */
	struct span body;       /* valid during the call */
	const char *why;        /* one line */
};

struct fetcher;

/* After wiped_start. Dies without memory. */
struct fetcher *fetch_new(const struct fetch_settings *settings);
void fetch_free(struct fetcher *f);

/*
 * Posts BODY, which is taken over and wiped, to URL. DONE is called once, later, from fetch_tend, unless the request is
 * cancelled. False: nothing was begun, and WHY says why.
 */
bool fetch_post(struct fetcher *f, const char *url, struct str *body,
		void (*done)(void *context, const struct fetch_result *result), void *context, char why[FETCH_WHY_MAX]);

/* Ends the requests of CONTEXT without a word. */
void fetch_cancel(struct fetcher *f, const void *context);

/* The descriptor to poll for reading, and how long it may take until fetch_tend is called without it; -1 = for ever. */
int fetch_fd(const struct fetcher *f);
int64_t fetch_until(const struct fetcher *f);
void fetch_tend(struct fetcher *f);

#endif
