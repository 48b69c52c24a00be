#include "common/mail/envelope.h"

#include "common/base/language.h"

/* An address with its field name, blanks and brackets. A longer line was not written by Mailroot. */
enum { LINE_MAX_OCTETS = 1000 };

enum line_kind {
	LINE_SENDER,
	LINE_RCPT,
	LINE_RET,
	LINE_ENVID,
	LINE_HOLD,
	LINE_FOREIGN,
	LINE_NOTIFY,
	LINE_ORCPT,
	LINE_EXPANDED,
	LINE_UNKNOWN,
	LINE_KIND_COUNT,
	LINE_BODY = LINE_KIND_COUNT,
	LINE_PARTIAL
};

static const struct span names[LINE_KIND_COUNT] = {
	[LINE_SENDER] = SPAN("x-sender:"),
	[LINE_RCPT] = SPAN("x-receiver:"),
	[LINE_RET] = SPAN("x-mailroot-ret:"),
	[LINE_ENVID] = SPAN("x-mailroot-envid:"),
	[LINE_HOLD] = SPAN("x-mailroot-hold:"),
	[LINE_FOREIGN] = SPAN("x-mailroot-foreign:"),
	[LINE_NOTIFY] = SPAN("x-mailroot-notify:"),
	[LINE_ORCPT] = SPAN("x-mailroot-orcpt:"),
	[LINE_EXPANDED] = SPAN("x-mailroot-expanded:"),
	[LINE_UNKNOWN] = SPAN("x-mailroot-"),
};

/* Classifies the line at the front of TEXT, from as few octets as possible. */
static enum line_kind classify(struct span text, bool whole)
{
	for (enum line_kind kind = 0; kind < LINE_KIND_COUNT; kind++) {
		if (span_starts_nocase(text, names[kind]))
			return kind;
		if (!whole && span_starts_nocase(names[kind], text))
			return LINE_PARTIAL;
	}
	return LINE_BODY;
}

bool envelope_has_name(struct span name)
{
	return span_equal_nocase(name, SPAN("x-sender")) || span_equal_nocase(name, SPAN("x-receiver")) ||
	       span_starts_nocase(name, names[LINE_UNKNOWN]);
}

/* Takes the next envelope line off *text; LINE_BODY and LINE_PARTIAL take nothing. */
static enum line_kind take_line(struct span *text, bool whole, struct span *value)
{
	enum line_kind kind = classify(*text, whole);
	if (kind >= LINE_KIND_COUNT)
		return kind;
	bool ends = span_find(*text, '\n') < text->len;
	if (!whole && !ends && text->len <= LINE_MAX_OCTETS)
		return LINE_PARTIAL;
	struct span line;
	span_line(text, &line);
	*value = span_trim(span_skip(line, names[kind].len));
	return line.len > LINE_MAX_OCTETS || !ends ? LINE_UNKNOWN
						   : kind; /* part of an address would be another address */
}

/* First pass: counts the lines of each kind, and finds the start of the message proper. */
static enum envelope_result measure(struct span text, bool whole, size_t counts[LINE_KIND_COUNT], struct envelope *out,
				    const char **why)
{
	struct span rest = text;
	struct span value;
	enum line_kind kind;
	while ((kind = take_line(&rest, whole, &value)) < LINE_KIND_COUNT)
		counts[kind]++;
	out->body_at = text.len - rest.len;
	size_t seen = kind == LINE_PARTIAL ? text.len : out->body_at;
	*why = "the envelope lines are too long or too many";
	if (seen >= ENVELOPE_MAX || counts[LINE_RCPT] > ENVELOPE_RCPT_MAX)
		return ENVELOPE_BAD;
	*why = "an envelope line is unknown, too long or incomplete";
	if (counts[LINE_UNKNOWN])
		return ENVELOPE_BAD;
	*why = "there is more than one x-sender line";
	if (counts[LINE_SENDER] > 1)
		return ENVELOPE_BAD;
	if (kind == LINE_PARTIAL)
		return ENVELOPE_MORE;
	*why = "there is no x-sender line";
	if (counts[LINE_SENDER] == 0)
		return ENVELOPE_BAD;
	*why = "there is no x-receiver line";
	return counts[LINE_RCPT] ? ENVELOPE_OK : ENVELOPE_BAD;
}

static bool parse_value(struct span value, struct address *out, const char **why)
{
	struct span rest;
	if (!address_parse_path(value, out, &rest, why))
		return false;
	*why = "there is text after the address";
	return rest.len == 0;
}

static bool parse_hold(struct span value, struct span *out)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] < ' ' || value.at[i] > '~')
			return false;
	*out = value;
	return value.len > 0 && value.len <= ENVELOPE_HOLD_MAX;
}

