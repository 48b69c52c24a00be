/* Any text of a TXT record as a DMARC policy: parsed, or refused with a reason of printable ASCII. */
#include <string.h>

#include "ctl/doctor/dmarc.h"
#include "t/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct dmarc policy;
	char why[DMARC_WHY_MAX] = "";
	if (!dmarc_parse(text, &policy, why))
		MUST(why[0] && strlen(why) < DMARC_WHY_MAX && is_printable(why));
	else
		MUST(policy.percent <= 100 && policy.policy <= DMARC_REJECT);
	dmarc_is(text);
	return 0;
}
