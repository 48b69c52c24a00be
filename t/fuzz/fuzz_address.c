#include "common/mail/address.h"
#include "common/mail/domain.h"
#include "t/fuzz/must.h"

static bool inside(struct span part, struct span whole)
{
	return part.len == 0 || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

/* What was taken holds nothing that could end a line, and is taken again as the same. */
static void check(const struct address *got)
{
	struct address again;
	const char *why;
	for (size_t i = 0; i < got->text.len; i++)
		MUST(got->text.at[i] >= ' ' && got->text.at[i] <= '~');
	MUST(got->text.len <= ADDRESS_MAX && got->local.len <= ADDRESS_LOCAL_MAX);
	MUST(got->domain.len == 0 || domain_valid(got->domain) || domain_is_literal(got->domain));
	MUST(inside(got->local, got->text) && inside(got->domain, got->text));
	MUST(got->text.len == got->local.len + got->domain.len + (got->domain.len > 0));
	MUST(address_parse(got->text, &again, &why) && address_equal(got, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {(const char *)data, size};
	struct address got;
	struct span rest;
	const char *why = NULL;
	if (address_parse_path(in, &got, &rest, &why)) {
		check(&got);
		MUST(inside(got.text, in) && inside(rest, in));
		MUST(rest.at + rest.len == in.at + in.len);
	} else {
		MUST(why != NULL);
	}
	if (address_parse(in, &got, &why)) {
		check(&got);
		MUST(span_equal(got.text, in));
	}
	return 0;
}
