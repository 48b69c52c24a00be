#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "smtpd/milter/milter_event.h"

static enum milter_result fault(struct milter *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

static enum milter_result fault(struct milter *m, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(m->words, sizeof(m->words), format, args);
	va_end(args);
	m->state = MILTER_DOWN;
	m->awaited = 0;
	return MILTER_FAULT;
}

/* The packet breaks the protocol in itself; WHY: "has ...". */
static enum milter_result bad_packet(struct milter *m, char letter, const char *why)
{
	char name[MILTER_LETTER_MAX];
	milter_answer_text(letter, name);
	return fault(m, "sent a packet %s that %s", name, why);
}

void milter_down(struct milter *m, const char *what)
{
	char name[MILTER_LETTER_MAX];
	if (!m->awaited) {
		fault(m, "%s", what);
		return;
	}
	milter_event_text(m->awaited, name);
	fault(m, "%s after %s", what, name);
}

/* The lists outlive the packet. */
static bool keep_lists(struct milter *m, const struct milter_choice *choice)
{
	for (int stage = 0; stage < MILTER_STAGE_COUNT; stage++) {
		if (!choice->lists[stage].len)
			continue;
		char *at = arena_copy(&m->arena, choice->lists[stage]);
		if (!at)
			return false;
		m->lists[stage] = (struct span){at, choice->lists[stage].len};
	}
	return true;
}

static enum milter_result take_choice(struct milter *m, struct span data)
{
	struct milter_choice choice;
	const char *why;
	if (!milter_choice_parse(data, &choice, &why))
		return bad_packet(m, 'O', why);
	if (!keep_lists(m, &choice))
		return bad_packet(m, 'O', "has lists of macros that are too long");
	m->version = choice.version;
	m->actions = choice.actions;
	m->protocol = choice.protocol;
	m->state = MILTER_SESSION;
	m->awaited = 0;
	return MILTER_READY;
}

/* Parses [index] name value. */
static const char *take_field(struct milter *m, char letter, struct span data)
{
	uint32_t index = 0;
	struct span name, value;
	bool space = !(m->protocol & MILTER_LEADING_SPACE);
	if (letter != 'h' && !milter_get_u32(&data, &index))
		return "is too short";
	if (!milter_get_string(&data, &name) || !milter_get_string(&data, &value))
		return "is too short";
	if (data.len)
		return "has data after its end";
	if (letter == 'h')
		return edits_add(&m->edits, name, value, space);
	if (letter == 'i')
		return edits_insert(&m->edits, index, name, value, space);
	return edits_change(&m->edits, index, name, value, space);
}

/* Parses an address and, with some letters, ESMTP parameters. */
static const char *take_address(struct milter *m, char letter, struct span data, const char **remark)
{
	struct span address, params = {0};
	if (!milter_get_string(&data, &address))
		return "is too short";
	if (data.len && (letter == '2' || letter == 'e') && !milter_get_string(&data, &params))
		return "is too short";
	if (data.len)
		return "has data after its end";
	if (letter == '-')
		return edits_remove_rcpt(&m->edits, address);
	if (letter != 'e')
		return edits_add_rcpt(&m->edits, address, params, remark);
	if (params.len)
		*remark = "has parameters of a sender, which have no effect";
	return edits_sender(&m->edits, address);
}

static enum milter_result take_edit(struct milter *m, char letter, struct span data)
{
	const char *why, *remark = NULL;
	if (strchr("him", letter))
		why = take_field(m, letter, data);
	else if (letter == 'q')
		why = edits_quarantine(&m->edits, (struct span){data.at, span_find(data, '\0')});
	else
		why = take_address(m, letter, data, &remark);
	if (why)
		return bad_packet(m, letter, why);
	if (remark) {
		char name[MILTER_LETTER_MAX];
		milter_answer_text(letter, name);
		snprintf(m->words, sizeof(m->words), "sent a packet %s that %s", name, remark);
	}
	return MILTER_EDIT;
}

static enum milter_result take_piece(struct milter *m, struct span data)
{
	if (m->body_over)
		return bad_packet(m, 'b', "follows other edits, while the new body had begun before them");
	m->edits.body = true;
	m->piece = data;
	return MILTER_BODY;
}

static bool refuses(enum milter_result result)
{
	return result == MILTER_REJECT || result == MILTER_TEMPFAIL || result == MILTER_REPLY;
}

/* The state after the answer RESULT to event LETTER. */
static enum milter_state state_after(const struct milter *m, char letter, enum milter_result result)
{
	bool early = letter == 'C' || letter == 'H';
	if (result == MILTER_SHUTDOWN || result == MILTER_CONN_FAIL || (early && refuses(result)))
		return MILTER_REFUSED;
	if (early)
		return result == MILTER_ACCEPT ? MILTER_PASSED : m->state;
	if (letter == 'E')
		return MILTER_SESSION;
	if (letter == 'U' || result == MILTER_CONTINUE || result == MILTER_SKIP)
		return m->state;
	return letter == 'R' && refuses(result) ? m->state : MILTER_PASSED_MESSAGE;
}

static enum milter_result take_verdict(struct milter *m, const struct milter_answer *answer, struct span data)
{
	char letter = m->awaited;
	const char *why;
	enum milter_result result = answer->result;
	if (result == MILTER_REPLY && !milter_reply_parse(data, &m->reply, &why))
		return bad_packet(m, answer->letter, why);
	if (result == MILTER_DISCARD && strchr("CHU", letter)) {
		char name[MILTER_LETTER_MAX];
		milter_event_text(letter, name);
		snprintf(m->words, sizeof(m->words), "answered 'd' (discard) to %s, which has no effect", name);
		result = MILTER_CONTINUE;
	}
	m->skip |= result == MILTER_SKIP;
	m->state = state_after(m, letter, result);
	m->awaited = 0;
	return result;
}

/* The packet is whole; it may be one that must not come here. */
static enum milter_result take_packet(struct milter *m, const struct milter_packet *packet)
{
	char name[MILTER_LETTER_MAX], event[MILTER_LETTER_MAX];
	const struct milter_answer *answer = milter_answer(packet->letter);
	milter_answer_text(packet->letter, name);
	if (!m->awaited)
		return fault(m, "sent %s, which nothing asked for", name);
	milter_event_text(m->awaited, event);
	if (!answer || !strchr(answer->to, m->awaited))
		return fault(m, "answered %s with %s, which is not permitted", event, name);
	if (answer->action & ~m->actions)
		return fault(m, "sent %s, for which it did not ask in the negotiation", name);
	if (packet->data.len && !answer->has_data)
		return bad_packet(m, packet->letter, "has data");
	m->body_over |= m->edits.body && answer->result != MILTER_BODY && answer->result != MILTER_PROGRESS;
	switch (answer->result) {
	case MILTER_READY:
		return take_choice(m, packet->data);
	case MILTER_PROGRESS:
		return MILTER_PROGRESS;
	case MILTER_EDIT:
		return take_edit(m, packet->letter, packet->data);
	case MILTER_BODY:
		return take_piece(m, packet->data);
	default:
		return take_verdict(m, answer, packet->data);
	}
}

enum milter_result milter_take(struct milter *m, struct span in, size_t *taken)
{
	struct milter_packet packet;
	uint32_t length;
	enum milter_framing framing = milter_unwrap(in, &packet, taken, &length);
	if (framing == MILTER_PARTIAL)
		return MILTER_MORE;
	if (framing == MILTER_WHOLE)
		return take_packet(m, &packet);
	char what[80];
	snprintf(what, sizeof(what), "sent a packet of %u octets (permitted: 1 to %d)", length, MILTER_LENGTH_MAX);
	milter_down(m, what);
	return MILTER_FAULT;
}
