#include "common/mail/address.h"
#include "common/mail/domain.h"
#include "t/fuzz/must.h"

static bool inside(struct span part, struct span whole)
{
	return part.len == 0 || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

/* An accepted address has nothing that could end a line, and is accepted again unchanged. */
/* The address that is passed on has the same domain, and a dot-string or a quoted string as local part. */
static void check_sent(const struct address *got)
{
	struct address again;
	const char *why;
	struct str to;
	str_init(&to, ADDRESS_MAX + 2);
	MUST(address_append(&to, got->text) && to.len <= got->text.len + 2);
	if (got->local.len <= ADDRESS_LOCAL_MAX - 2)
		MUST(address_parse(str_span(&to), &again, &why) && span_equal(got->domain, again.domain));
	for (size_t i = 1; to.len && to.at[0] != '"' && i < to.len; i++)
		MUST(to.at[i] != '.' || to.at[i - 1] != '.');
	str_free(&to);
}

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
	check_sent(got);
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
		MUST(span_starts(in, got.text));
		MUST(got.text.len == in.len || (got.text.len + 1 == in.len && in.at[in.len - 1] == '.'));
	}
	return 0;
}
