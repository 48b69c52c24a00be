#include "delivery/auth/gss.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/gss/keytab.h"
#include "common/gss/paths.h"
#include "delivery/auth/gss_agent.h"

struct gss_client {
	struct keytab keytab;
	char principal[256];
	struct gss_paths paths;
	int64_t deadline_ms;
	pid_t agent; /* process id; 0 = none */
	int link;    /* to the agent */
};

struct gss_client_exchange {
	struct gss_client *client;
	char host[256];
	unsigned rounds;
	bool done;
	char why[GSS_WHY_MAX];
};

struct gss_client *gss_client_load(const char *principal, const char *keytab, char *why, size_t size)
{
	struct gss_client *c = calloc(1, sizeof(*c));
	if (!c) {
		snprintf(why, size, N_("out of memory"));
		return NULL;
	}
	c->link = -1;
	c->deadline_ms = GSS_CLIENT_DEADLINE_MS;
	if (!principal || !*principal || !span_copy(span_of(principal), c->principal, sizeof(c->principal)))
		snprintf(why, size, N_("gssapi needs the Kerberos principal as username"));
	else if (keytab_open(keytab, principal, &c->keytab, why, size)) {
		gss_paths_collect(&c->paths, getenv("KRB5_CONFIG"));
		return c;
	}
	free(c);
	return NULL;
}

static void end_agent(struct gss_client *c)
{
	fd_close(&c->link);
	if (c->agent) {
		kill(c->agent, SIGKILL);
		while (waitpid(c->agent, NULL, 0) < 0 && errno == EINTR)
			;
	}
	c->agent = 0;
}

void gss_client_free(struct gss_client *c)
{
	if (!c)
		return;
	end_agent(c);
	keytab_close(&c->keytab);
	gss_paths_free(&c->paths);
	free(c);
}

void gss_client_set_deadline(struct gss_client *c, int64_t ms)
{
	c->deadline_ms = ms;
}

const char *const *gss_client_paths(struct gss_client *c)
{
	return (const char *const *)c->paths.at;
}

struct gss_client_exchange *gss_client_begin(struct gss_client *client, const char *host)
{
	struct gss_client_exchange *x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	x->client = client;
	bool brackets = host[0] == '[';
	snprintf(x->host, sizeof(x->host), "%.*s", (int)strcspn(host + brackets, "]"), host + brackets);
	return x;
}

static enum gss_step fail(struct gss_client_exchange *x, const char *why)
{
	snprintf(x->why, sizeof(x->why), "%s", why);
	return GSS_FAILED;
}

static bool ask(struct gss_client *c, char what, struct span content)
{
	char packet[GSS_AGENT_PACKET];
	packet[0] = what;
	memcpy(packet + 1, content.at, content.len);
	if (!c->agent) {
		pid_t pid = gss_agent_start(c->keytab.name, c->principal, &c->link);
		if (pid < 0)
			return false;
		c->agent = pid;
	}
	return send(c->link, packet, content.len + 1, MSG_NOSIGNAL) > 0;
}

/* Receives the agent's answer. Returns its octets; 0 = none in time, -1 = the agent is gone. */
static ssize_t hear(struct gss_client *c, char packet[GSS_AGENT_PACKET])
{
	int64_t until = clock_mono_ms() + c->deadline_ms;
	struct pollfd fd = {.fd = c->link, .events = POLLIN};
	for (int64_t left = c->deadline_ms; left > 0; left = until - clock_mono_ms()) {
		int ready = poll(&fd, 1, (int)left);
		if (ready > 0) {
			ssize_t n = recv(c->link, packet, GSS_AGENT_PACKET, 0);
			return n > 0 ? n : -1;
		}
		if (ready < 0 && errno != EINTR)
			return -1;
	}
	return 0;
}

static enum gss_step answer(struct gss_client_exchange *x, struct span packet, struct str *reply)
{
	struct span content = span_skip(packet, 1);
	switch (packet.at[0]) {
	case GSS_MORE:
	case GSS_DONE:
		x->done = packet.at[0] == GSS_DONE;
		return str_append(reply, content) ? (enum gss_step)packet.at[0] : fail(x, N_("the token is too long"));
	default:
		span_clean(content, x->why, sizeof(x->why));
		return GSS_FAILED;
	}
}

static enum gss_step fail_late(struct gss_client_exchange *x)
{
	snprintf(
		x->why, sizeof(x->why),
		N_("no KDC answered within %lld s: check that krb5.conf names one for the realm, that it runs, and that port 88 is open to it"),
		(long long)(x->client->deadline_ms + 999) / 1000);
	return GSS_FAILED;
}

static enum gss_step fail_start(struct gss_client_exchange *x)
{
	snprintf(x->why, sizeof(x->why), N_("can't start the process that asks Kerberos: %s"), strerror(errno));
	return GSS_FAILED;
}

enum gss_step gss_client_step(struct gss_client_exchange *x, struct span token, struct str *reply)
{
	char packet[GSS_AGENT_PACKET];
	bool first = x->rounds == 0;
	str_clear(reply);
	if (x->why[0] || x->done || ++x->rounds > GSS_ROUNDS_MAX)
		return fail(x, N_("the exchange does not end"));
	if (token.len > GSS_TOKEN_MAX)
		return fail(x, N_("the host's token is too long"));
	if (!ask(x->client, first ? GSS_AGENT_BEGIN : GSS_AGENT_TOKEN, first ? span_of(x->host) : token))
		return fail_start(x);
	ssize_t n = hear(x->client, packet);
	if (n < 0)
		return fail(x, N_("the process that asks Kerberos has died"));
	return n ? answer(x, (struct span){packet, (size_t)n}, reply) : fail_late(x);
}

const char *gss_client_why(const struct gss_client_exchange *x)
{
	return x->why;
}

/* The tickets may be the reason of a failed exchange (the host has a new key): they are not used again. */
void gss_client_end(struct gss_client_exchange *x)
{
	if (!x)
		return;
	if (!x->done)
		end_agent(x->client);
	free(x);
}
