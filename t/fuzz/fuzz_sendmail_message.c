#include <string.h>

#include "common/base/arena.h"
#include "common/mail/fields.h"
#include "sendmail/compose.h"
#include "sendmail/text.h"
#include "t/fuzz/must.h"

enum { INPUT_MOST = 64 * 1024 };

/* The text with CRLF, from DATA in pieces of STEP octets. */
static size_t read_text(const uint8_t *data, size_t size, size_t step, char *out)
{
	struct text_reader r = {.dots = (enum text_dots)(size % 3)};
	size_t len = 0, made;
	for (size_t at = 0; at < size && !r.ended; at += step) {
		struct span piece = {(const char *)data + at, size - at < step ? size - at : step};
		size_t taken = text_read(&r, piece, out + len, &made);
		MUST(taken == piece.len || (r.ended && taken < piece.len + 1));
		MUST(made <= 2 * piece.len + TEXT_EXTRA);
		len += made;
	}
	return len + text_end(&r, out + len);
}

static void lines_are_whole(const char *text, size_t len)
{
	MUST(!len || text[len - 1] == '\n');
	for (size_t i = 0; i < len; i++) {
		MUST(text[i] != '\n' || (i && text[i - 1] == '\r'));
		MUST(text[i] != '\r' || (i + 1 < len && text[i + 1] == '\n'));
	}
}

/* For any text of a program, the envelope is the one that we set, and all the rest is the message. */
static void envelope_holds(struct span header)
{
	static const struct compose_defaults defaults = {"joe", "", "date"};
	const struct dsn_message message = {DSN_RET_HDRS, {0}};
	const struct dsn_rcpt rcpt = {.notify = DSN_NEVER};
	struct compose c = {0};
	struct arena arena;
	struct envelope envelope;
	const char *why;

	str_init(&c.head, COMPOSE_HEAD_MAX);
	arena_init(&arena, 4 << 20);
	bool good = compose_sender(&c, "joe", &message) == COMPOSE_OK &&
		    compose_recipients(&c, SPAN("root@example.com"), &rcpt) == COMPOSE_OK &&
		    compose_from_header(&c, header, &rcpt) == COMPOSE_OK;
	size_t envelope_len = c.head.len;
	if (good && compose_header(&c, header, &defaults) == COMPOSE_OK) {
		MUST(envelope_parse(str_span(&c.head), true, &arena, &envelope, &why) == ENVELOPE_OK);
		MUST(envelope.rcpt_count == c.rcpt_count && envelope.body_at == envelope_len);
		MUST(span_equal(envelope.sender.text, SPAN("joe")) && envelope.dsn.ret == DSN_RET_HDRS);
		lines_are_whole(c.head.at, c.head.len);
	}
	str_free(&c.head);
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char whole[2 * INPUT_MOST + 16], pieces[2 * INPUT_MOST + 16];
	if (!size || size > INPUT_MOST)
		return 0;
	size_t len = read_text(data, size, size, whole);
	MUST(len == read_text(data, size, 1 + size % 7, pieces) && memcmp(whole, pieces, len) == 0);
	lines_are_whole(whole, len);
	struct span text = {whole, len};
	size_t skip = fields_preamble(text), end = 0;
	MUST(skip <= len && fields_end(span_skip(text, skip), true, &end) && skip + end <= len);
	envelope_holds((struct span){whole + skip, end});
	return 0;
}
