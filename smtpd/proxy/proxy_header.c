#include "smtpd/proxy/proxy_header.h"

#include <string.h>

enum {
	V2_LOCAL = 0x20,
	V2_PROXY = 0x21,
	V2_UNSPEC = 0x00,
	V2_TCP4 = 0x11,
	V2_TCP6 = 0x21,
	V2_UNIX = 0x31,
	V2_TCP4_OCTETS = 12,
	V2_TCP6_OCTETS = 36,
	TLV_START = 3,
	TLV_CRC32C = 0x03,
	TLV_TLS = 0x20,
	TLV_TLS_VERSION = 0x21,
	TLV_TLS_CIPHER = 0x23,
	TLS_START = 5,
	TLS_CLIENT_USED_IT = 0x01
};

static const unsigned char signature[PROXY_HEADER_FIRST] = {'\r', '\n', '\r', '\n', 0,   '\r',
							    '\n', 'Q',  'U',  'I',  'T', '\n'};

static enum proxy_result wrong(const char **why, const char *what)
{
	*why = what;
	return PROXY_WRONG;
}

static unsigned octet(struct span s, size_t at)
{
	return (unsigned char)s.at[at];
}

static uint16_t number16(struct span s, size_t at)
{
	return (uint16_t)(octet(s, at) << 8 | octet(s, at + 1));
}

/* A decimal number without leading zeros. */
static bool port_of(struct span word, uint16_t *port)
{
	uint64_t value;
	if (!span_to_u64(word, UINT16_MAX, &value) || (word.len > 1 && word.at[0] == '0'))
		return false;
	*port = (uint16_t)value;
	return true;
}

static bool address_of(struct span word, bool v6, struct ipaddr *ip)
{
	bool colons = span_find(word, ':') < word.len;
	return colons == v6 && ipaddr_parse(word, ip);
}

/* LINE: what stands between "PROXY " and the CRLF. */
static enum proxy_result parse_line(struct span line, struct proxy_header *header, const char **why)
{
	struct span family = span_take(&line, ' ');
	if (span_equal(family, SPAN("UNKNOWN"))) {
		header->check = true;
		return PROXY_OK;
	}
	bool v6 = span_equal(family, SPAN("TCP6"));
	if (!v6 && !span_equal(family, SPAN("TCP4")))
		return wrong(why, "its protocol is not TCP4, TCP6 or UNKNOWN");
	struct span client = span_take(&line, ' '), server = span_take(&line, ' '), port = span_take(&line, ' ');
	if (!address_of(client, v6, &header->client) || !address_of(server, v6, &header->server))
		return wrong(why, "an address of it is none");
	if (!port_of(port, &header->client_port) || !port_of(line, &header->server_port))
		return wrong(why, "a port of it is none");
	return PROXY_OK;
}

static enum proxy_result parse_v1(struct span octets, struct proxy_header *header, size_t *need, const char **why)
{
	size_t end = span_find(octets, '\n');
	if (end == octets.len && end >= PROXY_HEADER_V1_MAX)
		return wrong(why, "its line is longer than 107 octets");
	if (end == octets.len) {
		*need = octets.len + 1;
		return PROXY_MORE;
	}
	*need = end + 1;
	if (end + 1 > PROXY_HEADER_V1_MAX)
		return wrong(why, "its line is longer than 107 octets");
	if (octets.at[end - 1] != '\r')
		return wrong(why, "its line does not end with CR LF");
	struct span line = {octets.at, end - 1};
	return parse_line(span_skip(line, strlen("PROXY ")), header, why);
}

/* CRC-32C (Castagnoli, RFC 3720 appendix B.4) of S, where the four octets from ZEROS on count as 0. */
static uint32_t crc32c(struct span s, size_t zeros)
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < s.len; i++) {
		crc ^= i >= zeros && i < zeros + 4 ? 0 : octet(s, i);
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78U : 0);
	}
	return ~crc;
}

static bool sum_is_right(struct span whole, struct span value)
{
	size_t at = (size_t)(value.at - whole.at);
	if (value.len != 4)
		return false;
	uint32_t said = (uint32_t)number16(value, 0) << 16 | number16(value, 2);
	return crc32c(whole, at) == said;
}

