#include "common/mail/fields.h"
#include "t/fuzz/must.h"

/* Fields lie side by side up to the end that fields_end finds, in one piece or octet by octet. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size}, rest = text;
	struct field field;
	size_t end = 0, found = 0;
	bool ended = false;
	while (field_next(&rest, &field)) {
		MUST(field.whole.at + field.whole.len == rest.at && field.whole.len);
		MUST(field.name.len && field.name.at == field.whole.at);
		MUST(field.value.at > field.name.at && field.value.at + field.value.len <= rest.at);
		for (size_t i = 0; i < field.name.len; i++)
			MUST(field.name.at[i] > ' ' && field.name.at[i] < 0x7f && field.name.at[i] != ':');
	}
	MUST(fields_end(text, true, &end) && end == size - rest.len);
	for (size_t len = 0; len < size && !ended; len += 1 + len / 4)
		ended = fields_end((struct span){text.at, len}, false, &found);
	MUST(fields_end(text, true, &found) && found == end);
	return 0;
}
