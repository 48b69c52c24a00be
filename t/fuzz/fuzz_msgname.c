#include <string.h>

#include "common/mail/msgid.h"
#include "t/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {(const char *)data, size};
	struct msgname name;
	char text[MSGNAME_MAX];
	if (msgname_parse(in, &name)) {
		msgname_format(&name, text);
		MUST(span_equal(in, span_of(text)) && msgid_valid(span_of(name.id)));
		MUST(!strchr(text, '/') && text[0] != '.');
	}
	if (size >= sizeof(int64_t) + MSGID_RANDOM) {
		int64_t wall_ms;
		memcpy(&wall_ms, data, sizeof(wall_ms));
		wall_ms &= ((int64_t)1 << 49) - 1; /* what 40 bits of seconds can hold */
		msgid_make(wall_ms, data + sizeof(wall_ms), name.id);
		name.size = size;
		name.eight_bit = data[0] & 1;
		msgname_format(&name, text);
		MUST(msgname_parse(span_of(text), &name) && name.size == size);
		MUST(msgid_time(name.id) == wall_ms / 1000);
	}
	return 0;
}
