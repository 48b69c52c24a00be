/*
 * Checks whether name servers answer: a small question to each, by UDP, repeated when it is lost. Resolves no names;
 * tells an administrator which server delays mail.
 */
#ifndef COMMON_NET_NAMESERVER_H
#define COMMON_NET_NAMESERVER_H

#include <poll.h>

#include "common/config/config.h"

enum {
	NAMESERVERS_MAX = 8, /* as for dns_server; the system uses three of resolv.conf */
	NAMESERVER_TRIES = 2,
	NAMESERVER_TRY_MS = 1500,
	NAMESERVER_TEXT_MAX = 160
};

enum nameserver_state {
	NAMESERVER_UNKNOWN, /* not asked, or unreachable from here */
	NAMESERVER_ASKED,
	NAMESERVER_GOOD,
	NAMESERVER_SILENT,
	NAMESERVER_REFUSES, /* to resolve names for this machine, or at all */
	NAMESERVER_AWAY     /* nothing listens there, or there is no route: ERR */
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
	unsigned tries; /* remaining */
	int64_t until;  /* deadline of this try, clock_mono_ms */
};

void nameservers_written(const struct config_endpoints *servers, struct nameservers *out);

/* Parses the name servers of a resolv.conf. Pure. */
void nameservers_resolvconf(struct span text, struct nameservers *out);

/* Asks all; drops questions under way. */
void nameservers_ask(struct nameservers *all, int64_t now_ms);

/*
 * The descriptors to poll (NAMESERVERS_MAX at most; returns their number and sets the time-out, -1 = nothing is under
 * way).
 */
size_t nameservers_poll(const struct nameservers *all, struct pollfd *to);
int nameservers_until(const struct nameservers *all, int64_t now_ms);

/* After the poll: takes answers, repeats questions, gives up. */
void nameservers_tend(struct nameservers *all, int64_t now_ms);

/* Asks all and waits until each has answered or timed out. */
void nameservers_ask_and_wait(struct nameservers *all);

/* Describes the problem: "name server 192.0.2.53:53 does not answer". False: no known problem. */
bool nameserver_trouble(const struct nameserver *server, char to[NAMESERVER_TEXT_MAX]);

void nameservers_close(struct nameservers *all);

/* Makes the question, and judges an answer. UNKNOWN: PACKET is no answer to it. Pure. */
enum { NAMESERVER_QUESTION = 17 };
void nameserver_question(uint16_t id, unsigned char to[NAMESERVER_QUESTION]);
enum nameserver_state nameserver_judge(struct span packet, uint16_t id);

#endif
