#include "queue/operator/selection.h"

#include "queue/model/marks.h"
#include "queue/rules/schedule.h"

static struct span sender_of(const struct loaded *w)
{
	return w->sender.text.len ? w->sender.text : SPAN("<>");
}

bool selection_take(struct span id, struct span sender, struct span recipient, struct span domain, struct span hop,
		    struct span reason, struct selection *out)
{
	return span_copy(id, out->id, sizeof(out->id)) && span_copy(sender, out->sender, sizeof(out->sender)) &&
	       span_copy(recipient, out->recipient, sizeof(out->recipient)) &&
	       span_copy(domain, out->domain, sizeof(out->domain)) && span_copy(hop, out->hop, sizeof(out->hop)) &&
	       span_copy(reason, out->reason, sizeof(out->reason));
}

bool selection_bounds(uint64_t older_s, uint64_t larger, uint64_t attempts, struct selection *out)
{
	out->older_s = (int64_t)older_s;
	out->larger = larger;
	out->attempts = attempts;
	return true;
}

static struct span domain_of(const char *address)
{
	struct span text = span_of(address), domain = text;
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] == '@')
			domain = span_skip(text, i + 1);
	return domain;
}

static bool domain_may(const struct message *m, struct span domain)
{
	uint64_t mark = marks_domain(domain);
	return (m->domains & mark) == mark;
}

/* Whether a report calls the next hop of M so. */
static bool goes_to(const struct message *m, const char *hop)
{
	char clean[SELECTION_HOP_MAX + 1];
	if (!m->destination)
		return false;
	size_t len = span_clean(span_of(m->destination->key), clean, sizeof(clean));
	return span_equal((struct span){clean, len}, span_of(hop));
}

bool selection_may(const struct selection *s, const struct message *m, int64_t wall_ms)
{
	if (*s->id && !span_equal(span_of(s->id), span_of(m->id)))
		return false;
	if (s->older_s && schedule_age(m->id, wall_ms) < s->older_s * 1000)
		return false;
	if (s->larger && m->size <= s->larger)
		return false;
	if (*s->hop && !goes_to(m, s->hop))
		return false;
	if (!m->sender)
		return true;
	if (*s->sender && m->sender != marks_sender(span_of(s->sender)))
		return false;
	if (*s->domain && !domain_may(m, span_of(s->domain)))
		return false;
	return !*s->recipient || domain_may(m, domain_of(s->recipient));
}

bool selection_needs_loaded(const struct selection *s)
{
	return *s->sender || *s->recipient || *s->domain || *s->reason || s->attempts;
}

static bool matches(const char *wanted, struct span text)
{
	return !*wanted || span_equal_nocase(span_of(wanted), text);
}

static bool is_open(const struct loaded *w, size_t rcpt)
{
	return w->states[rcpt] == RECIPIENT_OPEN || w->states[rcpt] == RECIPIENT_DELAYED ||
	       w->states[rcpt] == RECIPIENT_FAILED;
}

static bool has_recipient(const struct selection *s, const struct loaded *w)
{
	if (!*s->recipient && !*s->domain)
		return true;
	for (size_t i = 0; i < w->rcpt_count; i++)
		if (is_open(w, i) && matches(s->recipient, w->rcpts[i].text) && matches(s->domain, w->rcpts[i].domain))
			return true;
	return false;
}

bool selection_has(const struct selection *s, const struct loaded *w, int64_t wall_ms)
{
	const struct message *m = w->message;
	unsigned tries = loaded_tries(w);
	if (!selection_may(s, m, wall_ms) || !matches(s->sender, sender_of(w)) || !has_recipient(s, w))
		return false;
	return (tries > m->attempts ? tries : m->attempts) >= s->attempts;
}

bool selection_has_reason(const struct selection *s, struct span reason)
{
	struct span wanted = span_of(s->reason);
	for (; reason.len >= wanted.len; reason = span_skip(reason, 1)) {
		if (span_starts_nocase(reason, wanted))
			return true;
		if (!reason.len)
			break;
	}
	return false;
}
