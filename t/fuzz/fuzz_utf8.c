/* Any text in a cell of a table is shown as printable ASCII and whole characters, and fits: no octet of it commands the
 * terminal. */
#include "common/base/utf8.h"
#include "t/fuzz/must.h"

enum { ROOM = 64 };

static void must_be_harmless(struct span text)
{
	while (text.len) {
		size_t len = utf8_length(text);
		MUST(len && !(len > 1 && utf8_commands(text)));
		MUST(len > 1 || (text.at[0] >= ' ' && text.at[0] <= '~'));
		text = span_skip(text, len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	char clean[4 * ROOM + 1], again[sizeof(clean)];
	for (size_t room = 1; room < ROOM; room++) {
		size_t len = utf8_clean(text, clean, room);
		MUST(len < room && clean[len] == '\0');
		must_be_harmless((struct span){clean, len});
	}
	if (size > ROOM)
		return 0;
	size_t len = utf8_clean(text, clean, sizeof(clean));
	MUST(utf8_clean((struct span){clean, len}, again, sizeof(again)) == len);
	MUST(utf8_columns((struct span){clean, len}) <= 2 * len);
	return 0;
}
