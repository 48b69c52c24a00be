#include "common/mail/cidr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"

enum { V4_BITS = 96 }; /* of the prefix in ::ffff:192.0.2.1 */
static const unsigned char v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

bool ipaddr_parse(struct span text, struct ipaddr *out)
{
	char copy[IPADDR_TEXT_MAX];
	struct ipaddr ip;
	if (!span_copy(text, copy, sizeof(copy)))
		return false;
	if (inet_pton(AF_INET6, copy, ip.octets) != 1) {
		memcpy(ip.octets, v4_prefix, sizeof(v4_prefix));
		if (inet_pton(AF_INET, copy, ip.octets + sizeof(v4_prefix)) != 1)
			return false;
	}
	*out = ip;
	return true;
}

void ipaddr_format(const struct ipaddr *ip, char *to)
{
	bool v4 = ipaddr_is_v4(ip);
	inet_ntop(v4 ? AF_INET : AF_INET6, ip->octets + (v4 ? sizeof(v4_prefix) : 0), to, IPADDR_TEXT_MAX);
}

void ipaddr_reverse(const struct ipaddr *ip, char *to)
{
	const unsigned char *octets = ip->octets;
	if (ipaddr_is_v4(ip)) {
		snprintf(to, IPADDR_REVERSED_MAX, "%u.%u.%u.%u", octets[15], octets[14], octets[13], octets[12]);
		return;
	}
	for (size_t i = sizeof(ip->octets); i-- > 0; to += 4)
		snprintf(to, 5, "%x.%x%s", octets[i] & 0xfU, octets[i] >> 4U, i ? "." : "");
}

bool ipaddr_is_v4(const struct ipaddr *ip)
{
	return memcmp(ip->octets, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool ipaddr_is_loopback(const struct ipaddr *ip)
{
	static const struct ipaddr loopback = {{[15] = 1}};
	return ipaddr_is_v4(ip) ? ip->octets[12] == 127 : ipaddr_equal(ip, &loopback);
}

bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b)
{
	return memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

/* The first BITS bits of IP, the others zero. */
static struct ipaddr first_bits(const struct ipaddr *ip, unsigned bits)
{
	struct ipaddr result = {{0}};
	memcpy(result.octets, ip->octets, bits / 8);
	if (bits % 8)
		result.octets[bits / 8] = (unsigned char)(ip->octets[bits / 8] & 0xff << (8 - bits % 8));
	return result;
}

/* 255.255.0.0 as 16; false when ones follow a zero. */
static bool mask_to_bits(const struct ipaddr *mask, unsigned *bits)
{
	unsigned ones = 0;
	while (ones < 128 && mask->octets[ones / 8] & 0x80 >> ones % 8)
		ones++;
	struct ipaddr full;
	memset(&full, 0xff, sizeof(full));
	struct ipaddr meant = first_bits(&full, ones);
	*bits = ones - V4_BITS;
	return ipaddr_equal(mask, &meant);
}

/* Parses the number or mask after the slash, in octets of the family. */
static bool parse_bits(struct span text, bool v4, unsigned *bits, const char **why)
{
	struct ipaddr mask;
	uint64_t number;
	if (v4 && ipaddr_parse(text, &mask) && span_find(text, ':') == text.len) {
		/* The mapped mask begins with zeros; as an IPv6 mask it needs ones there. */
		memset(mask.octets, 0xff, sizeof(v4_prefix));
		*why = N_("the network mask has ones after a zero");
		return mask_to_bits(&mask, bits);
	}
	*why = v4 ? N_("after the slash comes a number from 0 to 32 or a network mask")
		  : N_("after the slash comes a number from 0 to 128");
	if (!span_to_u64(text, v4 ? 32 : 128, &number))
		return false;
	*bits = (unsigned)number;
	return true;
}

bool cidr_parse(struct span text, struct cidr *out, const char **why)
{
	struct cidr net = {.bits = 128};
	size_t slash = span_find(text, '/');
	struct span address = {text.at, slash};
	bool v4 = span_find(address, ':') == address.len;
	*why = N_("this is no IP address");
	if (!ipaddr_parse(address, &net.base))
		return false;
	if (slash < text.len) {
		unsigned bits;
		if (!parse_bits(span_skip(text, slash + 1), v4, &bits, why))
			return false;
		net.bits = bits + (v4 ? V4_BITS : 0);
	}
	struct ipaddr base = first_bits(&net.base, net.bits);
	*why = N_(
		"the address has bits set beyond the prefix: write the first address of the network, as in 10.0.0.0/8");
	if (!ipaddr_equal(&base, &net.base))
		return false;
	*out = net;
	return true;
}

struct cidr cidr_of(const struct ipaddr *ip, unsigned bits)
{
	return (struct cidr){.base = first_bits(ip, bits), .bits = bits};
}

bool cidr_contains(const struct cidr *net, const struct ipaddr *ip)
{
	if (net->bits < V4_BITS && ipaddr_is_v4(ip))
		return false;
	struct ipaddr base = first_bits(ip, net->bits);
	return ipaddr_equal(&base, &net->base);
}

bool cidr_is_private(const struct cidr *net)
{
	static const char *const nets[] = {"10.0.0.0/8",    "172.16.0.0/12", "192.168.0.0/16",
					   "100.64.0.0/10", "127.0.0.0/8",   "169.254.0.0/16",
					   "fc00::/7",      "fe80::/10",     "::1"};
	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		struct cidr known;
		const char *why;
		if (cidr_parse(span_of(nets[i]), &known, &why) && net->bits >= known.bits &&
		    cidr_contains(&known, &net->base))
			return true;
	}
	return false;
}

bool ipaddr_is_private(const struct ipaddr *ip)
{
	return cidr_is_private(&(struct cidr){.base = *ip, .bits = 128});
}
