#include "queue/operator/as_sent.h"

#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "queue/model/loaded.h"
#include "queue/operator/operate.h"

static bool is_meant(const struct loaded *w, size_t rcpt, struct span recipient)
{
	if (recipient.len)
		return span_equal_nocase(w->rcpts[rcpt].text, recipient);
	return w->states[rcpt] == RECIPIENT_OPEN || w->states[rcpt] == RECIPIENT_DELAYED;
}

static bool find(const struct loaded *w, struct span recipient, size_t *rcpt, char *why)
{
	for (*rcpt = 0; *rcpt < w->rcpt_count; ++*rcpt)
		if (is_meant(w, *rcpt, recipient))
			return true;
	if (recipient.len)
		snprintf(why, AS_SENT_WHY_MAX, N_("%.*s is no recipient of the message"), SPAN_ARGS(recipient));
	else
		snprintf(why, AS_SENT_WHY_MAX, N_("no recipient of the message waits"));
	return false;
}

static bool goes_to_host(const struct route *route, struct span recipient, char *why)
{
	if (route->kind == ROUTE_DROP)
		snprintf(why, AS_SENT_WHY_MAX, N_("mail for %.*s goes to the drop folder %s, not to a host"),
			 SPAN_ARGS(recipient), route->local->drop_dir);
	else if (route->kind == ROUTE_NONE)
		snprintf(why, AS_SENT_WHY_MAX, N_("mail for %.*s has no route: %s"), SPAN_ARGS(recipient), route->why);
	return route->kind != ROUTE_DROP && route->kind != ROUTE_NONE;
}

/* The keys of DKIM are with the SMTP clients. */
static bool is_signed(const struct config_server *server, const struct route *route)
{
	return server->dkim_count &&
	       config_outbound_signs(route->outbound, route->kind == ROUTE_HOSTS && route->user != NULL);
}

static bool open_text(struct queue *q, const struct message *m, const struct loaded *w, const struct route *route,
		      struct text_stream *stream, char *why)
{
	const struct config_outbound *o = route->identity;
	struct send_as rule = {0};
	int fd = store_open_message(&q->store, m);
	if (fd < 0) {
		snprintf(why, AS_SENT_WHY_MAX, "%s", strerror(-fd));
		return false;
	}
	if (o && o->send_as_header)
		rule = (struct send_as){route_sender(route, !w->sender.text.len), o->send_as_keep_name,
					o->send_as_reply_to};
	struct message_text text = {.fd = fd, .at = m->size - w->octets, .size = m->size};
	text_stream_open_sent(stream, &text, &rule);
	if (is_signed(queue_server(q), route))
		stream->note = N_(
			"a DKIM signature is made when the message is sent, if its From is in a domain with a block dkim; it is not shown here");
	return true;
}

bool as_sent_open(struct queue *q, struct message *m, struct span recipient, struct text_stream *stream, char *why)
{
	size_t rcpt;
	struct route route;
	struct loaded *w = operate_peek(q, m);
	bool opened = false;
	snprintf(why, AS_SENT_WHY_MAX, N_("the message can't be read"));
	if (w && find(w, recipient, &rcpt, why)) {
		loaded_route(w, rcpt, queue_server(q), &route);
		opened = goes_to_host(&route, w->rcpts[rcpt].text, why) && open_text(q, m, w, &route, stream, why);
	}
	operate_unpeek(w);
	return opened;
}
