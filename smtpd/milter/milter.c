#include "smtpd/milter/milter.h"

#include <stdio.h>
#include <string.h>

#include "smtpd/milter/milter_event.h"

/* Postfix's lists of macros. */
static const char *const default_lists[MILTER_STAGE_COUNT] = {
	[MILTER_AT_CONNECT] = "j {daemon_name} {daemon_addr} v _",
	[MILTER_AT_HELO] = "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}",
	[MILTER_AT_MAIL] = "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}",
	[MILTER_AT_RCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
	[MILTER_AT_DATA] = "i",
	[MILTER_AT_EOM] = "i",
	[MILTER_AT_EOH] = "i",
};

void milter_init(struct milter *m)
{
	*m = (struct milter){.state = MILTER_NEW, .awaited = 'O'};
	str_init(&m->out, MILTER_OUT_MAX);
	str_init(&m->reply.text, MILTER_REPLY_MAX);
	arena_init(&m->arena, MILTER_LISTS_MAX);
	edits_init(&m->edits);
	size_t packet = milter_wrap(&m->out, 'O');
	milter_put_u32(&m->out, MILTER_VERSION);
	milter_put_u32(&m->out, MILTER_ACTIONS);
	milter_put_u32(&m->out, MILTER_PROTOCOL);
	milter_wrap_end(&m->out, packet);
}

void milter_free(struct milter *m)
{
	str_free(&m->out);
	str_free(&m->reply.text);
	arena_free(&m->arena);
	edits_free(&m->edits);
}

static const struct milter_macro *find_macro(struct milter_macros macros, struct span name)
{
	for (size_t i = 0; i < macros.n; i++)
		if (milter_macro_equal(span_of(macros.at[i].name), name))
			return &macros.at[i];
	return NULL;
}

/* Sent even if there are none, and to a filter that does not want the event: the macros of an earlier one end. */
static void put_macros(struct milter *m, const struct milter_event *event, struct milter_macros macros)
{
	struct span list = m->lists[event->stage], name;
	if (!list.len)
		list = span_of(default_lists[event->stage]);
	size_t packet = milter_wrap(&m->out, 'D');
	str_append_c(&m->out, event->letter);
	while (milter_list_next(&list, &name)) {
		const struct milter_macro *macro = find_macro(macros, name);
		size_t len = m->out.len - packet - MILTER_HEAD;
		if (!macro || len + name.len + macro->value.len + 2 > MILTER_DATA_MAX)
			continue;
		milter_put_string(&m->out, name);
		milter_put_string(&m->out, macro->value);
	}
	milter_wrap_end(&m->out, packet);
}

/* Whether the event exists in the filter's version of the protocol. */
static bool knows(const struct milter *m, const struct milter_event *event)
{
	return event->since <= m->version;
}

static bool wants(const struct milter *m, const struct milter_event *event)
{
	return knows(m, event) && !(m->protocol & event->unwanted);
}

static bool in_session(const struct milter *m)
{
	return m->state >= MILTER_SESSION && m->state <= MILTER_PASSED_MESSAGE;
}

static bool in_message(const struct milter *m)
{
	return m->state == MILTER_MESSAGE || m->state == MILTER_CONTENT;
}

/* After the packet of an event: whether an answer will come. */
static bool sent(struct milter *m, const struct milter_event *event)
{
	if (m->protocol & event->mute)
		return false;
	m->awaited = event->letter;
	m->words[0] = '\0';
	return true;
}

/* Sends the macros and, if the filter wants it, an event that is N strings. */
static bool put_event(struct milter *m, char letter, const struct span *strings, size_t n, struct milter_macros macros)
{
	const struct milter_event *event = milter_event(letter);
	if (knows(m, event))
		put_macros(m, event, macros);
	if (!wants(m, event))
		return false;
	size_t packet = milter_wrap(&m->out, letter);
	for (size_t i = 0; i < n; i++)
		if (m->out.len - packet - MILTER_HEAD + strings[i].len < MILTER_DATA_MAX)
			milter_put_string(&m->out, strings[i]);
	milter_wrap_end(&m->out, packet);
	return sent(m, event);
}

static void put_name(struct milter *m, const struct milter_client *client)
{
	if (client->name.len) {
		milter_put_string(&m->out, client->name);
		return;
	}
	str_append_c(&m->out, '[');
	str_append(&m->out, client->address);
	milter_put_string(&m->out, SPAN("]"));
}

bool milter_connect(struct milter *m, const struct milter_client *client, struct milter_macros macros)
{
	const struct milter_event *event = milter_event('C');
	if (!in_session(m))
		return false;
	put_macros(m, event, macros);
	if (!wants(m, event))
		return false;
	size_t packet = milter_wrap(&m->out, 'C');
	put_name(m, client);
	str_append_c(&m->out, client->family);
	if (client->family != 'U') {
		str_append_c(&m->out, (char)(client->port >> 8));
		str_append_c(&m->out, (char)client->port);
		milter_put_string(&m->out, client->address);
	}
	milter_wrap_end(&m->out, packet);
	return sent(m, event);
}

bool milter_helo(struct milter *m, struct span name, struct milter_macros macros)
{
	milter_abort(m);
	return m->state == MILTER_SESSION && put_event(m, 'H', &name, 1, macros);
}

bool milter_mail(struct milter *m, const struct span *args, size_t n, struct milter_macros macros)
{
	milter_abort(m);
	if (m->state != MILTER_SESSION)
		return false;
	m->state = MILTER_MESSAGE;
	return put_event(m, 'M', args, n, macros);
}

bool milter_rcpt(struct milter *m, const struct span *args, size_t n, struct milter_macros macros)
{
	return m->state == MILTER_MESSAGE && put_event(m, 'R', args, n, macros);
}

bool milter_data(struct milter *m, struct milter_macros macros)
{
	return m->state == MILTER_MESSAGE && put_event(m, 'T', NULL, 0, macros);
}

bool milter_unknown(struct milter *m, struct span line)
{
	const struct milter_event *event = milter_event('U');
	if (!in_session(m) || m->state == MILTER_PASSED_MESSAGE || !wants(m, event))
		return false;
	size_t packet = milter_wrap(&m->out, 'U');
	milter_put_string(&m->out, line.len < MILTER_DATA_MAX ? line : (struct span){line.at, MILTER_DATA_MAX - 1});
	milter_wrap_end(&m->out, packet);
	return sent(m, event);
}

/* The value as Postfix shows it: LF between lines, none at the end, without one blank in front unless that was asked
 * for. */
static void put_value(struct milter *m, struct span value, size_t room)
{
	struct span line;
	bool first = true;
	if (!(m->protocol & MILTER_LEADING_SPACE) && value.len && value.at[0] == ' ')
		value = span_skip(value, 1);
	while (room && span_line(&value, &line)) {
		if (!first && room--)
			str_append_c(&m->out, '\n');
		if (line.len > room)
			line.len = room;
		str_append(&m->out, (struct span){line.at, span_find(line, '\0')});
		room -= line.len;
		first = false;
	}
	str_append_c(&m->out, '\0');
}

bool milter_header(struct milter *m, struct span field, struct milter_macros macros)
{
	const struct milter_event *event = milter_event('L');
	struct span name = {field.at, span_find(field, ':')};
	if (!milter_wants_header(m) || name.len == field.len)
		return false;
	m->state = MILTER_CONTENT;
	if (!m->header_macros)
		put_macros(m, event, macros);
	m->header_macros = true;
	size_t packet = milter_wrap(&m->out, 'L');
	milter_put_string(&m->out, span_trim(name));
	put_value(m, span_skip(field, name.len + 1), MILTER_DATA_MAX - name.len - 2);
	milter_wrap_end(&m->out, packet);
	return sent(m, event);
}

bool milter_eoh(struct milter *m, struct milter_macros macros)
{
	if (!in_message(m))
		return false;
	m->state = MILTER_CONTENT;
	return wants(m, milter_event('N')) && put_event(m, 'N', NULL, 0, macros);
}

bool milter_body(struct milter *m, struct span piece, struct milter_macros macros)
{
	const struct milter_event *event = milter_event('B');
	if (!piece.len || piece.len > MILTER_BODY_MAX || !milter_wants_body(m))
		return false;
	m->state = MILTER_CONTENT;
	if (!m->body_macros)
		put_macros(m, event, macros);
	m->body_macros = true;
	size_t packet = milter_wrap(&m->out, 'B');
	str_append(&m->out, piece);
	milter_wrap_end(&m->out, packet);
	return sent(m, event);
}

bool milter_eom(struct milter *m, struct milter_macros macros)
{
	if (!in_message(m))
		return false;
	m->state = MILTER_CONTENT;
	return put_event(m, 'E', NULL, 0, macros);
}

bool milter_wants_header(const struct milter *m)
{
	return in_message(m) && wants(m, milter_event('L'));
}

bool milter_wants_body(const struct milter *m)
{
	return in_message(m) && !m->skip && wants(m, milter_event('B'));
}

bool milter_wants_message(const struct milter *m)
{
	return in_message(m);
}

/* For A and Q, which have neither macros nor data nor an answer. */
static void put_end(struct milter *m, char letter)
{
	milter_wrap_end(&m->out, milter_wrap(&m->out, letter));
	m->awaited = 0;
}

void milter_abort(struct milter *m)
{
	edits_reset(&m->edits);
	m->skip = m->header_macros = m->body_macros = m->body_over = false;
	if (!in_message(m) && m->state != MILTER_PASSED_MESSAGE)
		return;
	put_end(m, 'A');
	m->state = MILTER_SESSION;
}

void milter_quit(struct milter *m)
{
	milter_abort(m);
	if (in_session(m))
		put_end(m, 'Q');
	m->state = MILTER_PASSED;
}
