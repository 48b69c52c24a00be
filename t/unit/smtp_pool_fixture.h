/* The pool of SMTP clients as a process (pool_fixture.h), with the test as the host that takes the mail, too. */
#ifndef T_UNIT_SMTP_POOL_FIXTURE_H
#define T_UNIT_SMTP_POOL_FIXTURE_H

#include <arpa/inet.h>
#include <netinet/in.h>

#include "common/ipc/hosts.h"
#include "delivery/auth/security.h"
#include "delivery/auth/signer.h"
#include "delivery/smtp_jobs.h"
#include "t/unit/pool_fixture.h"

static const struct securities securities; /* each test has its own */
static struct signer no_signer = {.link = -1};
static const struct smtp_jobs_context loaded = {&securities, &no_signer};
static const struct pool_kind kind = {.role = CHILD_DELIVERY,
				      .link = CHILD_LINK_DELIVERY,
				      .jobs = WIRE_LINK_job_delivery,
				      .work = smtp_jobs_work,
				      .context = &loaded};

static inline int listen_here(uint16_t *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 5) == 0);
	ck_assert(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static inline void send_job_of(struct fixture *f, int job_link, uint16_t port, const char *security,
			       const char *credentials)
{
	struct str hosts;
	struct ipaddr ip;
	int fd = message();
	str_init(&hosts, 1000);
	ipaddr_parse(SPAN("127.0.0.1"), &ip);
	hosts_append(&hosts, &(struct host){.name = SPAN("mx"), .ip = ip, .port = port});
	struct wire_job_smtp job = {.id = span_of(id),
				    .destination = SPAN("mx"),
				    .security = span_of(security),
				    .credentials = span_of(credentials),
				    .hosts = str_span(&hosts),
				    .size = sizeof(HEAD BODY) - 1,
				    .timeout_ms = 10000};
	send_packet(f, job_link, wire_encode_job_smtp(&job, &f->out), &fd, 1);
	str_free(&hosts);
	close(fd);
}

static inline void expect_text(int peer, const char *text)
{
	char seen[1000] = "";
	size_t want = strlen(text), have = 0;
	while (have < want) {
		ssize_t n = recv(peer, seen + have, want - have, 0);
		ck_assert_int_gt(n, 0);
		have += (size_t)n;
	}
	ck_assert_str_eq(seen, text);
}

static inline void say(int peer, const char *text)
{
	ck_assert_int_eq(send(peer, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

static inline void take_message(int peer)
{
	expect_text(peer, "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n");
	say(peer, "250 ok\r\n250 ok\r\n354 go\r\n");
	expect_text(peer, BODY ".\r\n");
	say(peer, "250 taken\r\n");
}

static inline int take_first(int listener)
{
	int peer = accept(listener, NULL, NULL);
	say(peer, "220 hi\r\n");
	expect_text(peer, "EHLO relay.example.com\r\n");
	say(peer, "250-mx\r\n250 PIPELINING\r\n");
	take_message(peer);
	return peer;
}

static inline void expect_delivered(struct fixture *f, uint64_t number)
{
	struct wire_verdict v = receive_verdict(f);
	ck_assert(v.event == JOURNAL_DELIVERED && v.worker == number && v.last_of_job && v.connected);
}

#endif
