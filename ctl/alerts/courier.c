#include "ctl/alerts/courier.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/net/net.h"
#include "ctl/alerts/command.h"
#include "ctl/alerts/submit.h"

enum { SMTP_PORT = 25, SUBMISSIONS_PORT = 465, ID_MAX = 24 };

struct telling {
	const struct config_alert *config;
	const char *host; /* this machine */
	const struct courier_alert *alert;
	struct notice notice;
	struct courier_answer *answer;
	int64_t until; /* clock_mono_ms */
};

static int64_t left_ms(const struct telling *t, int64_t most)
{
	int64_t left = t->until - clock_mono_ms();
	return left < most ? left : most;
}

/* The row for the next way; the last one is written again when there are too many. */
static struct courier_said *next_row(struct telling *t)
{
	struct courier_answer *answer = t->answer;
	struct courier_said *row = &answer->at[answer->n < COURIER_MAX ? answer->n++ : COURIER_MAX - 1];
	*row = (struct courier_said){.good = false};
	return row;
}

static void tell_command(struct telling *t)
{
	const struct courier_alert *alert = t->alert;
	const struct command_alert what = {alert->state,
					   alert->kind,
					   alert->server,
					   alert->object,
					   alert->since,
					   alert->subject,
					   str_span(&t->notice.body)};
	struct courier_said *row = next_row(t);
	snprintf(row->way, sizeof(row->way), "command %.300s", t->config->command);
	row->good = command_run(t->config->command, &what, COURIER_ONE_MS, row->said);
	t->answer->told |= row->good;
}

/* An identifier that no other message has. */
static void make_id(char *to)
{
	uint64_t random;
	fd_random(&random, sizeof(random));
	snprintf(to, ID_MAX, "%016" PRIx64, random);
}

/* The address of the envelope and of From. */
static const char *sender(const struct telling *t, char *to, size_t size)
{
	const char *from = t->config->from;
	snprintf(to, size, from && from[0] ? "%s" : "mailroot@%s", from && from[0] ? from : t->host);
	return to;
}

/* Sends the mail for RECIPIENT over FD. */
static bool send_mail(struct telling *t, int fd, const char *recipient, int64_t ms, char *said)
{
	char id[ID_MAX], from[512];
	struct str mail;
	make_id(id);
	str_init(&mail, 2 * NOTICE_BODY_MAX);
	bool good =
		notice_mail(&t->notice, sender(t, from, sizeof(from)), recipient, t->host, id, t->alert->now, &mail);
	const struct submission what = {t->host, from, recipient, str_span(&mail)};
	if (good)
		good = submit(fd, &what, ms, said);
	else
		snprintf(said, COURIER_SAID_MAX, "no memory");
	str_free(&mail);
	return good;
}

struct peer {
	char name[COURIER_NAME_MAX / 2]; /* for people */
	struct ipaddr ip;
	uint16_t port;
	int64_t ms; /* for one mail */
};

/* One mail to PEER for each recipient. True: at least one was taken. */
static bool mail_to(struct telling *t, const struct peer *peer)
{
	const struct config_words *to = &t->config->to;
	bool taken = false;
	for (size_t i = 0; i < to->n; i++) {
		struct courier_said *row = next_row(t);
		snprintf(row->way, sizeof(row->way), "mail to %.150s by %s", to->at[i], peer->name);
		int64_t ms = left_ms(t, peer->ms);
		int fd = ms > 0 ? net_connect_from(NULL, &peer->ip, peer->port, ms) : -ETIMEDOUT;
		if (fd < 0)
			snprintf(row->said, sizeof(row->said), "can't connect: %s", strerror(-fd));
		else
			row->good = send_mail(t, fd, to->at[i], ms, row->said);
		fd_close(&fd);
		taken |= row->good;
	}
	t->answer->told |= taken;
	return taken;
}

/* The first address of HOST, by the resolver of this machine. */
static int find_address(const struct config_host *host, struct ipaddr *ip)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *found = NULL;
	struct sockaddr_storage address = {0};
	uint16_t port;
	if (host->kind == CONFIG_HOST_IP) {
		*ip = host->ip;
		return 0;
	}
	int err = getaddrinfo(host->name, NULL, &hints, &found);
	if (err)
		return err;
	memcpy(&address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	net_address(&address, ip, &port);
	return 0;
}

static bool tell_via(struct telling *t, const struct config_host *host)
{
	struct peer peer = {.port = host->port ? host->port : SMTP_PORT, .ms = COURIER_ONE_MS};
	int err = find_address(host, &peer.ip);
	if (err) {
		struct courier_said *row = next_row(t);
		snprintf(row->way, sizeof(row->way), "mail by %.200s", host->name);
		snprintf(row->said, sizeof(row->said), "its address can't be found: %s", gai_strerror(err));
		return false;
	}
	if (host->kind == CONFIG_HOST_IP)
		net_format(&peer.ip, peer.port, peer.name);
	else
		snprintf(peer.name, sizeof(peer.name), "%.180s:%u", host->name, peer.port);
	return mail_to(t, &peer);
}

/* By the hosts of `via` in turn. A test tries all of them. */
static bool tell_all_via(struct telling *t)
{
	bool taken = false;
	for (size_t i = 0; i < t->config->via.n && (!taken || t->alert->test); i++)
		taken |= tell_via(t, &t->config->via.at[i]);
	return taken;
}

bool courier_listener(struct span text, struct ipaddr *ip, uint16_t *port)
{
	const char *colon = memrchr(text.at, ':', text.len);
	uint64_t number;
	if (!colon)
		return false;
	size_t len = (size_t)(colon - text.at);
	struct span host = {text.at, len};
	if (!span_to_u64(span_skip(text, len + 1), UINT16_MAX, &number) || !number)
		return false;
	*port = (uint16_t)number;
	if (span_equal(host, SPAN("*")) || span_equal(host, SPAN("0.0.0.0")))
		return ipaddr_parse(SPAN("127.0.0.1"), ip);
	if (span_equal(host, SPAN("[::]")))
		return ipaddr_parse(SPAN("::1"), ip);
	if (len > 2 && host.at[0] == '[' && host.at[len - 1] == ']')
		host = (struct span){host.at + 1, len - 2};
	return ipaddr_parse(host, ip);
}

static void tell_own(struct telling *t)
{
	bool taken = false;
	for (size_t i = 0; i < t->alert->listener_count && !taken; i++) {
		struct peer peer = {.ms = COURIER_OWN_MS};
		if (!courier_listener(span_of(t->alert->listeners[i]), &peer.ip, &peer.port) ||
		    peer.port == SUBMISSIONS_PORT)
			continue;
		snprintf(peer.name, sizeof(peer.name), "our own %s", t->alert->listeners[i]);
		taken = mail_to(t, &peer);
	}
}

void courier_tell(const struct config_alert *config, const char *host, const struct courier_alert *alert,
		  struct courier_answer *answer)
{
	struct telling t = {config, host, alert, .answer = answer, .until = clock_mono_ms() + COURIER_ALL_MS};
	*answer = (struct courier_answer){.n = 0};
	notice_init(&t.notice);
	snprintf(t.notice.subject, sizeof(t.notice.subject), "%s", alert->subject);
	str_append(&t.notice.body, (struct span){alert->body, alert->body_len});
	if (config->command && config->command[0])
		tell_command(&t);
	if (config->to.n && !tell_all_via(&t))
		tell_own(&t);
	notice_free(&t.notice);
}
