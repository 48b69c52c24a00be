/* A decoded packet encodes to the same octets, and decodes as no other type. */
#include <stdlib.h>

#include "common/ipc/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span packet = {(const char *)data, size};
	struct str again;
	str_init(&again, WIRE_PACKET_MAX);
#define PACKET(name, ways, fields)                                                                                     \
	{                                                                                                              \
		struct wire_##name value;                                                                              \
		if (wire_decode_##name(packet, &value)) {                                                              \
			if (wire_type_of(packet) != WIRE_##name || again.len)                                          \
				abort();                                                                               \
			if (!wire_encode_##name(&value, &again) || !span_equal(packet, str_span(&again)))              \
				abort();                                                                               \
		}                                                                                                      \
	}
#include "common/ipc/wire.def"
	str_free(&again);
	return 0;
}
