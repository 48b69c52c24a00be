/* Without a language, the translation of any text is the text itself. */
#include "ctl/translate.h"
#include "t/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct str to;
	if (size > TRANSLATE_MAX / 4)
		return 0;
	str_init(&to, TRANSLATE_MAX);
	MUST(translate_append(text, &to));
	MUST(span_equal(str_span(&to), text));
	str_free(&to);
	return 0;
}
