/* The octets that hosts_next accepts are those that hosts_append writes; a refusal takes none. */
#include <stdlib.h>

#include "common/ipc/hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size}, rest = text;
	struct host host;
	struct str again;
	int result;
	str_init(&again, size);
	while ((result = hosts_next(&rest, &host)) == 1)
		hosts_append(&again, &host);
	if (again.failed || !span_equal(str_span(&again), (struct span){text.at, size - rest.len}))
		abort();
	if ((result == 0) != (rest.len == 0))
		abort();
	str_free(&again);
	return 0;
}
