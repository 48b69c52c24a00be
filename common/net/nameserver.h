/*
 * Whether name servers answer at all: a small question to each, by UDP, asked again when it is lost. Nothing here
 * resolves a name; it tells an administrator which server it is that holds up his mail.
 */
#ifndef COMMON_NET_NAMESERVER_H
#define COMMON_NET_NAMESERVER_H

#include <poll.h>

#include "common/config/config.h"

enum {
	NAMESERVERS_MAX = 8, /* as of dns_server; of resolv.conf the system uses three */
	NAMESERVER_TRIES = 2,
	NAMESERVER_TRY_MS = 1500,
	NAMESERVER_TEXT_MAX = 160
};

enum nameserver_state {
	NAMESERVER_UNKNOWN, /* not asked, or it can't be from here */
	NAMESERVER_ASKED,
	NAMESERVER_GOOD,
	NAMESERVER_SILENT,
	NAMESERVER_REFUSES, /* to look up names for this machine, or for anybody */
	NAMESERVER_AWAY     /* nobody listens there, or no way leads there: ERR */
};

struct nameserver {
	struct ipaddr ip;
	uint16_t port;
	enum nameserver_state state;
	int err; /* positive */
	int fd;  /* -1 unless asked */
};

struct nameservers {
	struct nameserver at[NAMESERVERS_MAX];
	size_t n;
	uint16_t id;    /* of the question under way */
	unsigned tries; /* still left */
	int64_t until;  /* of this try, clock_mono_ms */
};

void nameservers_written(const struct config_endpoints *servers, struct nameservers *out);

/* Those of the text of a resolv.conf. Pure. */
void nameservers_resolvconf(struct span text, struct nameservers *out);

/* Asks all; what was under way is given up. */
void nameservers_ask(struct nameservers *all, int64_t now_ms);

/* What to poll (NAMESERVERS_MAX at most; their number), and how long at most: -1 = nothing is under way. */
size_t nameservers_poll(const struct nameservers *all, struct pollfd *to);
int nameservers_until(const struct nameservers *all, int64_t now_ms);

/* After that: takes answers, asks again, gives up. */
void nameservers_tend(struct nameservers *all, int64_t now_ms);

/* Asks all and waits until each has answered or had its time. */
void nameservers_ask_and_wait(struct nameservers *all);

/* "name server 192.0.2.53:53 does not answer": what is wrong with it. False: nothing, as far as is known. */
bool nameserver_trouble(const struct nameserver *server, char to[NAMESERVER_TEXT_MAX]);

void nameservers_close(struct nameservers *all);

/* The question, and what its answer says of the server; UNKNOWN: PACKET is no answer to it. Pure. */
enum { NAMESERVER_QUESTION = 17 };
void nameserver_question(uint16_t id, unsigned char to[NAMESERVER_QUESTION]);
enum nameserver_state nameserver_judge(struct span packet, uint16_t id);

#endif
