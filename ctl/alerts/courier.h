/*
 * The ways by which an alert goes out: the command, the hosts of `via`, and as the last resort a listener of our own. A
 * process of its own walks them, because each takes time and needs more rights than the process that watches.
 */
#ifndef CTL_ALERTS_COURIER_H
#define CTL_ALERTS_COURIER_H

#include "common/config/config.h"
#include "ctl/alerts/notice.h"

enum {
	COURIER_MAX = 64,          /* of one answer: a command, and each recipient at each host */
	COURIER_NAME_MAX = 400,    /* "mail to ADDRESS by HOST:25" */
	COURIER_SAID_MAX = 400,    /* COMMAND_SAID_MAX, SUBMIT_SAID_MAX */
	COURIER_LISTENERS_MAX = 8, /* of our own, which are tried */
	COURIER_LISTENER_MAX = 64, /* NET_TEXT_MAX */
	COURIER_ALL_MS = 120000,   /* for one alert */
	COURIER_ONE_MS = 30000,    /* for the command, or for one mail to a host of `via` */
	COURIER_OWN_MS = 10000     /* for one mail to our own listener, which may expect TLS first */
};

/* What is told. All texts end with NUL. */
struct courier_alert {
	bool test; /* try every configured way, even if an earlier one has worked */
	char state[16], kind[16], server[WATCH_SERVER_MAX + 1], object[WATCH_OBJECT_MAX + 1], since[32];
	char subject[NOTICE_SUBJECT_MAX];
	char listeners[COURIER_LISTENERS_MAX]
		      [COURIER_LISTENER_MAX]; /* of our own that can carry mail: "127.0.0.1:25" */
	size_t listener_count;
	int64_t now; /* wall clock */
	size_t body_len;
	char body[NOTICE_BODY_MAX];
};

struct courier_said {
	char way[COURIER_NAME_MAX];
	bool good;
	char said[COURIER_SAID_MAX]; /* one line */
};

struct courier_answer {
	bool told; /* a way has taken it */
	size_t n;
	struct courier_said at[COURIER_MAX];
};

/* Tells ALERT by the ways of CONFIG, from the machine HOST. Blocks, for COURIER_ALL_MS at most. */
void courier_tell(const struct config_alert *config, const char *host, const struct courier_alert *alert,
		  struct courier_answer *answer);

/* A listener as master reports it, "*:25" or "[::]:25", as an address to connect to. False: it is none. Pure. */
bool courier_listener(struct span text, struct ipaddr *ip, uint16_t *port);

#endif
