#include "delivery/web/pin.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/fd.h"
#include "common/config/types.h"
#include "common/ipc/hosts.h"
#include "common/ipc/ipc.h"

enum { SOCKET_BUFFER = 64 * 1024 };

static bool copy_part(CURLU *url, CURLUPart part, unsigned flags, char *to, size_t size)
{
	char *text = NULL;
	bool good = curl_url_get(url, part, &text, flags) == CURLUE_OK && span_copy(span_of(text), to, size);
	curl_free(text);
	return good;
}

/* [2001:db8::1] -> 2001:db8::1 */
static void strip_brackets(char *host)
{
	size_t n = strlen(host);
	if (n < 2 || host[0] != '[' || host[n - 1] != ']')
		return;
	memmove(host, host + 1, n - 2);
	host[n - 2] = '\0';
}

static bool take_apart(CURLU *url, const char *wanted, struct pin *out)
{
	char scheme[16], port[8], user[8];
	struct ipaddr ip;
	uint64_t number;
	if (!copy_part(url, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) || strcasecmp(scheme, wanted) != 0 ||
	    copy_part(url, CURLUPART_USER, 0, user, sizeof(user)) ||
	    !copy_part(url, CURLUPART_HOST, 0, out->host, sizeof(out->host)) ||
	    !copy_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port)) ||
	    !span_to_u64(span_of(port), UINT16_MAX, &number) || !number)
		return false;
	strip_brackets(out->host);
	out->port = (uint16_t)number;
	out->literal = ipaddr_parse(span_of(out->host), &ip);
	return out->host[0];
}

bool pin_url(const char *text, const char *scheme, struct pin *out)
{
	CURLU *url = curl_url();
	*out = (struct pin){0};
	bool good = url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK && take_apart(url, scheme, out);
	curl_url_cleanup(url);
	return good;
}

int pin_ask(int link, const struct pin *pin)
{
	struct str packet;
	int ends[2];
	int err = ipc_pair(ends, SOCKET_BUFFER);
	if (err)
		return err;
	/* Issuers of companies have private addresses, as their proxies do. */
	const struct wire_resolve question = {
		.name = span_of(pin->host), .port = pin->port, .mx = false, .private_mx = CONFIG_YES};
	str_init(&packet, WIRE_PACKET_MAX);
	err = wire_encode_resolve(&question, &packet) ? ipc_send(link, str_span(&packet), &ends[1], 1) : -EINVAL;
	str_free(&packet);
	fd_close(&ends[1]);
	if (err)
		fd_close(&ends[0]);
	return err ? err : ends[0];
}

static size_t append_addresses(struct span hosts, struct str *to)
{
	char address[IPADDR_TEXT_MAX];
	struct host host;
	size_t n = 0;
	for (; n < PIN_ADDRESSES && hosts_next(&hosts, &host) == 1; n++) {
		ipaddr_format(&host.ip, address);
		str_printf(to, ipaddr_is_v4(&host.ip) ? "%s%s" : "%s[%s]", n ? "," : "", address);
	}
	return n;
}

bool pin_answer(const struct pin *pin, struct span packet, struct str *to, char *why, size_t size)
{
	char text[200];
	struct wire_resolved answer;
	if (!wire_admit(WIRE_LINK_names, WIRE_DOWN, packet) || !wire_decode_resolved(packet, &answer)) {
		snprintf(why, size, "the resolver sent a malformed answer about %s", pin->host);
		return false;
	}
	str_printf(to, "%s:%u:", pin->host, pin->port);
	if (answer.event == 0 && append_addresses(answer.hosts, to))
		return !to->failed;
	span_clean(answer.text, text, sizeof(text));
	snprintf(why, size, "can't find the addresses of %s: %s", pin->host, text);
	return false;
}
