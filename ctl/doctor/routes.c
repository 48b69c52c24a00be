#include "ctl/doctor/routes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"

enum { TEXT_MAX = 4 << 20, V4_DIGITS = 8, V6_DIGITS = 32 };

static struct span next_word(struct span *line)
{
	*line = span_trim(*line);
	return span_take_word(line);
}

static bool is_zero(struct span digits)
{
	for (size_t i = 0; i < digits.len; i++)
		if (digits.at[i] != '0')
			return false;
	return digits.len;
}

/* Eight digits: a word in the byte order of this machine. */
static void read_v4(struct span digits, struct ipaddr *out)
{
	char text[V4_DIGITS + 1];
	span_copy(digits, text, sizeof(text));
	uint32_t word = (uint32_t)strtoul(text, NULL, 16);
	*out = (struct ipaddr){{[10] = 0xff, [11] = 0xff}};
	memcpy(out->octets + 12, &word, sizeof(word));
}

static void read_v6(struct span digits, struct ipaddr *out)
{
	for (size_t i = 0; i < sizeof(out->octets); i++) {
		char pair[3];
		span_copy((struct span){digits.at + 2 * i, 2}, pair, sizeof(pair));
		out->octets[i] = (unsigned char)strtoul(pair, NULL, 16);
	}
}

/* interface, destination, gateway, flags, reference count, use, metric, mask, ... */
static bool parse_v4(struct span line, struct ipaddr *out)
{
	next_word(&line);
	struct span destination = next_word(&line), gateway = next_word(&line);
	if (!is_zero(destination) || gateway.len != V4_DIGITS || is_zero(gateway))
		return false;
	read_v4(gateway, out);
	return true;
}

/* destination, its bits, source, its bits, next hop, ... */
static bool parse_v6(struct span line, struct ipaddr *out)
{
	struct span destination = next_word(&line), bits = next_word(&line);
	next_word(&line);
	next_word(&line);
	struct span gateway = next_word(&line);
	if (!is_zero(destination) || !is_zero(bits) || gateway.len != V6_DIGITS || is_zero(gateway))
		return false;
	read_v6(gateway, out);
	return true;
}

void routes_parse(struct span text, bool v6, struct ipaddr out[ROUTES_GATEWAYS_MAX], size_t *n)
{
	struct span line;
	while (*n < ROUTES_GATEWAYS_MAX && span_line(&text, &line))
		*n += v6 ? parse_v6(line, &out[*n]) : parse_v4(line, &out[*n]);
}

size_t routes_gateways(struct ipaddr out[ROUTES_GATEWAYS_MAX])
{
	static const char *const tables[] = {"/proc/net/route", "/proc/net/ipv6_route"};
	size_t n = 0;
	struct str text;
	str_init(&text, TEXT_MAX);
	for (size_t v6 = 0; v6 < 2; v6++, str_clear(&text)) {
		int fd = open(tables[v6], O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && fd_read_all(fd, &text) == 0)
			routes_parse(str_span(&text), v6 == 1, out, &n);
		fd_close(&fd);
	}
	str_free(&text);
	return n;
}
