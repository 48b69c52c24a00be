#include "common/mail/envelope.h"
#include "t/fuzz/must.h"

/* An envelope that we write reads back the same. */
static void check(const struct envelope *got, struct arena *arena)
{
	struct str text;
	struct envelope again;
	const char *why;
	str_init(&text, ENVELOPE_MAX);
	envelope_write_sender(&text, got->sender.text);
	envelope_write_dsn(&text, &got->dsn);
	if (got->hold.len)
		envelope_write_hold(&text, got->hold);
	for (size_t i = 0; i < got->rcpt_count; i++) {
		envelope_write_rcpt(&text, got->rcpts[i].text);
		if (got->dsn_rcpts)
			envelope_write_dsn_rcpt(&text, &got->dsn_rcpts[i]);
	}
	MUST(!text.failed);
	MUST(envelope_parse(str_span(&text), true, arena, &again, &why) == ENVELOPE_OK);
	MUST(again.rcpt_count == got->rcpt_count && again.body_at == text.len);
	MUST(span_equal(again.sender.text, got->sender.text));
	MUST(span_equal(again.hold, got->hold) && got->hold.len <= ENVELOPE_HOLD_MAX);
	MUST(again.dsn.ret == got->dsn.ret && span_equal(again.dsn.envid, got->dsn.envid));
	for (size_t i = 0; i < got->rcpt_count; i++) {
		MUST(span_equal(again.rcpts[i].text, got->rcpts[i].text));
		MUST(envelope_notify(&again, i) == envelope_notify(got, i));
		MUST(envelope_expanded(&again, i) == envelope_expanded(got, i));
		MUST(!got->dsn_rcpts || !got->dsn_rcpts[i].orcpt.len ||
		     span_equal(again.dsn_rcpts[i].orcpt, got->dsn_rcpts[i].orcpt));
	}
	str_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {(const char *)data, size};
	struct arena arena;
	struct envelope whole;
	struct envelope part;
	const char *why = NULL;
	arena_init(&arena, 1 << 22);
	enum envelope_result result = envelope_parse(in, true, &arena, &whole, &why);
	MUST(result != ENVELOPE_MORE && whole.body_at <= size);
	MUST(result == ENVELOPE_OK || why != NULL);
	if (result == ENVELOPE_OK) {
		MUST(whole.rcpt_count > 0 && whole.rcpt_count <= ENVELOPE_RCPT_MAX);
		check(&whole, &arena);
	}
	/* A part of the file gives the same result, or needs more. */
	enum envelope_result partial = envelope_parse(in, false, &arena, &part, &why);
	MUST(partial == ENVELOPE_MORE || partial == result);
	MUST(partial != ENVELOPE_OK || part.body_at == whole.body_at);
	arena_free(&arena);
	return 0;
}
