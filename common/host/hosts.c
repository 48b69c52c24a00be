#include "common/host/hosts.h"

#include <stdio.h>

enum { HOST_LINE_MAX = HOST_NAME_MAX_OCTETS + IPADDR_TEXT_MAX + sizeof(" 65535\n") };

/* The one spelling of a host, LF included; its length, or 0 when there is none. */
static size_t format_host(char line[HOST_LINE_MAX], struct span name, const struct ipaddr *ip, uint16_t port)
{
	char address[IPADDR_TEXT_MAX];
	if (!name.len || name.len > HOST_NAME_MAX_OCTETS || !port)
		return 0;
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= ' ' || name.at[i] > '~')
			return 0;
	ipaddr_format(ip, address);
	return (size_t)snprintf(line, HOST_LINE_MAX, "%.*s %s %u\n", SPAN_ARGS(name), address, port);
}

void hosts_append(struct str *to, struct span name, const struct ipaddr *ip, uint16_t port)
{
	char line[HOST_LINE_MAX];
	size_t len = format_host(line, name, ip, port);
	if (len)
		str_append(to, (struct span){line, len});
	else
		to->failed = true;
}

int hosts_next(struct span *text, struct host *out)
{
	char again[HOST_LINE_MAX];
	if (!text->len)
		return 0;
	size_t end = span_find(*text, '\n');
	if (end == text->len)
		return -1;

	struct span whole = {text->at, end + 1};
	struct span rest = {text->at, end};
	struct span name = span_take(&rest, ' ');
	struct span address = span_take(&rest, ' ');
	uint64_t port;
	struct ipaddr ip;
	if (!ipaddr_parse(address, &ip) || !span_to_u64(rest, UINT16_MAX, &port))
		return -1;
	size_t len = format_host(again, name, &ip, (uint16_t)port);
	if (!span_equal(whole, (struct span){again, len}))
		return -1;
	*out = (struct host){name, ip, (uint16_t)port};
	*text = span_skip(*text, whole.len);
	return 1;
}
