/*
 * The answers about DNS lists: what is accepted is written in one way only. The text of a list is printable,
 * bounded and without the key, and no record that a list may not give is ever a listing.
 */
#include <string.h>

#include "common/mail/dnsbl.h"
#include "t/fuzz/must.h"

#define KEY "abcdefghij0123456789"

static void parse(struct span text)
{
	struct dnsbl_answer answers[DNSBL_LISTS_MAX];
	struct str again;
	for (size_t n = 1; n <= DNSBL_LISTS_MAX; n++) {
		if (!dnsbl_answers_parse(text, answers, n))
			continue;
		str_init(&again, text.len);
		for (size_t i = 0; i < n; i++) {
			if (i)
				str_append_c(&again, ' ');
			dnsbl_answer_append(&answers[i], &again);
			MUST(answers[i].n <= DNSBL_RECORDS_MAX && (answers[i].answered || !answers[i].n));
		}
		MUST(!again.failed && span_equal(str_span(&again), text));
		str_free(&again);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct dnsbl_answer answer = {.answered = true};
	char to[DNSBL_TEXT_MAX + 1], shown[DOMAIN_MAX + 1];
	parse(text);
	dnsbl_text(text, SPAN(KEY ".a.test"), to);
	MUST(strlen(to) <= DNSBL_TEXT_MAX && strlen(to) <= size && !strcasestr(to, KEY));
	for (const char *c = to; *c; c++)
		MUST(*c >= ' ' && *c <= '~');
	dnsbl_answer_add(&answer, text);
	if (size == 4)
		MUST((dnsbl_answer_sense(&answer) == DNSBL_LISTING) ==
		     (data[0] == 127 && memcmp(data, "\x7f\xff\xff", 3) && memcmp(data, "\x7f\0\0\1", 4)));
	else
		MUST(answer.n == 0);
	struct span key = dnsbl_key(text);
	dnsbl_shown(text, shown);
	if (key.len && !memchr(data, 0, size) && size <= DOMAIN_MAX)
		MUST(strncmp(shown, "***.", 4) == 0);
	return 0;
}
