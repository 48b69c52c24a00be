#include "sendmail/submit.h"

#include <string.h>
#include <sysexits.h>

#include "common/base/clock.h"
#include "common/mail/fields.h"

void submit_init(struct submit *s, struct drop *drop, const struct caller *caller, const char *full_name)
{
	memset(s, 0, sizeof(*s));
	s->drop = drop;
	s->caller = caller;
	s->full_name = full_name;
	str_init(&s->compose.head, COMPOSE_HEAD_MAX);
	str_init(&s->header, COMPOSE_HEADER_MAX);
}

void submit_free(struct submit *s)
{
	str_free(&s->compose.head);
	str_free(&s->header);
}

void submit_reset(struct submit *s, enum text_dots dots)
{
	drop_abort(s->drop);
	str_clear(&s->compose.head);
	str_clear(&s->header);
	s->compose.rcpt_count = 0;
	s->compose.sender[0] = '\0';
	s->text = (struct text_reader){.dots = dots};
	s->header_at = 0;
	s->begun = s->blank = false;
	s->octets = 0;
	s->failure.status = 0;
}

bool submit_composed(struct submit *s, enum compose_result result)
{
	switch (result) {
	case COMPOSE_OK:
		return true;
	case COMPOSE_NO_RECIPIENT:
		return failure_set(&s->failure, EX_USAGE, "%s", s->compose.why);
	case COMPOSE_BAD_ADDRESS:
		return failure_set(&s->failure, EX_DATAERR, "%s", s->compose.why);
	case COMPOSE_NO_MEMORY:
		return failure_set(&s->failure, EX_TEMPFAIL, "%s", s->compose.why);
	default:
		return failure_set(&s->failure, EX_UNAVAILABLE, "%s", s->compose.why);
	}
}

static bool write_text(struct submit *s, struct span text)
{
	s->octets += text.len;
	if (s->octets > s->drop->place->message_octets)
		return failure_set(&s->failure, EX_UNAVAILABLE,
				   "the message is longer than the %llu octets that max_message_size allows",
				   (unsigned long long)s->drop->place->message_octets);
	return drop_write(s->drop, text, &s->failure);
}

/* HEADER is the complete header. */
static bool begin(struct submit *s, struct span preamble, struct span header)
{
	char date[CLOCK_TEXT_MAX];
	struct compose *c = &s->compose;
	clock_rfc5322(clock_wall_ms(), date);
	s->begun = s->blank = true;
	if (s->from_header && !submit_composed(s, compose_from_header(c, header, &s->notify)))
		return false;
	fields_keep_preamble(preamble, &c->head);
	const char *name = s->full_name ? s->full_name : c->sender[0] ? "" : s->caller->name;
	const struct compose_defaults defaults = {c->sender[0] ? c->sender : s->caller->address, name, date};
	if (!submit_composed(s, compose_header(c, header, &defaults)) || !drop_begin(s->drop, &s->failure))
		return false;
	s->octets = header.len;
	return drop_write(s->drop, str_span(&c->head), &s->failure);
}

static bool write_body(struct submit *s, struct span text)
{
	if (s->blank && text.len) {
		s->blank = false;
		if (span_starts(text, SPAN("\r\n")))
			text = span_skip(text, 2);
	}
	return write_text(s, text);
}

/* TEXT has CRLF line ends and consists of whole lines. */
static bool take_text(struct submit *s, struct span text, bool last)
{
	if (s->begun)
		return write_body(s, text);
	str_append(&s->header, text);
	struct span whole = str_span(&s->header);
	size_t skip = fields_preamble(whole);
	if (s->header.no_memory)
		return failure_set(&s->failure, EX_TEMPFAIL,
				   "there is no memory for the header; send the message again later");
	if (!fields_end(span_skip(whole, skip), last, &s->header_at))
		return !s->header.failed ||
		       failure_set(&s->failure, EX_DATAERR, "the header is longer than %d octets", COMPOSE_HEADER_MAX);
	struct span preamble = {whole.at, skip}, header = {whole.at + skip, s->header_at};
	const char *fault = fields_fault(whole, skip + s->header_at);
	if (fault)
		return failure_set(&s->failure, EX_DATAERR, "the message can't be sent: %s", fault);
	return begin(s, preamble, header) && write_body(s, span_skip(whole, skip + s->header_at));
}

size_t submit_text(struct submit *s, struct span in)
{
	size_t taken = 0;
	while (taken < in.len && !s->text.ended) {
		struct span piece = {in.at + taken, in.len - taken < SUBMIT_SLICE ? in.len - taken : SUBMIT_SLICE};
		size_t made;
		taken += text_read(&s->text, piece, s->slice, &made);
		if (!s->failure.status)
			take_text(s, (struct span){s->slice, made}, false);
	}
	return taken;
}

bool submit_commit(struct submit *s)
{
	size_t made = text_end(&s->text, s->slice);
	bool good = !s->failure.status && take_text(s, (struct span){s->slice, made}, true);
	if (good && drop_commit(s->drop, &s->failure))
		return true;
	drop_abort(s->drop);
	return false;
}
