#include "smtpd/atrn_relay.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"

enum { PIECES_AT_ONCE = 16 };

struct atrn_relay {
	struct stream *client;
	int stream; /* to the process that sends the mail */
	bool client_ended, mail_ended;
	bool moved; /* octets were carried in this round */
	uint64_t to_client, from_client;
};

/* Blocks while the sender does not read. False: the sender has closed, or is too slow. */
static bool pass_on(struct atrn_relay *t, struct span octets)
{
	while (octets.len) {
		ssize_t n = send(t->stream, octets.at, octets.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		octets = span_skip(octets, (size_t)n);
		t->from_client += (uint64_t)n;
	}
	return true;
}

/* True: more octets may be buffered, which poll does not show. */
static bool carry_from_client(struct atrn_relay *t)
{
	struct span octets;
	for (int i = 0; i < PIECES_AT_ONCE; i++) {
		if (stream_silent(t->client))
			return false;
		if (!stream_pending(t->client) || stream_peek(t->client, &octets) != STREAM_OK) {
			t->client_ended = true;
			shutdown(t->stream, SHUT_WR);
			return false;
		}
		t->moved = true;
		if (!pass_on(t, octets)) {
			t->mail_ended = true;
			return false;
		}
		stream_taken(t->client, octets.len);
	}
	return true;
}

static void carry_to_client(struct atrn_relay *t)
{
	char octets[LIMIT_ATRN_OCTETS];
	ssize_t n = recv(t->stream, octets, sizeof(octets), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	t->mail_ended = n <= 0;
	if (n <= 0)
		return;
	t->moved = true;
	t->to_client += (uint64_t)n;
	if (stream_write(t->client, (struct span){octets, (size_t)n}) != STREAM_OK ||
	    stream_flush(t->client) != STREAM_OK)
		t->mail_ended = true;
}

static void wait_for_more(const struct atrn_relay *t, bool more)
{
	struct pollfd fds[] = {{.fd = t->stream, .events = POLLIN},
			       {.fd = t->client_ended ? -1 : t->client->fd, .events = POLLIN}};
	(void)poll(fds, 2, more ? 0 : LIMIT_ATRN_LOOK_MS);
}

static void set_send_timeout(int fd, int64_t ms)
{
	const struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

void atrn_relay(struct stream *client, struct session *session, const struct serve_stop *stop)
{
	struct atrn_relay t = {.client = client, .stream = session->atrn.stream};
	int64_t idle_ms = session->config->connection_timeout, heard_ms = clock_mono_ms(), now = heard_ms;
	set_send_timeout(t.stream, idle_ms);
	stream_deadline(client, 0);
	if (stream_flush(client) != STREAM_OK)
		return;
	log_info("client=%s user=%s status=turned", session->client_text, session->client.user);
	while (!t.mail_ended && now - heard_ms < idle_ms) {
		t.moved = false;
		bool more = !t.client_ended && carry_from_client(&t);
		if (!t.mail_ended)
			carry_to_client(&t);
		if (session->atrn.claim >= 0 && (stop->stop || session_revoked(session)))
			fd_close(&session->atrn.claim);
		if (!t.mail_ended && !t.moved)
			wait_for_more(&t, more);
		now = clock_mono_ms();
		if (t.moved)
			heard_ms = now;
	}
	log_info("client=%s user=%s octets_sent=%llu octets_heard=%llu status=turn-over", session->client_text,
		 session->client.user, (unsigned long long)t.to_client, (unsigned long long)t.from_client);
}
