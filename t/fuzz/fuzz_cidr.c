#include "common/mail/cidr.h"
#include "t/fuzz/must.h"

static void check_address(struct span in)
{
	struct ipaddr ip;
	struct ipaddr again;
	char text[IPADDR_TEXT_MAX];
	if (!ipaddr_parse(in, &ip))
		return;
	ipaddr_format(&ip, text);
	MUST(ipaddr_parse(span_of(text), &again) && ipaddr_equal(&ip, &again));
	MUST(ipaddr_is_v4(&ip) == (span_find(span_of(text), ':') == span_of(text).len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {(const char *)data, size};
	struct cidr net;
	const char *why = NULL;
	check_address(in);
	if (!cidr_parse(in, &net, &why)) {
		MUST(why != NULL);
		return 0;
	}
	MUST(net.bits <= 128);
	MUST(cidr_contains(&net, &net.base) || (net.bits < 96 && ipaddr_is_v4(&net.base)));
	struct ipaddr other = net.base;
	if (net.bits > 0) {
		other.octets[(net.bits - 1) / 8] ^= (unsigned char)(0x80 >> (net.bits - 1) % 8);
		MUST(!cidr_contains(&net, &other));
	}
	return 0;
}
