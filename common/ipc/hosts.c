#include "common/ipc/hosts.h"

#include <stdio.h>
#include <string.h>

enum {
	HOST_LINE_MAX =
		HOST_NAME_MAX_OCTETS + IPADDR_TEXT_MAX + sizeof(" 65535 match  \n") + HOST_NAMES_MAX + TLSA_LIST_MAX
};

static const char *const words[] = {
	[HOST_DANE_LATER] = "later", [HOST_DANE_ENCRYPT] = "encrypt", [HOST_DANE_MATCH] = "match"};

static bool is_word(struct span word, size_t max)
{
	if (!word.len || word.len > max)
		return false;
	for (size_t i = 0; i < word.len; i++)
		if (word.at[i] <= ' ' || word.at[i] > '~')
			return false;
	return true;
}

static bool are_records(struct span list)
{
	struct tlsa record;
	int got, count = 0;
	while ((got = tlsa_next(&list, &record)) == 1)
		count++;
	return got == 0 && count > 0 && count <= TLSA_MAX;
}

/* Formats a host in its only spelling, including LF. Returns the length, or 0 when it is invalid. */
static size_t format_host(char line[HOST_LINE_MAX], const struct host *host)
{
	char address[IPADDR_TEXT_MAX];
	bool match = host->dane == HOST_DANE_MATCH;
	if (!is_word(host->name, HOST_NAME_MAX_OCTETS) || !host->port)
		return 0;
	if (match && (!is_word(host->names, HOST_NAMES_MAX) || !are_records(host->records)))
		return 0;
	ipaddr_format(&host->ip, address);
	size_t len = (size_t)snprintf(line, HOST_LINE_MAX, "%.*s %s %u", SPAN_ARGS(host->name), address, host->port);
	if (match)
		len += (size_t)snprintf(line + len, HOST_LINE_MAX - len, " match %.*s %.*s", SPAN_ARGS(host->names),
					SPAN_ARGS(host->records));
	else if (host->dane != HOST_DANE_NONE)
		len += (size_t)snprintf(line + len, HOST_LINE_MAX - len, " %s", words[host->dane]);
	line[len++] = '\n';
	return len;
}

void hosts_append(struct str *to, const struct host *host)
{
	char line[HOST_LINE_MAX];
	size_t len = format_host(line, host);
	if (len)
		str_append(to, (struct span){line, len});
	else
		to->failed = true;
}

static bool parse_dane(struct span word, struct span rest, struct host *out)
{
	for (enum host_dane dane = HOST_DANE_LATER; dane <= HOST_DANE_MATCH; dane++)
		if (span_equal(word, span_of(words[dane])))
			out->dane = dane;
	if (out->dane == HOST_DANE_MATCH)
		out->names = span_take(&rest, ' ');
	out->records = rest;
	return !word.len || out->dane != HOST_DANE_NONE;
}

int hosts_next(struct span *text, struct host *out)
{
	char again[HOST_LINE_MAX];
	struct host host = {0};
	uint64_t port;
	if (!text->len)
		return 0;
	size_t end = span_find(*text, '\n');
	if (end == text->len)
		return -1;

	struct span whole = {text->at, end + 1};
	struct span rest = {text->at, end};
	host.name = span_take(&rest, ' ');
	struct span address = span_take(&rest, ' ');
	struct span number = span_take(&rest, ' ');
	struct span word = span_take(&rest, ' ');
	if (!ipaddr_parse(address, &host.ip) || !span_to_u64(number, UINT16_MAX, &port) ||
	    !parse_dane(word, rest, &host))
		return -1;
	host.port = (uint16_t)port;
	size_t len = format_host(again, &host);
	if (!span_equal(whole, (struct span){again, len}))
		return -1;
	*out = host;
	*text = span_skip(*text, whole.len);
	return 1;
}
