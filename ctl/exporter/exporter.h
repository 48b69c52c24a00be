/*
 * The loop of mailroot-exporter: serves the metrics of the service by HTTP. libevent speaks HTTP; for each request the
 * service is asked anew, through the control socket, on which master permits questions about its state only.
 */
#ifndef CTL_EXPORTER_EXPORTER_H
#define CTL_EXPORTER_EXPORTER_H

#include <event2/event.h>
#include <event2/http.h>

#include "common/process/child.h"
#include "ctl/exporter/slow.h"
#include "ctl/metrics/scrape.h"

enum {
	EXPORTER_LISTENERS_MAX = 8, /* the maximum of the setting `listen` of metrics */
	EXPORTER_RESERVE = 8        /* more than a scrape needs at a time */
};

struct exporter {
	struct child *child;
	const char *run_dir; /* of the control socket, as seen from the jail */
	struct event_base *base;
	struct evhttp *http;
	struct evconnlistener *listeners[EXPORTER_LISTENERS_MAX]; /* of http */
	size_t listener_count;
	struct event *control, *sweep;
	int reserve[EXPORTER_RESERVE]; /* descriptors that connections can't take from a scrape */
	int first_fd;                  /* descriptors from here on are connections, and what a scrape opens */
	struct slow slow;
	struct scrape scrape;
	char packet[1024]; /* of master */
};

/* As root: makes the listeners of CHILD, which is borrowed. Exits with a reason when that fails. */
void exporter_load(struct exporter *e, struct child *child);
void exporter_jail(struct exporter *e);

/* Serves until master says stop or is gone. */
void exporter_run(struct exporter *e);
void exporter_free(struct exporter *e);

#endif
