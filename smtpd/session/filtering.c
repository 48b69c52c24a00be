#include "smtpd/session/filtering.h"

#include <stdio.h>

#include "common/config/config.h"
#include "smtpd/session/command.h"

/* The arguments of MAIL or RCPT, in the line of the client. */
struct args {
	char path[ADDRESS_MAX + sizeof("<>")]; /* for a path that came without brackets */
	struct span at[FILTERS_ARGS_MAX];
	size_t n;
};

static bool are_none(const struct session *s)
{
	return !s->filters || (!s->config->filter_count && !s->filters->count);
}

/* Filters know the path in brackets. */
static struct span bracketed(struct span path, const struct address *address, struct args *args)
{
	if (path.len && path.at[0] == '<')
		return path;
	snprintf(args->path, sizeof(args->path), "<%.*s>", SPAN_ARGS(address->text));
	return span_of(args->path);
}

/* The path and the parameters of the current command; it was parsed before, so it is valid. */
static void split_line(const struct session *s, struct span keyword, struct args *args)
{
	struct command command;
	struct address address;
	struct span path, rest, word;
	const char *why;
	args->n = 0;
	command_parse(s->line, &command);
	if (!command_path(command.args, keyword, &path) || !address_parse_path(path, &address, &rest, &why))
		return;
	path.len -= rest.len;
	args->at[args->n++] = bracketed(span_trim(path), &address, args);
	for (rest = span_trim(rest); rest.len && args->n < FILTERS_ARGS_MAX; rest = span_trim(rest)) {
		word = span_take_word(&rest);
		args->at[args->n++] = word;
	}
}

/* A user that XCLIENT has named did not authenticate here. */
static const char *auth_type(const struct session *s)
{
	if (!s->client.user)
		return NULL;
	return s->identity.method == AUTH_METHOD_COUNT ? "XCLIENT" : auth_method_name(s->identity.method);
}

/* SENDER holds the sender for as long as *facts is used; before MAIL there is none. */
static struct macros_facts facts_of(const struct session *s, struct address *sender)
{
	const char *why;
	bool in_message = s->state != SESSION_START && s->state != SESSION_READY;
	struct macros_facts facts = {
		.config = s->config,
		.client = &s->client,
		.client_text = s->client_text,
		.client_port = s->ends.client_port,
		.helo = s->helo,
		.daemon = s->ends.daemon[0] ? s->ends.daemon : NULL,
		.daemon_port = s->ends.daemon_port,
		.tls_version = s->tls.on ? s->tls.version : NULL,
		.tls_cipher = s->tls.cipher,
		.tls_bits = s->tls.bits,
		.auth_type = auth_type(s),
		.id = s->tx.open ? s->tx.id : NULL,
	};
	if (in_message && address_parse(str_span(&s->tx.sender), sender, &why))
		facts.sender = sender;
	return facts;
}

static enum reply_id reply_of(const struct session *s, enum filters_verdict verdict)
{
	switch (verdict) {
	case FILTERS_PASS:
	case FILTERS_DISCARD:
		return REPLY_NONE;
	case FILTERS_REJECT:
		return REPLY_FILTER_REJECTED;
	case FILTERS_REPLY:
		return REPLY_FILTER_REPLY;
	case FILTERS_SHUTDOWN:
		return REPLY_FILTER_CLOSING;
	case FILTERS_STOPPED:
		return REPLY_STOPPING;
	case FILTERS_TOO_LARGE:
		return REPLY_HEADER_TOO_BIG;
	case FILTERS_STORE:
		return transaction_reply(s->filters->error);
	default:
		return REPLY_FILTER_LATER;
	}
}

/* A session that ends may not say 451. */
static enum reply_id last_reply_of(const struct session *s, enum filters_verdict verdict)
{
	return verdict == FILTERS_TEMPFAIL ? REPLY_FILTER_CLOSING : reply_of(s, verdict);
}

enum reply_id filtering_connect(struct session *s)
{
	struct address sender;
	if (are_none(s) || !filters_concern(s->filters, s->config, &s->client))
		return REPLY_NONE;
	session_learn_name(s);
	const struct macros_facts facts = facts_of(s, &sender);
	enum filters_verdict verdict = filters_connect(s->filters, &facts);
	return verdict == FILTERS_REJECT ? REPLY_FILTER_NO_CLIENT : last_reply_of(s, verdict);
}

