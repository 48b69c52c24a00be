/* A journal and the header of a message, with any content: the notice is a valid message of 7 bits with lines of
 * bounded length; the report has each reported recipient once, and the input can't add lines to it. */
#include <string.h>

#include "common/mail/mime.h"
#include "common/mail/msgid.h"
#include "delivery/local/notice.h"
#include "t/fuzz/must.h"

enum { RCPTS = 4 };

static size_t count(struct span text, const char *part)
{
	size_t found = 0;
	for (const char *at; (at = memmem(text.at, text.len, part, strlen(part))); found++)
		text = span_skip(text, (size_t)(at - text.at) + 1);
	return found;
}

static void check(struct span text)
{
	struct arena arena;
	struct envelope envelope;
	const char *why;
	arena_init(&arena, 1 << 20);
	MUST(envelope_parse(text, true, &arena, &envelope, &why) == ENVELOPE_OK && envelope.rcpt_count == 1);
	arena_free(&arena);
	MUST(mime_plain(text));
	MUST(count(text, "\r\n--=_00000000BBBBBBBBBBBBBBBB") == 4);
}

static void check_report(const struct notice *notice, size_t recipients)
{
	struct str report;
	struct span rest, line;
	str_init(&report, NOTICE_MAX);
	notice_write_report(notice, &report);
	MUST(count(str_span(&report), "\r\n\r\n") == recipients);
	for (rest = str_span(&report); span_line(&rest, &line);)
		MUST(!line.len || span_find(line, ':') < 24);
	str_free(&report);
}

static void check_languages(struct notice *notice)
{
	struct str text;
	str_init(&text, NOTICE_MAX);
	for (notice->language = 0; notice->language < CONFIG_LANGUAGE_COUNT; notice->language++) {
		str_clear(&text);
		notice_write(notice, &text);
		MUST(!text.failed);
		check(str_span(&text));
	}
	str_free(&text);
}

/* The journal ends at the first NUL. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span journal, headers = {(const char *)data, size};
	struct address rcpts[RCPTS] = {{.text = SPAN("b@example.net")}};
	struct dsn_rcpt dsn[RCPTS] = {{.notify = DSN_FAILURE, .orcpt = SPAN("rfc822;B+2B@example.net")}};
	struct envelope envelope = {
		.sender = {.text = SPAN("a@example.com")}, .rcpts = rcpts, .rcpt_count = RCPTS, .dsn_rcpts = dsn};
	struct notice_fact facts[RCPTS];
	journal = span_take(&headers, '\0');
	if (headers.len > NOTICE_HEADERS_MAX)
		headers.len = NOTICE_HEADERS_MAX;
	size_t found = notice_facts(journal, &envelope, facts);
	struct notice_rcpts to = {.at = &envelope.sender.text, .n = 1};
	struct notice notice = {.fqdn = "mail.example.com",
				.postmaster = "postmaster@example.com",
				.id = SPAN("00000000BBBBBBBBBBBBBBBB"),
				.message_id = SPAN("00000000AAAAAAAAAAAAAAAA"),
				.rcpts = &to,
				.envelope = &envelope,
				.facts = facts,
				.headers = headers};
	check_report(&notice, found);
	check_languages(&notice);
	return 0;
}
