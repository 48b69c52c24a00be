/* Parameters of notices: an accepted value is printable in both forms, and reads back the same. */
#include <string.h>

#include "common/mail/dsn.h"
#include "common/mail/xtext.h"
#include "t/fuzz/must.h"

static void check_xtext(struct span xtext, size_t max)
{
	char plain[DSN_ORCPT_MAX + 1], again[3 * DSN_ORCPT_MAX + 1], twice[DSN_ORCPT_MAX + 1];
	size_t len = xtext_decode(xtext, plain);
	MUST(xtext.len <= max && len > 0 && len <= xtext.len);
	for (size_t i = 0; i < len; i++)
		MUST(plain[i] >= ' ' && plain[i] <= '~');
	MUST(dsn_encode((struct span){plain, len}, again, sizeof(again)));
	if (span_of(again).len <= DSN_ORCPT_MAX)
		MUST(xtext_decode(span_of(again), twice) == len && memcmp(plain, twice, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size}, kept;
	enum dsn_ret ret;
	unsigned notify, again;
	char words[DSN_NOTIFY_TEXT_MAX];
	if (dsn_parse_notify(text, &notify)) {
		dsn_notify_text(notify, words);
		MUST(dsn_parse_notify(span_of(words), &again) && again == notify);
		MUST(dsn_wants(notify, DSN_NEVER) == (notify == DSN_NEVER));
	}
	MUST(dsn_parse_ret(text, &ret) == (ret != DSN_RET_UNSAID));
	MUST(span_equal_nocase(text, span_of(dsn_ret_text(ret))) || ret == DSN_RET_UNSAID);
	if (dsn_parse_envid(text, &kept))
		check_xtext(kept, DSN_ENVID_MAX);
	if (dsn_parse_orcpt(text, &kept)) {
		struct span type = span_take(&kept, ';');
		MUST(type.len && type.len + 1 + kept.len == size);
		check_xtext(kept, DSN_ORCPT_MAX);
	}
	return 0;
}
