/* A journal and the headers of a message, of any content: the notice is a message of ours, 7 bits, in lines of bounded
 * length. */
#include "common/mail/msgid.h"
#include "delivery/notice.h"
#include "t/fuzz/must.h"

enum { RCPTS = 4, LINE_MAX_OCTETS = 998 };

static void check(struct span text)
{
	struct arena arena;
	struct envelope envelope;
	const char *why;
	size_t column = 0;
	arena_init(&arena, 1 << 20);
	MUST(envelope_parse(text, true, &arena, &envelope, &why) == ENVELOPE_OK && envelope.rcpt_count == 1);
	arena_free(&arena);
	for (size_t i = 0; i < text.len; i++) {
		column = text.at[i] == '\n' ? 0 : column + 1;
		MUST(column <= LINE_MAX_OCTETS && (unsigned char)text.at[i] <= '~');
		MUST(text.at[i] != '\n' || (i && text.at[i - 1] == '\r'));
	}
}

/* The journal ends at the first NUL. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span journal, headers = {(const char *)data, size};
	struct address rcpts[RCPTS] = {{.text = SPAN("b@example.net")}};
	struct envelope envelope = {.sender = {.text = SPAN("a@example.com")}, .rcpts = rcpts, .rcpt_count = RCPTS};
	struct notice_failure failures[RCPTS];
	struct str text;
	journal = span_take(&headers, '\0');
	if (headers.len > NOTICE_HEADERS_MAX)
		headers.len = NOTICE_HEADERS_MAX;
	notice_failures(journal, failures, RCPTS);
	struct notice notice = {.fqdn = "mail.example.com",
				.postmaster = "postmaster@example.com",
				.id = SPAN("00000000BBBBBBBBBBBBBBBB"),
				.message_id = SPAN("00000000AAAAAAAAAAAAAAAA"),
				.envelope = &envelope,
				.failures = failures,
				.headers = headers};
	str_init(&text, NOTICE_MAX);
	notice_write(&notice, &text);
	MUST(!text.failed);
	check(str_span(&text));
	str_free(&text);
	return 0;
}
