#include "smtpd/health.h"

#include <poll.h>
#include <unistd.h>

#include "common/net/stream.h"
#include "common/tls/channel.h"
#include "smtpd/protocol/limits.h"
#include "smtpd/protocol/replies.h"

enum { CHECK_MS = 30 * 1000, CHECK_COMMANDS = 10 };

/* The link takes no packet, because the queue does not empty it or is gone. Mail would be refused. */
static bool queue_is_away(int arrivals)
{
	struct pollfd link = {.fd = arrivals, .events = POLLOUT};
	return poll(&link, 1, 0) != 1 || link.revents != POLLOUT;
}

const char *health_trouble(const struct config_server *server, const struct store *store, int arrivals)
{
	if (store->space(store->context, server->free_space_floor, 0))
		return "The spool has no room or can't be written";
	if (queue_is_away(arrivals))
		return "The queue does not answer";
	return NULL;
}

static void say(struct stream *stream, const struct config_server *server, enum reply_id id, const char *about)
{
	struct str text;
	str_init(&text, LIMIT_LINE);
	replies_append(&text, id, !(server->without & WITHOUT_ENHANCEDSTATUSCODES), span_of(server->fqdn),
		       span_of(about));
	stream_write(stream, str_span(&text));
	str_free(&text);
}

/* False: the dialogue is over. */
static bool answer(struct stream *stream, const struct config_server *server, struct span line)
{
	struct span verb = span_take_word(&line);
	if (span_equal_nocase(verb, SPAN("QUIT")))
		say(stream, server, REPLY_BYE, NULL);
	else if (span_equal_nocase(verb, SPAN("HELO")) || span_equal_nocase(verb, SPAN("EHLO")))
		say(stream, server, REPLY_CHECK_HELLO, NULL);
	else if (span_equal_nocase(verb, SPAN("NOOP")) || span_equal_nocase(verb, SPAN("RSET")))
		say(stream, server, REPLY_OK, NULL);
	else
		say(stream, server, REPLY_CHECK_ONLY, NULL);
	return !span_equal_nocase(verb, SPAN("QUIT"));
}

static void talk(struct stream *stream, const struct config_server *server, const char *trouble,
		 struct serve_stop *stop)
{
	struct span line;
	bool bare;
	say(stream, server, trouble ? REPLY_NOT_WELL : REPLY_CHECKED, trouble);
	for (int i = 0; !trouble && i < CHECK_COMMANDS && !stop->stop; i++)
		if (stream_line(stream, LIMIT_LINE, &line, &bare) != STREAM_OK || !answer(stream, server, line))
			break;
	stream_flush(stream);
}

void health_serve(int fd, const struct serve_tls *tls, const struct config_server *server, const char *trouble,
		  struct serve_stop *stop)
{
	struct stream stream;
	struct tls_channel channel = {0};
	char why[TLS_WHY_MAX];
	if (stream_init(&stream, fd, CHECK_MS)) {
		stream_deadline(&stream, CHECK_MS);
		stop->waiting_fd = fd;
		if (!tls->first ||
		    (tls_channel_init(&channel, tls->context, &stream) && tls_channel_accept(&channel, why) == TLS_OK))
			talk(&stream, server, trouble, stop);
		stop->waiting_fd = -1;
		tls_channel_close(&channel);
		stream_free(&stream);
	}
	close(fd);
}
