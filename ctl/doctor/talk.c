#include "ctl/doctor/talk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/net/net.h"
#include "common/tls/client.h"

enum { LINE_OCTETS = 1000, LINES_MAX = 100 };

int talk_open(struct talk *t, const struct ipaddr *source, const struct ipaddr *ip, uint16_t port)
{
	*t = (struct talk){.fd = -1};
	int fd = net_connect_from(source, ip, port, TALK_MS);
	if (fd < 0)
		return fd;
	t->fd = fd;
	return stream_init(&t->stream, fd, TALK_MS) ? 0 : -errno;
}

void talk_close(struct talk *t)
{
	if (t->fd < 0)
		return;
	stream_free(&t->stream);
	fd_close(&t->fd);
}

static void note_extension(struct talk *t, struct span line)
{
	struct span words = span_skip(line, 4), word = span_take_word(&words);
	if (span_equal_nocase(word, SPAN("SIZE")))
		span_to_u64(span_trim(words), INT64_MAX, &t->size);
	t->starttls |= span_equal_nocase(word, SPAN("STARTTLS"));
	if (span_equal_nocase(word, SPAN("AUTH")))
		snprintf(t->mechanisms, sizeof(t->mechanisms), " %.*s ", SPAN_ARGS(span_trim(words)));
}

bool talk_read(struct talk *t)
{
	struct span line;
	bool bare;
	t->code = 0;
	for (unsigned n = 0; n < LINES_MAX; n++) {
		uint64_t code;
		stream_deadline(&t->stream, TALK_MS);
		if (stream_line(&t->stream, LINE_OCTETS, &line, &bare) != STREAM_OK)
			return false;
		if (n == 0)
			span_clean(line, t->said, sizeof(t->said));
		if (line.len < 3 || !span_to_u64((struct span){line.at, 3}, 599, &code))
			return false;
		note_extension(t, line);
		if (line.len == 3 || line.at[3] != '-') {
			t->code = (int)code;
			return true;
		}
	}
	return false;
}

bool talk_say(struct talk *t, const char *line)
{
	return stream_write(&t->stream, span_of(line)) == STREAM_OK &&
	       stream_write(&t->stream, SPAN("\r\n")) == STREAM_OK && talk_read(t);
}

bool talk_hello(struct talk *t, const char *name, bool plain)
{
	char line[DOMAIN_MAX + 10];
	t->starttls = false;
	t->size = 0;
	t->mechanisms[0] = '\0';
	snprintf(line, sizeof(line), "EHLO %.255s", name);
	if (!plain && (!talk_say(t, line) || t->code == 250))
		return t->code == 250;
	snprintf(line, sizeof(line), "HELO %.255s", name);
	return talk_say(t, line) && t->code == 250;
}

bool talk_secure(struct talk *t, struct ssl_ctx_st *tls, const struct config_outbound *outbound, const char *name,
		 const struct ipaddr *ip, char *why)
{
	struct tls_client_expect expect = {.name = span_of(outbound->tls_name ? outbound->tls_name : name),
					   .fingerprints = outbound->tls_fingerprint};
	char reason[TLS_CLIENT_WHY_MAX] = "", handshake[TLS_WHY_MAX] = "";
	const char *fault = reason;
	if (!expect.name.len)
		expect.ip = ip;
	stream_discard(&t->stream);
	stream_deadline(&t->stream, TALK_MS);
	if (tls_channel_init(&t->channel, tls, &t->stream) && tls_client_name(&t->channel, &expect)) {
		if (tls_channel_connect(&t->channel, handshake) != TLS_OK)
			fault = handshake;
		else if (config_outbound_tls(outbound) != CONFIG_TLS_VERIFY ||
			 tls_client_check(&t->channel, &expect, reason))
			return true;
	}
	snprintf(why, TALK_WHY_MAX, _("TLS fails: %s"), fault[0] ? fault : _("no memory"));
	return false;
}