/* An IPv4 address of four octets, as struct ipaddr holds it. */
static struct ipaddr mapped(const char *four)
{
	struct ipaddr ip = {.octets = {[10] = 0xff, [11] = 0xff}};
	memcpy(ip.octets + 12, four, 4);
	return ip;
}

/* Takes the next TLV from *S. */
static bool take_tlv(struct span *s, unsigned *type, struct span *value)
{
	if (s->len < TLV_START || s->len - TLV_START < number16(*s, 1))
		return false;
	*type = octet(*s, 0);
	*value = (struct span){s->at + TLV_START, number16(*s, 1)};
	*s = span_skip(*s, TLV_START + value->len);
	return true;
}

static bool parse_tls(struct span value, struct proxy_tls *tls)
{
	unsigned type;
	struct span part;
	if (value.len < TLS_START)
		return false;
	bool used = octet(value, 0) & TLS_CLIENT_USED_IT;
	for (value = span_skip(value, TLS_START); value.len;) {
		if (!take_tlv(&value, &type, &part))
			return false;
		if (used && type == TLV_TLS_VERSION)
			span_quotable(part, tls->version, sizeof(tls->version));
		else if (used && type == TLV_TLS_CIPHER)
			span_quotable(part, tls->cipher, sizeof(tls->cipher));
	}
	return true;
}

static enum proxy_result parse_tlvs(struct span whole, struct span s, struct proxy_header *header, const char **why)
{
	unsigned type;
	struct span value;
	while (s.len) {
		if (!take_tlv(&s, &type, &value))
			return wrong(why, "a field behind its addresses is longer than the header");
		if (type == TLV_CRC32C && !sum_is_right(whole, value))
			return wrong(why, "its checksum (CRC32C) is wrong");
		if (type == TLV_TLS && !parse_tls(value, &header->tls))
			return wrong(why, "its field about TLS is cut");
	}
	return PROXY_OK;
}

static enum proxy_result parse_addresses(unsigned family, struct span *s, struct proxy_header *header, const char **why)
{
	size_t octets = family == V2_TCP6 ? V2_TCP6_OCTETS : V2_TCP4_OCTETS, ip = (octets - 4) / 2;
	if (s->len < octets)
		return wrong(why, "it is shorter than its addresses");
	if (family == V2_TCP6) {
		memcpy(header->client.octets, s->at, ip);
		memcpy(header->server.octets, s->at + ip, ip);
	} else {
		header->client = mapped(s->at);
		header->server = mapped(s->at + ip);
	}
	header->client_port = number16(*s, 2 * ip);
	header->server_port = number16(*s, 2 * ip + 2);
	*s = span_skip(*s, octets);
	return PROXY_OK;
}

static enum proxy_result parse_v2(struct span octets, struct proxy_header *header, size_t *need, const char **why)
{
	*need = PROXY_HEADER_V2_START;
	if (octets.len < *need)
		return PROXY_MORE;
	unsigned command = octet(octets, 12), family = octet(octets, 13);
	size_t rest = number16(octets, 14);
	if (rest > PROXY_HEADER_REST_MAX)
		return wrong(why, "it is longer than 1,040 octets");
	*need += rest;
	if (octets.len < *need)
		return PROXY_MORE;
	struct span whole = {octets.at, *need}, s = span_skip(whole, PROXY_HEADER_V2_START);
	header->check = command == V2_LOCAL || (command == V2_PROXY && (family == V2_UNSPEC || family == V2_UNIX));
	if (header->check)
		return PROXY_OK;
	if (command != V2_PROXY)
		return wrong(why, "its version or command is unknown");
	if (family != V2_TCP4 && family != V2_TCP6)
		return wrong(why, "its protocol is not TCP over IPv4 or IPv6");
	enum proxy_result result = parse_addresses(family, &s, header, why);
	return result == PROXY_OK ? parse_tlvs(whole, s, header, why) : result;
}

enum proxy_result proxy_header_parse(struct span octets, struct proxy_header *header, size_t *need, const char **why)
{
	*header = (struct proxy_header){0};
	*need = PROXY_HEADER_FIRST;
	if (octets.len < *need)
		return PROXY_MORE;
	if (memcmp(octets.at, signature, sizeof(signature)) == 0)
		return parse_v2(octets, header, need, why);
	if (span_starts(octets, SPAN("PROXY ")))
		return parse_v1(octets, header, need, why);
	return wrong(why, "the connection does not begin with a PROXY header");
}