/* A line of ours: valid, not repeated, and after its recipient if it concerns one. */
static bool parse_ours(enum line_kind kind, struct span value, struct envelope *out)
{
	struct dsn_rcpt *rcpt = out->rcpt_count ? &out->dsn_rcpts[out->rcpt_count - 1] : NULL;
	switch (kind) {
	case LINE_RET:
		return !out->dsn.ret && dsn_parse_ret(value, &out->dsn.ret);
	case LINE_ENVID:
		return !out->dsn.envid.len && dsn_parse_envid(value, &out->dsn.envid);
	case LINE_HOLD:
		return !out->hold.len && parse_hold(value, &out->hold);
	case LINE_FOREIGN:
		return !out->foreign && (out->foreign = span_equal(value, SPAN("yes")));
	case LINE_NOTIFY:
		return rcpt && !rcpt->notify && dsn_parse_notify(value, &rcpt->notify);
	case LINE_EXPANDED:
		return rcpt && !rcpt->expanded && (rcpt->expanded = span_equal(value, SPAN("yes")));
	default:
		return rcpt && !rcpt->orcpt.len && dsn_parse_orcpt(value, &rcpt->orcpt);
	}
}

static bool parse_line(enum line_kind kind, struct span value, struct envelope *out, const char **why)
{
	if (kind == LINE_SENDER)
		return parse_value(value, &out->sender, why);
	if (kind == LINE_RCPT) {
		struct address *to = &out->rcpts[out->rcpt_count++];
		if (!parse_value(value, to, why))
			return false;
		*why = "an x-receiver line has no address";
		return to->text.len > 0;
	}
	*why = "an x-mailroot line is invalid, repeated, or before its x-receiver";
	return parse_ours(kind, value, out);
}

enum envelope_result envelope_parse(struct span text, bool whole, struct arena *arena, struct envelope *out,
				    const char **why)
{
	size_t counts[LINE_KIND_COUNT] = {0};
	*out = (struct envelope){0};
	enum envelope_result result = measure(text, whole, counts, out, why);
	if (result != ENVELOPE_OK)
		return result;
	*why = "there is no memory for the recipients";
	out->rcpts = arena_alloc(arena, counts[LINE_RCPT] * sizeof(out->rcpts[0]));
	bool dsn = counts[LINE_NOTIFY] || counts[LINE_ORCPT] || counts[LINE_EXPANDED];
	if (dsn)
		out->dsn_rcpts = arena_alloc(arena, counts[LINE_RCPT] * sizeof(out->dsn_rcpts[0]));
	if (!out->rcpts || (dsn && !out->dsn_rcpts))
		return ENVELOPE_BAD;

	struct span rest = {text.at, out->body_at};
	struct span value;
	enum line_kind kind;
	while ((kind = take_line(&rest, true, &value)) < LINE_KIND_COUNT)
		if (!parse_line(kind, value, out, why))
			return ENVELOPE_BAD;
	return ENVELOPE_OK;
}

static void write_line(struct str *to, const char *name, struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] < ' ' || value.at[i] > '~')
			to->failed = true;
	if (value.len == 0 || value.len > ADDRESS_MAX)
		to->failed = true;
	str_printf(to, "%s: %.*s\r\n", name, SPAN_ARGS(value));
}

void envelope_write_sender(struct str *to, struct span sender)
{
	write_line(to, "x-sender", sender.len ? sender : SPAN("<>"));
}

void envelope_write_rcpt(struct str *to, struct span rcpt)
{
	write_line(to, "x-receiver", rcpt);
}

void envelope_write_dsn(struct str *to, const struct dsn_message *dsn)
{
	if (dsn->ret)
		str_printf(to, "x-mailroot-ret: %s\r\n", dsn_ret_text(dsn->ret));
	if (dsn->envid.len)
		str_printf(to, "x-mailroot-envid: %.*s\r\n", SPAN_ARGS(dsn->envid));
}

void envelope_write_dsn_rcpt(struct str *to, const struct dsn_rcpt *dsn)
{
	char notify[DSN_NOTIFY_TEXT_MAX];
	dsn_notify_text(dsn->notify, notify);
	if (dsn->notify)
		str_printf(to, "x-mailroot-notify: %s\r\n", notify);
	if (dsn->orcpt.len)
		str_printf(to, "x-mailroot-orcpt: %.*s\r\n", SPAN_ARGS(dsn->orcpt));
	if (dsn->expanded)
		str_append_text(to, "x-mailroot-expanded: yes\r\n");
}

void envelope_write_foreign(struct str *to)
{
	str_append_text(to, "x-mailroot-foreign: yes\r\n");
}

void envelope_write_hold(struct str *to, struct span reason)
{
	char text[ENVELOPE_HOLD_MAX + 1];
	span_clean(span_trim(reason), text, sizeof(text));
	struct span shown = span_trim(span_of(text));
	if (!shown.len)
		shown = SPAN(N_("no reason was given"));
	str_printf(to, "x-mailroot-hold: %.*s\r\n", SPAN_ARGS(shown));
}
