#include "smtpd/protocol/xclient.h"

#include <string.h>

#include "common/mail/xtext.h"

static const struct span prefix_v6 = SPAN("IPV6:");

static bool is_unavailable(struct span value)
{
	return span_equal_nocase(value, SPAN("[UNAVAILABLE]"));
}

static bool take_address(struct span value, struct ipaddr *ip)
{
	bool v6 = span_starts_nocase(value, prefix_v6);
	if (is_unavailable(value))
		return ipaddr_parse(SPAN("0.0.0.0"), ip);
	if (v6)
		value = span_skip(value, prefix_v6.len);
	return v6 == (span_find(value, ':') < value.len) && ipaddr_parse(value, ip);
}

static bool take_port(struct span value, uint16_t *port)
{
	uint64_t number = 0;
	if (!is_unavailable(value) && !span_to_u64(value, UINT16_MAX, &number))
		return false;
	*port = (uint16_t)number;
	return true;
}

static bool take_name(struct span value, struct xclient *out)
{
	if (is_unavailable(value) || span_equal_nocase(value, SPAN("[TEMPUNAVAIL]")))
		return true;
	if (!domain_valid(value))
		return false;
	span_copy(value, out->name, sizeof(out->name));
	for (char *c = out->name; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
	return true;
}

static bool take_client(struct span value, struct xclient *out)
{
	return take_address(value, &out->address);
}

static bool take_client_port(struct span value, struct xclient *out)
{
	return take_port(value, &out->port);
}

static bool take_proto(struct span value, struct xclient *out)
{
	out->esmtp = span_equal_nocase(value, SPAN("ESMTP"));
	return out->esmtp || span_equal_nocase(value, SPAN("SMTP"));
}

static bool take_helo(struct span value, struct xclient *out)
{
	return is_unavailable(value) || span_copy(value, out->helo, sizeof(out->helo));
}

static bool take_login(struct span value, struct xclient *out)
{
	if (is_unavailable(value))
		return true;
	return account_name_valid(value) && span_copy(value, out->login, sizeof(out->login));
}

static bool take_server(struct span value, struct xclient *out)
{
	struct ipaddr ip;
	if (!take_address(value, &ip))
		return false;
	if (!is_unavailable(value))
		ipaddr_format(&ip, out->server);
	return true;
}

static bool take_server_port(struct span value, struct xclient *out)
{
	return take_port(value, &out->server_port);
}

static const struct {
	const char *word;
	bool (*take)(struct span value, struct xclient *out); /* VALUE is decoded */
	const char *fault;
} attributes[XCLIENT_COUNT] = {
	[XCLIENT_NAME] = {"NAME", take_name, "is no host name, [UNAVAILABLE] or [TEMPUNAVAIL]"},
	[XCLIENT_ADDR] = {"ADDR", take_client, "is no IPv4 address, IPV6:address or [UNAVAILABLE]"},
	[XCLIENT_PORT] = {"PORT", take_client_port, "is no port or [UNAVAILABLE]"},
	[XCLIENT_PROTO] = {"PROTO", take_proto, "is not SMTP or ESMTP"},
	[XCLIENT_HELO] = {"HELO", take_helo, "has an octet 0"},
	[XCLIENT_LOGIN] = {"LOGIN", take_login, "is no name of a user or [UNAVAILABLE]"},
	[XCLIENT_DESTADDR] = {"DESTADDR", take_server, "is no IPv4 address, IPV6:address or [UNAVAILABLE]"},
	[XCLIENT_DESTPORT] = {"DESTPORT", take_server_port, "is no port or [UNAVAILABLE]"},
};

static enum xclient_attribute find(struct span word)
{
	for (enum xclient_attribute i = 0; i < XCLIENT_COUNT; i++)
		if (span_equal_nocase(word, span_of(attributes[i].word)))
			return i;
	return XCLIENT_COUNT;
}

/* ATTRIBUTE is "NAME=value". NULL, or its fault. */
static const char *take(struct span attribute, struct xclient *out)
{
	char decoded[XCLIENT_VALUE_MAX + 1];
	struct span value = attribute, word = span_take(&value, '=');
	enum xclient_attribute which = find(word);
	if (word.len == attribute.len)
		return "is no attribute=value";
	if (which == XCLIENT_COUNT)
		return "is unknown";
	if (out->said[which])
		return "comes twice";
	if (value.len > XCLIENT_VALUE_MAX)
		return "is longer than 255 octets";
	if (!xtext_valid(value))
		return "is not encoded as xtext (RFC 3461 4)";
	out->said[which] = true;
	size_t len = xtext_decode(value, decoded);
	return attributes[which].take((struct span){decoded, len}, out) ? NULL : attributes[which].fault;
}

const char *xclient_parse(struct span args, struct xclient *out, struct span *culprit)
{
	const char *fault = NULL;
	*out = (struct xclient){0};
	*culprit = span_trim(args);
	if (!culprit->len)
		return "needs attribute=value";
	for (struct span rest = *culprit; !fault && rest.len; rest = span_trim(rest)) {
		*culprit = span_take_word(&rest);
		fault = take(*culprit, out);
	}
	return fault;
}
