/* The decoder of lists of clients: any octets, at most so many entries as the data has addresses, and no names read. */
#include "ctl/import/iplist.h"
#include "t/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {(const char *)data, size};
	struct iplist list;
	iplist_read(in, &list);
	MUST(!list.why || (!list.count && !list.grants_by_default));
	MUST(!list.grants_by_default || size == 0 || size >= 40);
	for (size_t i = 0; i < list.count; i++) {
		struct cidr net;
		MUST(list.entries[i].grants == !list.grants_by_default || !list.entries[i].grants);
		MUST(list.entries[i].at + 4 <= size);
		bool exact = iplist_network(&list.entries[i], &net);
		MUST(net.bits >= 96 && net.bits <= 128);
		MUST(!exact || __builtin_popcount(list.entries[i].mask) == (int)net.bits - 96);
	}
	MUST(list.guess_count <= IPLIST_NAMES_MAX);
	iplist_free(&list);
	return 0;
}