enum reply_id filtering_hello(struct session *s)
{
	struct address sender;
	if (are_none(s))
		return REPLY_NONE;
	const struct macros_facts facts = facts_of(s, &sender);
	return last_reply_of(s, filters_hello(s->filters, &facts));
}

enum reply_id filtering_mail(struct session *s, const struct address *sender)
{
	struct address none;
	struct args args;
	if (are_none(s))
		return REPLY_NONE;
	if (filters_concern(s->filters, s->config, &s->client))
		session_learn_name(s);
	struct macros_facts facts = facts_of(s, &none);
	facts.sender = sender;
	split_line(s, SPAN("FROM:"), &args);
	return reply_of(s, filters_mail(s->filters, &facts, args.at, args.n));
}

enum reply_id filtering_rcpt(struct session *s, const struct address *rcpt)
{
	struct address sender;
	struct args args;
	if (are_none(s))
		return REPLY_NONE;
	struct macros_facts facts = facts_of(s, &sender);
	facts.rcpt = rcpt;
	split_line(s, SPAN("TO:"), &args);
	enum reply_id refusal = reply_of(s, filters_rcpt(s->filters, &facts, args.at, args.n));
	s->filter_refused = refusal != REPLY_NONE;
	return refusal;
}

void filtering_rcpt_over(struct session *s, const struct address *rcpt, size_t before)
{
	struct span reply = span_skip(str_span(&s->out), before);
	struct address sender;
	struct args args;
	bool by_filter = s->filter_refused;
	s->filter_refused = false;
	if (are_none(s) || by_filter || !reply.len || reply.at[0] < '4' || s->state == SESSION_CLOSED)
		return;
	struct macros_facts facts = facts_of(s, &sender);
	facts.rcpt = rcpt;
	facts.refusal = (struct span){reply.at, span_find(reply, '\r')};
	split_line(s, SPAN("TO:"), &args);
	enum reply_id end = reply_of(s, filters_refused_rcpt(s->filters, &facts, args.at, args.n));
	if (end != REPLY_NONE)
		session_say(s, end);
}

enum reply_id filtering_data(struct session *s)
{
	struct address sender;
	if (are_none(s))
		return REPLY_NONE;
	const struct macros_facts facts = facts_of(s, &sender);
	return reply_of(s, filters_data(s->filters, &facts));
}

enum reply_id filtering_unknown(struct session *s)
{
	struct address sender;
	if (are_none(s))
		return REPLY_NONE;
	const struct macros_facts facts = facts_of(s, &sender);
	return reply_of(s, filters_unknown(s->filters, &facts, s->line));
}

/* Where a filter has added recipients, their mailboxes are the larger ones for all we know. */
static bool exceeds_mailbox(const struct session *s, const struct content_message *message)
{
	return message->octets > s->tx.mailbox_octets && !message->rcpts_added;
}

enum reply_id filtering_message(struct session *s, struct content_message *message)
{
	struct address sender;
	*message = (struct content_message){
		.store = s->tx.store, .named = &s->tx.rcpts, .rcpt_count = s->tx.rcpts.count, .octets = s->tx.octets};
	span_copy(str_span(&s->tx.sender), message->sender, sizeof(message->sender));
	if (are_none(s) || s->tx.refusal != REPLY_NONE)
		return REPLY_NONE;
	const struct macros_facts facts = facts_of(s, &sender);
	enum filters_verdict verdict = filters_content(s->filters, &facts, message);
	if (verdict == FILTERS_PASS && exceeds_mailbox(s, message))
		return REPLY_MAILBOX_TOO_SMALL;
	return reply_of(s, verdict);
}

bool filtering_discards(const struct session *s)
{
	return s->filters && s->filters->discarded;
}

const char *filtering_name(const struct session *s, enum reply_id id)
{
	return replies_of_filter(id) && s->filters && s->filters->decider ? s->filters->decider->name : NULL;
}

/* "550-5.7.1 First line CR LF 550 5.7.1 Last line CR LF" */
void filtering_append_reply(struct session *s, bool enhanced)
{
	const struct milter_reply *reply = filters_reply(s->filters);
	const struct enhanced *code = &reply->enhanced;
	struct span rest = str_span(&reply->text);
	do {
		struct span line = span_take(&rest, '\n');
		str_printf(&s->out, "%d%c", reply->code, rest.len ? '-' : ' ');
		if (enhanced && code->class)
			str_printf(&s->out, "%u.%u.%u ", code->class, code->subject, code->detail);
		str_append(&s->out, line);
		str_append(&s->out, SPAN("\r\n"));
	} while (rest.len);
}
