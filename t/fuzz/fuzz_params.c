#include "smtpd/protocol/params.h"
#include "t/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	for (unsigned allowed = 0; allowed < 128; allowed++) {
		struct params params;
		enum params_result result = params_parse(text, allowed, &params);
		MUST(allowed & PARAMS_SIZE || params.size == 0);
		MUST(allowed & PARAMS_BODY || !params.eight_bit);
		MUST(allowed & PARAMS_RET || !params.message.ret);
		MUST(allowed & PARAMS_ENVID || !params.message.envid.len);
		MUST(allowed & PARAMS_NOTIFY || !params.rcpt.notify);
		MUST(allowed & PARAMS_ORCPT || !params.rcpt.orcpt.len);
		MUST((result == PARAMS_OK) == (params.culprit.len == 0));
		MUST(allowed || result != PARAMS_OK || span_trim(text).len == 0);
		MUST(params.culprit.len == 0 || span_find(params.culprit, ' ') == params.culprit.len);
	}
	return 0;
}
