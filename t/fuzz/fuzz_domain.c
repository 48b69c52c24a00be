#include "common/mail/domain.h"
#include "t/fuzz/must.h"

static void check_encoding(struct span name)
{
	struct str ascii;
	struct str again;
	const char *why = NULL;
	str_init(&ascii, DOMAIN_MAX);
	str_init(&again, DOMAIN_MAX);
	if (domain_to_ascii(name, &ascii, &why)) {
		MUST(domain_valid(str_span(&ascii)));
		MUST(domain_to_ascii(str_span(&ascii), &again, &why));
		MUST(span_equal(str_span(&ascii), str_span(&again)));
		MUST(!domain_valid(name) || span_equal_nocase(name, str_span(&ascii)));
	} else {
		MUST(why != NULL && ascii.len == 0 && !domain_valid(name));
	}
	str_free(&ascii);
	str_free(&again);
}

/* The input is a pattern, a newline and a name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span name = {(const char *)data, size};
	struct span pattern = span_take(&name, '\n');
	const char *why = NULL;
	check_encoding(pattern);
	check_encoding(name);
	MUST(!domain_valid(name) || !domain_is_literal(name));
	if (!domain_pattern_valid(pattern, &why)) {
		MUST(why != NULL && !domain_valid(pattern));
		return 0;
	}
	MUST(domain_pattern_match(pattern, pattern));
	MUST(!span_starts(pattern, SPAN("*.")) || !domain_pattern_match(pattern, span_skip(pattern, 2)));
	if (domain_pattern_match(pattern, name) && domain_valid(pattern))
		MUST(domain_valid(name) && domain_pattern_weight(pattern) > DOMAIN_MAX);
	return 0;
}
