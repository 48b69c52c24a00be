/* Any PTR and address records: the result is a valid name that resolves to the address, or a reason. */
#include <string.h>

#include "common/dns/reverse.h"
#include "t/fuzz/must.h"

enum { RECORDS_MAX = 200 };

/* Each record is a length and as many octets; they are used as PTR records and as addresses. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ipaddr client = {{[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1}};
	struct span records[RECORDS_MAX], rest = {(const char *)data, size};
	struct lookup_answer answer = {.rcode = size % 4 ? LOOKUP_NOERROR : 2, .rdata = records};
	struct reverse r;
	bool leads_back = false;
	while (rest.len && answer.n < RECORDS_MAX) {
		size_t len = (unsigned char)rest.at[0];
		rest = span_skip(rest, 1);
		records[answer.n++] = (struct span){rest.at, len < rest.len ? len : rest.len};
		leads_back |= records[answer.n - 1].len == 4 && !memcmp(rest.at, client.octets + 12, 4);
		rest = span_skip(rest, len);
	}
	reverse_begin(&r, &client);
	if (reverse_ptr(&r, &answer))
		for (size_t i = 0; i < r.count; i++)
			reverse_address(&r, i, &answer);
	reverse_finish(&r, true);
	MUST((r.name != NULL) == (r.count && leads_back));
	MUST(r.name ? domain_valid(span_of(r.name)) : strlen(r.why) > 0);
	return 0;
}
