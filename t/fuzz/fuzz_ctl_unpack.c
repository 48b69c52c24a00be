/* The headers of an archive that `queue import` reads. */
#include <string.h>

#include "ctl/unpack.h"
#include "t/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unpack unpack = {.message_max = 1 << 20};
	const char *why;
	while (size >= USTAR_BLOCK) {
		char block[USTAR_BLOCK];
		memcpy(block, data, sizeof(block));
		enum unpack_kind kind = unpack_header(&unpack, block, &why);
		MUST(is_printable(unpack.entry.name));
		MUST((kind == UNPACK_BAD) == (why != NULL));
		if (kind == UNPACK_BAD || kind == UNPACK_END)
			break;
		MUST(!strchr(unpack.entry.name, '/') && unpack.entry.name[0] != '.');
		MUST(kind == UNPACK_HEAD || msgid_valid(span_of(unpack.name.id)));
		MUST(kind != UNPACK_MESSAGE || unpack.entry.size <= unpack.message_max);
		MUST(unpack.entry.mtime >= 0 && ustar_padding(unpack.entry.size) < USTAR_BLOCK);
		struct ustar again;
		ustar_format(&unpack.entry, block);
		MUST(ustar_parse(block, &again, &why) == USTAR_FILE && again.size == unpack.entry.size &&
		     again.mtime == unpack.entry.mtime && strcmp(again.name, unpack.entry.name) == 0);
		/* The content is left out: the next block is the next header. */
		data += USTAR_BLOCK;
		size -= USTAR_BLOCK;
	}
	return 0;
}
