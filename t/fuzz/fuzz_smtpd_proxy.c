#include "smtpd/proxy/proxy_header.h"

#include <string.h>

#include "t/fuzz/must.h"

/* A reader that takes what the parser asks for comes to the same end as one that has all. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span all = {(const char *)data, size};
	struct proxy_header whole, piece;
	const char *why = NULL;
	size_t whole_need, need = PROXY_HEADER_FIRST;
	enum proxy_result result = proxy_header_parse(all, &whole, &whole_need, &why), step = PROXY_MORE;
	MUST(result != PROXY_WRONG || why);
	MUST(whole_need <= PROXY_HEADER_MAX);
	while (step == PROXY_MORE && need <= size) {
		size_t have = need;
		step = proxy_header_parse((struct span){all.at, have}, &piece, &need, &why);
		MUST(step != PROXY_MORE || need > have);
	}
	MUST(step == result || (step == PROXY_MORE && need > size));
	if (result != PROXY_OK)
		return 0;
	MUST(whole_need <= size && need == whole_need && memcmp(&whole, &piece, sizeof(whole)) == 0);
	MUST(memchr(whole.tls.version, 0, sizeof(whole.tls.version)) &&
	     memchr(whole.tls.cipher, 0, sizeof(whole.tls.cipher)));
	MUST(!strpbrk(whole.tls.version, "\"\r\n") && !strpbrk(whole.tls.cipher, "\"\r\n"));
	return 0;
}
