/* Any text of a TXT record as a DKIM key: parsed, or refused with a reason of printable ASCII. */
#include <string.h>

#include "common/dkim/dkim_record.h"
#include "t/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct dkim_record record;
	char why[DKIM_RECORD_WHY_MAX] = "";
	if (!dkim_record_parse(text, &record, why)) {
		MUST(why[0] && strlen(why) < DKIM_RECORD_WHY_MAX && is_printable(why));
		return 0;
	}
	MUST(record.revoked == !record.key_len && record.key_len <= DKIM_RECORD_KEY_MAX);
	MUST(record.revoked || record.ed25519 == !record.bits);
	MUST(dkim_record_same(&record, &record) == !record.revoked);
	return 0;
}
