#include "smtpd/policy/names.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/ipc/ipc.h"
#include "smtpd/protocol/limits.h"

enum {
	ANSWER_MAX = 1024,
	SOCKET_BUFFER = 8192,
	TRIES = 3,      /* a resolver that died may have lost the question */
	PAUSE_MS = 200, /* before the next try */
	CROWDED_MS = 20 /* until there may be room on the link */
};

static void unconfirmed(struct policy_client *client, const char *why)
{
	client->name_state = POLICY_NAME_UNCONFIRMED;
	client->name[0] = '\0';
	snprintf(client->why, sizeof(client->why), "%s", why);
}

void names_take(struct span packet, struct policy_client *client)
{
	struct wire_named named;
	unconfirmed(client, "the resolver sent a malformed answer");
	if (!wire_admit(WIRE_LINK_names, WIRE_DOWN, packet) || !wire_decode_named(packet, &named))
		return;
	if (!named.name.len) {
		span_copy(named.why, client->why, sizeof(client->why));
		return;
	}
	if (!domain_valid(named.name) || !span_copy(named.name, client->name, sizeof(client->name)))
		return;
	ascii_lower_text(client->name);
	client->name_state = POLICY_NAME_CONFIRMED;
	client->why[0] = '\0';
}

/* Sends the question together with a socket for the answer. Returns our end of that socket, or -errno. */
static int ask(int link, const struct ipaddr *ip)
{
	char address[IPADDR_TEXT_MAX];
	struct str packet;
	int ends[2];
	int err = ipc_pair(ends, SOCKET_BUFFER);
	if (err)
		return err;
	ipaddr_format(ip, address);
	const struct wire_name_of question = {.address = span_of(address)};
	str_init(&packet, ANSWER_MAX);
	err = wire_encode_name_of(&question, &packet) ? ipc_send(link, str_span(&packet), &ends[1], 1) : -ENOMEM;
	str_free(&packet);
	fd_close(&ends[1]);
	if (err)
		fd_close(&ends[0]);
	return err ? err : ends[0];
}

/* 0: CLIENT has the result. -ECONNRESET: the resolver died over the question. */
static int try_once(int link, int64_t until, struct policy_client *client)
{
	char buffer[ANSWER_MAX];
	struct ipc_packet packet;
	int fd = ask(link, &client->ip);
	if (fd < 0)
		return fd;
	int err = fd_await(fd, until);
	if (!err)
		err = ipc_receive(fd, buffer, sizeof(buffer), MSG_DONTWAIT, &packet);
	if (!err && packet.eof) {
		err = -ECONNRESET;
	} else if (!err) {
		names_take(packet.text, client);
		ipc_packet_close(&packet);
	}
	fd_close(&fd);
	return err;
}

/* The link, or the kernel's count of our user's sockets under way, is full. Both will have room again. */
static bool is_crowded(int err)
{
	return err == -EAGAIN || err == -ETOOMANYREFS;
}

static void look_up(void *context, struct policy_client *client)
{
	int64_t until = clock_mono_ms() + LIMIT_NAME_MS;
	int link = *(const int *)context, lost = 0;
	int err = try_once(link, until, client);
	while ((is_crowded(err) || (err == -ECONNRESET && ++lost < TRIES)) && clock_mono_ms() < until) {
		poll(NULL, 0, is_crowded(err) ? CROWDED_MS : PAUSE_MS);
		err = try_once(link, until, client);
	}
	if (err == -ETIMEDOUT)
		unconfirmed(client, "the resolver did not answer in time");
	else if (err)
		unconfirmed(client, "can't ask the resolver");
}

struct names names_of_resolver(const int *link)
{
	return (struct names){(void *)link, look_up};
}
