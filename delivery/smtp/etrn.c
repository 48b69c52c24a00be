#include "delivery/smtp/etrn.h"

#include <stdio.h>

#include "common/base/log.h"

enum { COMMAND_MAX = 512 };

struct etrn_meaning etrn_meaning(int code)
{
	switch (code) {
	case 250:
	case 252:
	case 253:
		return (struct etrn_meaning){true, "asked", NULL};
	case 251:
		return (struct etrn_meaning){true, "nothing-waits", NULL};
	case 458:
		return (struct etrn_meaning){false, "refused",
					     "the host can't do it now; it is asked again on schedule"};
	case 459:
		return (struct etrn_meaning){false, "refused", "the host keeps no mail for this domain, or not for us"};
	case 500:
	case 502:
		return (struct etrn_meaning){false, "refused", "the host does not know ETRN: remove etrn_request"};
	case 530:
		return (struct etrn_meaning){false, "refused", "the host requires authentication or TLS: see outbound"};
	default:
		return (struct etrn_meaning){false, "refused",
					     code / 100 == 4 ? "it is asked again on schedule"
							     : "see the reply of the host"};
	}
}

static void complain(const struct client *c, struct span connector, const char *reason, struct span more)
{
	char text[REPLY_TEXT_MAX + 1];
	span_quotable(more, text, sizeof(text));
	log_warning("connector=%.*s relay=%s status=not-asked reason=\"%s%s%s\"", SPAN_ARGS(connector), c->host, reason,
		    text[0] ? ": " : "", text);
}

static void report(const struct client *c, struct span connector, struct span domain, const struct reply *reply)
{
	const struct etrn_meaning meaning = etrn_meaning(reply->code);
	char text[REPLY_TEXT_MAX + 1];
	span_quotable((struct span){reply->text, reply->text_len}, text, sizeof(text));
	if (meaning.agreed)
		log_info("connector=%.*s etrn=%.*s relay=%s status=%s code=%d text=\"%s\"", SPAN_ARGS(connector),
			 SPAN_ARGS(domain), c->host, meaning.status, reply->code, text);
	else
		log_warning("connector=%.*s etrn=%.*s relay=%s status=%s code=%d text=\"%s\": %s", SPAN_ARGS(connector),
			    SPAN_ARGS(domain), c->host, meaning.status, reply->code, text, meaning.advice);
}

/* False: no reply came. */
static bool exchange(struct client *c, const struct client_job *job, struct span command, struct reply *reply)
{
	struct span line;
	bool bare;
	stream_deadline(&c->stream, client_timeout(c, job));
	if (stream_write(&c->stream, command) != STREAM_OK || stream_flush(&c->stream) != STREAM_OK)
		return false;
	transcript_said(&c->transcript, command);
	*reply = (struct reply){0};
	while (!reply->complete) {
		if (stream_line(&c->stream, REPLY_LINE_MAX, &line, &bare) != STREAM_OK)
			return false;
		transcript_heard(&c->transcript, line);
		if (!reply_add_line(reply, line) && !reply_add_strange(reply, line))
			return false;
	}
	return true;
}

/* False: the connection is unusable. */
static bool ask_one(struct client *c, const struct client_job *job, struct span connector, struct span domain,
		    size_t *agreed)
{
	struct reply reply;
	char command[COMMAND_MAX];
	int len = snprintf(command, sizeof(command), "ETRN %.*s\r\n", SPAN_ARGS(domain));
	if (!exchange(c, job, (struct span){command, (size_t)len}, &reply)) {
		complain(c, connector, "the connection broke over ETRN", domain);
		return false;
	}
	report(c, connector, domain, &reply);
	*agreed += etrn_meaning(reply.code).agreed;
	return reply.code != 421;
}

size_t etrn_ask(struct client *c, const struct client_job *job, struct span connector, struct span domains)
{
	size_t agreed = 0;
	client_quit(c);
	if (!client_reach(c, job)) {
		complain(c, connector, "no host accepts us", c->dialogue.failure.text);
		return 0;
	}
	bool good = c->dialogue.can.etrn;
	if (!good)
		complain(c, connector, "the host does not offer ETRN: remove etrn_request", SPAN(""));
	while (good && domains.len)
		good = ask_one(c, job, connector, span_take(&domains, ' '), &agreed);
	client_quit(c);
	return agreed;
}
