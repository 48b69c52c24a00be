#include "smtpd/pickup/pickup_filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "smtpd/protocol/limits.h"

enum { ARG_MAX = ADDRESS_MAX + sizeof("<>"), REPLY_SHOWN_MAX = 300 };

#define LOCALHOST "localhost"
#define LOOPBACK  "127.0.0.1"

/* What filters are told, and what it points to. */
struct asked {
	struct policy_client client;
	struct address sender, rcpt;
	struct macros_facts facts;
	char arg[ARG_MAX];
};

/* False: the sender can't be shown. */
static bool prepare(const struct pickup_file *f, const char *id, struct asked *a)
{
	const char *why;
	*a = (struct asked){.client = {.name_state = POLICY_NAME_CONFIRMED, .name = LOCALHOST}};
	a->facts = (struct macros_facts){.config = f->server,
					 .client = &a->client,
					 .client_text = LOOPBACK,
					 .helo = LOCALHOST,
					 .id = id,
					 .sender = &a->sender};
	return ipaddr_parse(SPAN(LOOPBACK), &a->client.ip) &&
	       (!f->submission.sender[0] || address_parse(span_of(f->submission.sender), &a->sender, &why));
}

static struct span in_brackets(struct asked *a, struct span address)
{
	snprintf(a->arg, sizeof(a->arg), "<%.*s>", SPAN_ARGS(address));
	return span_of(a->arg);
}

static enum pickup_result say(struct pickup_file *f, enum pickup_result result, const char *format)
{
	snprintf(f->why, sizeof(f->why), format, f->filters.decider->name);
	return result;
}

static enum pickup_result say_sender(struct pickup_file *f)
{
	snprintf(f->why, sizeof(f->why), "%s", N_("its sender is not an address that filters can be shown"));
	return PICKUP_BAD;
}

/* A filter is down, and its when_down decides so. */
static enum pickup_result say_down(struct pickup_file *f, enum pickup_result result)
{
	const struct filter *filter = f->filters.decider;
	snprintf(f->why, sizeof(f->why), N_("filter %s is down: %s"), filter->name, filter->why);
	return result;
}

static enum pickup_result say_reply(struct pickup_file *f)
{
	const struct milter_reply *reply = filters_reply(&f->filters);
	struct span rest = str_span(&reply->text), line = rest;
	char text[REPLY_SHOWN_MAX];
	span_line(&rest, &line);
	span_quotable(line, text, sizeof(text));
	snprintf(f->why, sizeof(f->why), N_("filter %s refuses it: %d %s"), f->filters.decider->name, reply->code,
		 text);
	return reply->code < 500 ? PICKUP_LATER : PICKUP_BAD;
}

static enum pickup_result say_error(struct pickup_file *f, int err)
{
	snprintf(f->why, sizeof(f->why), "%s: %s", N_("the message can't be written to new/"), strerror(-err));
	return PICKUP_LATER;
}

static enum pickup_result follow(struct pickup_file *f, enum filters_verdict verdict)
{
	bool down = f->filters.decider && f->filters.decider->failed;
	switch (verdict) {
	case FILTERS_PASS:
		return PICKUP_SENT;
	case FILTERS_DISCARD:
		return PICKUP_DISCARDED;
	case FILTERS_REJECT:
		return down ? say_down(f, PICKUP_BAD) : say(f, PICKUP_BAD, N_("filter %s refuses it"));
	case FILTERS_REPLY:
		return say_reply(f);
	case FILTERS_TOO_LARGE:
		return say(f, PICKUP_BAD, N_("its header is too large for filter %s: more than 1 MiB or 5000 fields"));
	case FILTERS_STORE:
		return say_error(f, f->filters.error);
	case FILTERS_STOPPED:
		f->why[0] = '\0';
		return PICKUP_LATER;
	default:
		if (!f->filters.decider)
			return say_error(f, -ENOMEM);
		return down ? say_down(f, PICKUP_LATER) : say(f, PICKUP_LATER, N_("filter %s refuses it for now"));
	}
}

/* Shows each recipient; members of an alias and not the alias. */
static enum filters_verdict show_recipients(struct pickup_file *f, struct asked *a, const struct envelope *envelope)
{
	enum filters_verdict verdict = FILTERS_PASS;
	for (size_t i = 0; i < envelope->rcpt_count && verdict == FILTERS_PASS; i++) {
		if (envelope_expanded(envelope, i))
			continue;
		a->rcpt = envelope->rcpts[i];
		a->facts.rcpt = &a->rcpt;
		const struct span arg = in_brackets(a, a->rcpt.text);
		verdict = filters_rcpt(&f->filters, &a->facts, &arg, 1);
	}
	a->facts.rcpt = NULL;
	return verdict;
}

static enum filters_verdict show_envelope(struct pickup_file *f, struct asked *a)
{
	struct arena arena;
	struct envelope envelope;
	struct str text;
	const char *why;
	enum filters_verdict verdict = FILTERS_STORE;
	arena_init(&arena, LIMIT_RECIPIENTS_MEMORY);
	str_init(&text, ENVELOPE_MAX);
	envelope_write_sender(&text, a->sender.text);
	str_append(&text, str_span(&f->rcpts.lines));
	f->filters.error = -ENOMEM;
	if (!text.failed && envelope_parse(str_span(&text), true, &arena, &envelope, &why) == ENVELOPE_OK)
		verdict = show_recipients(f, a, &envelope);
	arena_free(&arena);
	str_free(&text);
	return verdict;
}

enum pickup_result pickup_filter_envelope(struct pickup_file *f, const char *id)
{
	struct asked a;
	enum config_mail_source source = f->maildrop ? SOURCE_SENDMAIL : SOURCE_PICKUP;
	filters_init(&f->filters, f->services, source);
	bool prepared = prepare(f, id, &a);
	if (!filters_concern(&f->filters, f->server, &a.client))
		return PICKUP_SENT;
	if (!prepared)
		return say_sender(f);
	f->filters.deadline = clock_mono_ms() + PICKUP_FILTERS_MS;
	enum filters_verdict verdict = filters_connect(&f->filters, &a.facts); /* and hello */
	const struct span arg = in_brackets(&a, a.sender.text);
	if (verdict == FILTERS_PASS)
		verdict = filters_mail(&f->filters, &a.facts, &arg, 1);
	if (verdict == FILTERS_PASS)
		verdict = show_envelope(f, &a);
	if (verdict == FILTERS_PASS)
		verdict = filters_data(&f->filters, &a.facts);
	return follow(f, verdict);
}

enum pickup_result pickup_filter_content(struct pickup_file *f, const char *id)
{
	struct asked a;
	const struct store store = store_spool_ops(f->store);
	f->message = (struct content_message){
		.store = &store, .named = &f->rcpts, .rcpt_count = f->rcpts.count, .octets = f->octets};
	snprintf(f->message.sender, sizeof(f->message.sender), "%s", f->submission.sender);
	if (!f->filters.message)
		return PICKUP_SENT;
	if (!prepare(f, id, &a))
		return say_sender(f);
	enum filters_verdict verdict = filters_content(&f->filters, &a.facts, &f->message);
	f->message.store = NULL;
	return follow(f, verdict);
}

void pickup_filter_end(struct pickup_file *f)
{
	filters_abort(&f->filters);
	filters_end(&f->filters);
}
