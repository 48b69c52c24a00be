/*
 * A queue whose mail waits for ETRN or ATRN. The test is smtpd, which sends the requests on the arrivals link, and two
 * workers.
 */
#ifndef T_UNIT_ETRN_FIXTURE_H
#define T_UNIT_ETRN_FIXTURE_H

#include <poll.h>

#include "t/unit/queue_fixture.h"

static const char rules[] = "access { auth plain; auth_requires_tls no }\n"
			    "remote_domain branch.test { etrn yes; route [192.0.2.1]; expire 10d }\n"
			    "remote_domain *.branch.test { etrn yes; route [192.0.2.1] }\n"
			    "remote_domain dial.test { etrn yes; atrn_accounts alice }\n"
			    "remote_domain safe.test { etrn yes; atrn_accounts alice; outbound { tls encrypt } }\n"
			    "smart_host [192.0.2.9]\n"
			    "delivery { retry 1h; expire 2d }";

static char id[MSGID_LEN + 1];
static struct hand *hand, *second;

static inline void setup(void)
{
	fixture_open(rules);
	hand = hire(&f.loop.queue.delivery);
	second = hire(&f.loop.queue.delivery);
}

static inline void teardown(void)
{
	dismiss(hand);
	dismiss(second);
	fixture_close();
}

/* Sends a request on the arrivals link, with STREAM unless it is -1. Returns the socket for the answer. */
static inline int ask(struct span packet, int stream)
{
	int answers[2];
	ck_assert_int_eq(ipc_pair(answers, 4096), 0);
	ck_assert_int_eq(ipc_send(f.arrivals[1], packet, (int[]){answers[1], stream}, stream >= 0 ? 2 : 1), 0);
	close(answers[1]);
	arrivals_receive(&f.loop);
	return answers[0];
}

static inline enum etrn_event hear(int fd, uint64_t *count)
{
	char buffer[64];
	struct ipc_packet packet;
	struct wire_etrn_answer answer;
	ck_assert_int_eq(ipc_receive(fd, buffer, sizeof(buffer), MSG_DONTWAIT, &packet), 0);
	ck_assert_msg(wire_decode_etrn_answer(packet.text, &answer), "no answer");
	*count = answer.count;
	return (enum etrn_event)answer.event;
}

/* The connection of a client as smtpd offers it: our end, and the socket that smtpd keeps. */
static struct {
	int stream, claim;
} turned;

static inline enum etrn_event atrn(const char *domains, const char *user, bool tls, uint64_t *count)
{
	const struct wire_atrn request = {
		.domains = span_of(domains), .user = span_of(user), .client = SPAN("192.0.2.77"), .tls = tls};
	struct str packet;
	int ends[2];
	str_init(&packet, 4096);
	ck_assert(wire_encode_atrn(&request, &packet));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	turned.claim = ask(str_span(&packet), ends[1]);
	turned.stream = ends[0];
	close(ends[1]);
	str_free(&packet);
	return hear(turned.claim, count);
}

static inline void let_turned_go(void)
{
	fd_close(&turned.stream);
	fd_close(&turned.claim);
}

static inline bool closed(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};
	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLRDHUP));
}

static inline void mail_for(const char *rcpts)
{
	accept_message(id, 0, "app@example.net", rcpts);
}

static inline size_t waiting(void)
{
	return f.loop.queue.messages.counts[MESSAGE_WAITING];
}

#endif
