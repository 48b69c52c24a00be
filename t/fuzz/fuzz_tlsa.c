/* The octets that tlsa_next accepts are those that tlsa_append writes; a refusal takes none. */
#include "common/ipc/tlsa.h"
#include "t/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span list = {(const char *)data, size}, before = list;
	struct tlsa record;
	struct str again;
	int got;
	str_init(&again, size);
	while ((got = tlsa_next(&list, &record)) == 1) {
		tlsa_append(&again, &record);
		before = list;
	}
	MUST(!again.failed && span_equal(list, before) && (got == 0) == (list.len == 0));
	MUST(got != 0 || span_equal(str_span(&again), (struct span){(const char *)data, size}));
	str_free(&again);
	return 0;
}
