#include "smtpd/protocol/xclient.h"

#include <string.h>

#include "t/fuzz/must.h"

/* What is accepted is valid; what is refused is a part of the input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span args = {(const char *)data, size}, culprit;
	struct xclient x;
	unsigned said = 0;
	const char *fault = xclient_parse(args, &x, &culprit);
	MUST(culprit.at >= args.at && culprit.at + culprit.len <= args.at + args.len);
	if (fault)
		return 0;
	for (size_t i = 0; i < XCLIENT_COUNT; i++)
		said += x.said[i];
	MUST(said > 0);
	MUST(memchr(x.name, 0, sizeof(x.name)) && (!x.name[0] || domain_valid(span_of(x.name))));
	MUST(memchr(x.login, 0, sizeof(x.login)) && (!x.login[0] || account_name_valid(span_of(x.login))));
	MUST(memchr(x.helo, 0, sizeof(x.helo)) && memchr(x.server, 0, sizeof(x.server)));
	MUST(x.said[XCLIENT_NAME] || !x.name[0]);
	MUST(x.said[XCLIENT_LOGIN] || !x.login[0]);
	return 0;
}
