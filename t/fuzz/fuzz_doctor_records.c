/* Any text of a TXT record as a DMARC policy and as a DKIM key: parsed, or refused with a reason of printable ASCII. */
#include <string.h>

#include "ctl/doctor/dkim.h"
#include "ctl/doctor/dmarc.h"
#include "t/fuzz/must.h"

static bool printable(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct dmarc policy;
	struct dkim_key key;
	char why[DKIM_WHY_MAX] = "";
	if (!dmarc_parse(text, &policy, why))
		MUST(why[0] && strlen(why) < DMARC_WHY_MAX && printable(why));
	else
		MUST(policy.percent <= 100 && policy.policy <= DMARC_REJECT);
	why[0] = '\0';
	if (!dkim_parse(text, &key, why))
		MUST(why[0] && printable(why));
	else
		MUST(key.revoked || key.ed25519 || key.bits);
	dmarc_is(text);
	return 0;
}
