#include <string.h>

#include "common/mail/reply.h"
#include "t/fuzz/must.h"

static void check(const struct reply *r)
{
	MUST(r->lines ? r->code >= 200 && r->code <= 599 : r->code == 0);
	MUST(reply_begun(r) && r->lines + r->strange <= REPLY_LINES_MAX && (r->lines || !r->complete));
	MUST(r->text_len <= REPLY_TEXT_MAX && r->text_len == strlen(r->text));
	for (size_t i = 0; i < r->text_len; i++)
		MUST(r->text[i] >= ' ' && r->text[i] <= '~');
	char text[ENHANCED_TEXT_MAX];
	struct enhanced again;
	struct span rest;
	enhanced_format(r->enhanced, text);
	MUST(!r->enhanced.class || r->enhanced.class == r->code / 100);
	MUST(!r->enhanced.class || (enhanced_parse(span_of(text), &again, &rest) && again.class == r->enhanced.class &&
				    again.subject == r->enhanced.subject && again.detail == r->enhanced.detail));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {(const char *)data, size};
	struct span line;
	struct reply r = {0};
	while (span_line(&in, &line)) {
		struct reply before = r;
		if (reply_add_line(&r, line)) {
			MUST(!before.complete && r.lines == before.lines + 1 && r.strange == before.strange);
			check(&r);
			continue;
		}
		MUST(memcmp(&before, &r, sizeof(r)) == 0);
		if (reply_add_strange(&r, line)) {
			MUST(!before.complete && r.strange == before.strange + 1);
			check(&r);
		} else {
			MUST(memcmp(&before, &r, sizeof(r)) == 0);
			r = (struct reply){0};
		}
	}
	return 0;
}
