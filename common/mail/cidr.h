/*
 * Addresses and networks as values. An address is always 16 octets; IPv4 is held as IPv4-mapped IPv6, so
 * ::ffff:10.0.0.1 and 10.0.0.1 are one address. Pure: no look-ups.
 */
#ifndef COMMON_MAIL_CIDR_H
#define COMMON_MAIL_CIDR_H

#include "common/base/span.h"

struct ipaddr {
	unsigned char octets[16];
};

struct cidr {
	struct ipaddr base;
	unsigned bits; /* 0 to 128, counted in the 16 octets: 10.0.0.0/8 has 104 */
};

enum { IPADDR_TEXT_MAX = 46, IPADDR_REVERSED_MAX = 64 }; /* with NUL */

/* "192.0.2.1" or "2001:db8::1"; no scope, no port, no brackets. */
bool ipaddr_parse(struct span text, struct ipaddr *out);
void ipaddr_format(const struct ipaddr *ip, char *to); /* IPADDR_TEXT_MAX; IPv4 dotted */
/*
 * The octets of IP in reverse order, as DNS has them before in-addr.arpa and in lists: "1.2.0.192"; of IPv6 the
 * nibbles, "b.a.9.8...". TO has room for IPADDR_REVERSED_MAX.
 */
void ipaddr_reverse(const struct ipaddr *ip, char *to);
bool ipaddr_is_v4(const struct ipaddr *ip);
bool ipaddr_is_loopback(const struct ipaddr *ip);
bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b);

/*
 * Parses "10.0.0.0/8", "10.0.0.0/255.0.0.0", "2001:db8::/32", or a single address. Bits beyond the prefix must be zero.
 * *why is the fault and the correct form.
 */
bool cidr_parse(struct span text, struct cidr *out, const char **why);
/* The network of BITS (0 to 128) that IP is in. */
struct cidr cidr_of(const struct ipaddr *ip, unsigned bits);

/* An IPv6 network never contains an IPv4 address, even ::/0. */
bool cidr_contains(const struct cidr *net, const struct ipaddr *ip);

/*
 * Whether all of NET, or IP, is in networks that the Internet does not reach (RFC 1918, 6598, 3927, 4193, 4291), or
 * loopback.
 */
bool cidr_is_private(const struct cidr *net);
bool ipaddr_is_private(const struct ipaddr *ip);

#endif
