/* An SMTP client with one job, whose next hops are scripted hosts. */
#ifndef T_UNIT_CLIENT_FIXTURE_H
#define T_UNIT_CLIENT_FIXTURE_H

#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "delivery/smtp/client.h"
#include "t/unit/scripted_host.h"
#include "t/unit/suite.h"

struct fixture {
	struct client client;
	struct client_job job;
	struct envelope envelope;
	struct address rcpts[200];
	struct outcomes outcomes;
	struct arena arena;
	struct str hosts;
};

static inline void add_host(struct fixture *f, const char *name, uint16_t port)
{
	struct ipaddr ip;
	ck_assert(ipaddr_parse(SPAN("127.0.0.1"), &ip));
	hosts_append(&f->hosts, &(struct host){.name = span_of(name), .ip = ip, .port = port});
	f->job.hosts = str_span(&f->hosts);
}

/* A message file: an envelope, then BODY. */
static inline void set_message(struct fixture *f, struct span body)
{
	static const char head[] = "x-sender: a@example.com\r\n";
	int fd = memfd_create("message", 0);
	ck_assert(fd_write_all(fd, SPAN("x-sender: a@example.com\r\n")) == 0 && fd_write_all(fd, body) == 0);
	if (f->job.message >= 0)
		close(f->job.message);
	f->job.message = fd;
	f->job.body_at = sizeof(head) - 1;
	f->job.size = f->job.body_at + body.len;
	f->job.mail.size = body.len;
}

static inline void set_up(struct fixture *f, size_t rcpts)
{
	*f = (struct fixture){.job = {.mail = {.sender = SPAN("a@example.com")},
				      .message = -1,
				      .destination = SPAN("there"),
				      .timeout_ms = 10000}};
	ck_assert(client_init(&f->client, SPAN("relay.example.com")));
	arena_init(&f->arena, OUTCOME_ARENA_MAX);
	str_init(&f->hosts, 16384);
	f->envelope.rcpts = f->rcpts;
	f->envelope.rcpt_count = rcpts;
	for (size_t i = 0; i < rcpts; i++)
		f->rcpts[i].text = SPAN("b@example.net");
	set_message(f, SPAN("Subject: x\r\n\r\n.dot\r\n"));
}

static inline void tear_down(struct fixture *f)
{
	client_free(&f->client);
	arena_free(&f->arena);
	str_free(&f->hosts);
	close(f->job.message);
}

static inline void deliver(struct fixture *f)
{
	ck_assert(outcomes_select(&f->outcomes, &f->arena, &f->envelope, (struct span){0}));
	client_deliver(&f->client, &f->job, &f->outcomes);
	ck_assert_uint_eq(outcomes_open(&f->outcomes), 0);
}

static inline void expect(const struct fixture *f, size_t rcpt, enum journal_event event, int code, const char *text)
{
	const struct outcome *o = f->outcomes.rcpts[rcpt].outcome;
	ck_assert_msg(o->event == event && o->code == code && memmem(o->text.at, o->text.len, text, strlen(text)),
		      "%s %d %.*s", journal_event_name(o->event), o->code, SPAN_ARGS(o->text));
}

/* Steps of scripts: the greeting, a transaction up to its recipients, and one that ends well. */
#define HELLO    "A\nS 220 hi\nC EHLO relay.example.com\nS 250-mx\nS 250-SIZE 0\nS 250 PIPELINING\n"
#define ENVELOPE "C MAIL FROM:<a@example.com>\nC RCPT TO:<b@example.net>\nC DATA\nS 250 ok\nS 250 ok\n"
#define ACCEPT   ENVELOPE "S 354 go\nB\nS 250 2.0.0 taken\n"

#endif
