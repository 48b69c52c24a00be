#include "common/base/url.h"

#include <string.h>

#include "common/base/language.h"

static bool is_printable(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return true;
}

#define DIGITS "0123456789"

static bool all_of(struct span text, const char *octets)
{
	for (size_t i = 0; i < text.len; i++)
		if (!text.at[i] || !strchr(octets, text.at[i]))
			return false;
	return true;
}

static bool is_name(struct span host)
{
	return host.len && all_of(host, DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._");
}

static bool is_ipv6(struct span host)
{
	return span_find(host, ':') < host.len && all_of(host, DIGITS "abcdefABCDEF:.");
}

/* HOST[:PORT] or [IPv6][:PORT]. */
static bool take_authority(struct span text, struct url *out, const char **why)
{
	bool bracket = span_starts(text, SPAN("["));
	size_t end = bracket ? span_find(text, ']') : span_find(text, ':');
	uint64_t port = out->port;
	out->host = bracket ? (struct span){text.at + 1, end ? end - 1 : 0} : (struct span){text.at, end};
	struct span rest = span_skip(text, bracket && end < text.len ? end + 1 : end);
	*why = N_("its port is no number from 1 to 65535");
	if (rest.len && (!span_starts(rest, SPAN(":")) || !span_to_u64(span_skip(rest, 1), UINT16_MAX, &port) || !port))
		return false;
	out->port = (uint16_t)port;
	*why = text.len ? N_("its host is neither a name nor an address") : N_("it has no host");
	return bracket ? end < text.len && is_ipv6(out->host) : is_name(out->host);
}

bool url_parse(struct span text, struct url *out, const char **why)
{
	*out = (struct url){.tls = span_starts_nocase(text, SPAN("https://"))};
	*why = N_("it begins with neither https:// nor http://");
	if (!out->tls && !span_starts_nocase(text, SPAN("http://")))
		return false;
	*why = N_("it has a blank or another octet that must be written with %");
	if (!is_printable(text))
		return false;
	*why = N_("it has a fragment (#), which is never sent");
	if (span_find(text, '#') < text.len)
		return false;
	out->port = out->tls ? 443 : 80;
	struct span rest = span_skip(text, out->tls ? 8 : 7);
	size_t end = 0;
	while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?')
		end++;
	out->path = span_skip(rest, end);
	struct span authority = {rest.at, end};
	*why = N_("it has a user name (@)");
	if (span_find(authority, '@') < authority.len)
		return false;
	return take_authority(authority, out, why);
}
