/* The loop of mailroot-web: the links of the process, its requests, and the time. */
#ifndef DELIVERY_WEB_LOOP_H
#define DELIVERY_WEB_LOOP_H

#include "common/process/child.h"
#include "common/process/trouble.h"
#include "delivery/web/console.h"

struct loop {
	struct child *child;
	struct web web;
	struct block *blocks;
	size_t block_count;
	bool too_many; /* blocks for the page */
	struct console console;
	struct trouble trouble;
	struct str ca; /* authorities in PEM */
	char *proxy, *proxy_user, *proxy_password;
	char general[SECRETS_WHY_MAX]; /* why no issuer can be reached; "" = they can */
	bool stopping;
	int64_t stop_mono; /* the end of what is finished first */
	char packet[WIRE_PACKET_MAX];
};

/* As root: reads all files. Dies without memory. */
void loop_load(struct loop *l, struct child *child);

/* In the jail: serves until master says stop, or is gone. */
void loop_run(struct loop *l);
void loop_free(struct loop *l);

#endif
