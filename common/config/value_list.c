#include "common/config/value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/config/slip.h"

enum { SMTP_PORT = 25, SUBMISSIONS_PORT = 465, DNS_PORT = 53, METRICS_PORT = 9925, FINGERPRINT_DIGITS = 64 };

/* The same with the correct text CURE. */
static bool refuse_with(struct config_parse *parse, const struct config_item *item, const char *why, const char *cure)
{
	config_error(parse->findings, item->at, _("\"%.*s\" in %s: %s: write %s"), SPAN_ARGS(item->text),
		     parse->setting->name, _(why), cure);
	return false;
}

/*
 * Every list function below keeps the valid entries in the list, so that later checks can find errors in them too.
 */

bool config_list_durations(struct config_parse *parse, void *to)
{
	struct config_durations *list = to;
	size_t n;
	list->n = 0;
	list->ms = config_value_entries(parse, sizeof(*list->ms), &n);
	for (size_t i = 0; i < n; i++)
		list->n += config_value_duration(parse, &parse->items[i], &list->ms[list->n]);
	return list->n == n;
}

bool config_list_names(struct config_parse *parse, void *to)
{
	struct config_words *list = to;
	size_t n;
	list->n = 0;
	list->at = config_value_entries(parse, sizeof(*list->at), &n);
	for (size_t i = 0; i < n; i++)
		list->n += (list->at[list->n] = config_value_user(parse, &parse->items[i])) != NULL;
	return list->n == n;
}

/* Realms have no blanks, and none of the characters that separate the parts of a principal. */
static const char *realm(struct config_parse *parse, const struct config_item *item)
{
	bool good = item->text.len <= CONFIG_REALM_MAX;
	for (size_t i = 0; i < item->text.len; i++)
		good &= item->text.at[i] > ' ' && item->text.at[i] <= '~' && !strchr("@/\\:", item->text.at[i]);
	if (good)
		return config_value_keep(parse, item->text);
	config_value_refuse(parse, item, N_("no realm can have this name"));
	return NULL;
}

bool config_list_realms(struct config_parse *parse, void *to)
{
	struct config_words *list = to;
	size_t n;
	list->n = 0;
	list->at = config_value_entries(parse, sizeof(*list->at), &n);
	for (size_t i = 0; i < n; i++)
		list->n += (list->at[list->n] = realm(parse, &parse->items[i])) != NULL;
	return list->n == n;
}

bool config_list_addresses(struct config_parse *parse, void *to)
{
	struct config_words *list = to;
	size_t n;
	list->n = 0;
	list->at = config_value_entries(parse, sizeof(*list->at), &n);
	for (size_t i = 0; i < n; i++)
		list->n += (list->at[list->n] = config_value_address(parse, &parse->items[i])) != NULL;
	return list->n == n;
}

/* TEXT can't be a name: it has a colon or a slash, or ends in a label of digits. */
static bool is_address(struct span text)
{
	size_t start = text.len;
	while (start && text.at[start - 1] >= '0' && text.at[start - 1] <= '9')
		start--;
	return span_find(text, ':') < text.len || span_find(text, '/') < text.len ||
	       (start < text.len && (!start || text.at[start - 1] == '.'));
}

/* Reports item I if it is a network mask after an address, as in the dialog of the Windows service. */
static bool refuse_mask(struct config_parse *parse, size_t i)
{
	const struct config_item *item = &parse->items[i];
	char network[CONFIG_SLIP_MAX];
	if (!config_slip_is_mask(item->text))
		return false;
	if (parse->setting->type != CONFIG_CLIENTS)
		config_value_refuse(parse, item, N_("a network mask is not allowed here: write only addresses"));
	else if (config_value_follows(parse, i) && config_slip_masked(item[-1].text, item->text, network))
		refuse_with(parse, item, N_("a network mask follows a slash"), network);
	else
		config_value_refuse(parse, item,
				    N_("a network mask follows an address and a slash, as in 10.2.0.0/255.255.0.0"));
	return true;
}

/* Reports the syntax of other programs, with the correct text. True: it was reported. */
static bool refuse_client(struct config_parse *parse, const struct config_item *item)
{
	struct span text = item->text;
	char cure[CONFIG_SLIP_MAX];
	if (config_slip_wildcard(text, cure))
		return !refuse_with(parse, item, N_("a network is written with its prefix length"), cure);
	if (text.len > 2 && text.at[0] == '[' && text.at[text.len - 1] == ']') {
		snprintf(cure, sizeof(cure), "%.*s", (int)(text.len - 2), text.at + 1);
		return !refuse_with(parse, item, N_("clients are written without brackets"), cure);
	}
	struct span last = text, first = span_take(&last, '-');
	struct ipaddr ip;
	if (last.len && ipaddr_parse(first, &ip))
		return !config_value_refuse(parse, item,
					    N_("a range is not allowed here: write a network such as 10.0.0.0/24"));
	return false;
}

static bool parse_client(struct config_parse *parse, const struct config_item *item, struct config_client *out)
{
	const char *why = N_("not an address or a network");
	if (refuse_client(parse, item))
		return false;
	*out = (struct config_client){.text = config_value_keep(parse, item->text), .origin = item->origin};
	if (is_address(item->text))
		return cidr_parse(item->text, &out->net, &why) || config_value_refuse(parse, item, why);
	out->name = config_value_pattern(parse, item);
	return out->name != NULL;
}

bool config_list_clients(struct config_parse *parse, void *to)
{
	struct config_clients *list = to;
	size_t n;
	list->n = 0;
	list->at = config_value_entries(parse, sizeof(*list->at), &n);
	for (size_t i = 0; i < n; i++)
		list->n += !refuse_mask(parse, i) && parse_client(parse, &parse->items[i], &list->at[list->n]);
	return list->n == n;
}

/* HOST[:PORT] in its parts. */
struct host_port {
	struct span host; /* without brackets */
	bool bracketed;
	uint16_t port; /* 0 = not written */
};

static bool parse_port(struct config_parse *parse, const struct config_item *item, struct span text, uint16_t *out)
{
	uint64_t port;
	if (!span_to_u64(text, UINT16_MAX, &port) || !port)
		return config_value_refuse(parse, item, N_("a port is a number from 1 to 65535"));
	*out = (uint16_t)port;
	return true;
}

static bool split_host_port(struct config_parse *parse, const struct config_item *item, struct host_port *out)
{
	struct span text = item->text, rest;
	char cure[CONFIG_SLIP_MAX];
	struct ipaddr ip;
	*out = (struct host_port){.bracketed = span_starts(text, SPAN("["))};
	if (ipaddr_parse(text, &ip) && span_find(text, ':') < text.len)
		return config_value_refuse(parse, item,
					   N_("an IPv6 address needs brackets: [2001:db8::1], [2001:db8::1]:25"));
	if (config_slip_bracket(text, cure))
		return refuse_with(parse, item, N_("the port follows the bracket"), cure);
	size_t end = span_find(text, out->bracketed ? ']' : ':');
	if (out->bracketed && end == text.len)
		return config_value_refuse(parse, item, N_("] is missing"));
	out->host = (struct span){text.at + out->bracketed, end - out->bracketed};
	rest = span_skip(text, end + out->bracketed);
	if (!rest.len)
		return true;
	if (rest.at[0] != ':')
		return config_value_refuse(parse, item, N_("only :PORT may follow ]"));
	return parse_port(parse, item, span_skip(rest, 1), &out->port);
}

static bool parse_endpoint(struct config_parse *parse, const struct config_item *item, bool star, uint16_t port,
			   struct config_endpoint *out)
{
	struct host_port parts;
	if (!split_host_port(parse, item, &parts))
		return false;
	out->any = star && !parts.bracketed && span_equal(parts.host, SPAN("*"));
	out->port = parts.port ? parts.port : port;
	out->text = config_value_keep(parse, item->text);
	out->origin = item->origin;
	if (out->any || ipaddr_parse(parts.host, &out->ip))
		return true;
	return config_value_refuse(parse, item, star ? N_("not an address, and not *") : N_("not an address"));
}

static bool parse_endpoints(struct config_parse *parse, bool star, uint16_t port, struct config_endpoints *list)
{
	size_t n;
	list->n = 0;
	list->at = config_value_entries(parse, sizeof(*list->at), &n);
	for (size_t i = 0; i < n; i++)
		list->n += !refuse_mask(parse, i) &&
			   parse_endpoint(parse, &parse->items[i], star, port, &list->at[list->n]);
	return list->n == n;
}

bool config_value_follows(const struct config_parse *parse, size_t i)
{
	const struct config_item *item = &parse->items[i];
	return i && item->origin.token && item->origin.token == item[-1].origin.token + 1;
}

/* Parses an address and the words after it on its line. *i moves to the last word. */
static bool parse_listen(struct config_parse *parse, size_t *i, struct config_endpoint *out)
{
	const struct config_item *item = &parse->items[*i];
	bool tls = false, proxy = false, good = true;
	for (; *i + 1 < parse->n && config_value_follows(parse, *i + 1); ++*i) {
		const struct config_item *word = &parse->items[*i + 1];
		if (span_equal_nocase(word->text, SPAN("tls")))
			tls = true;
		else if (span_equal_nocase(word->text, SPAN("proxy")))
			proxy = true;
		else
			good = config_value_refuse(parse, word,
						   N_("one address per line, and after it only tls and proxy"));
	}
	good = parse_endpoint(parse, item, true, tls ? SUBMISSIONS_PORT : SMTP_PORT, out) && good;
	out->tls = tls;
	out->proxy = proxy;
	return good;
}

bool config_list_listen(struct config_parse *parse, void *to)
{
	struct config_endpoints *list = to;
	bool good = true;
	size_t n;
	list->n = 0;
	list->at = config_value_entries(parse, sizeof(*list->at), &n);
	for (size_t i = 0; i < n; i++) {
		bool taken = parse_listen(parse, &i, &list->at[list->n]);
		list->n += taken;
		good = good && taken;
	}
	return good;
}

bool config_list_endpoints(struct config_parse *parse, void *to)
{
	return parse_endpoints(parse, false, DNS_PORT, to);
}

bool config_list_web(struct config_parse *parse, void *to)
{
	return parse_endpoints(parse, false, METRICS_PORT, to);
}

static bool parse_host(struct config_parse *parse, const struct config_item *item, struct config_host *out)
{
	struct host_port parts;
	char cure[CONFIG_SLIP_MAX];
	if (span_find(item->text, ',') < item->text.len)
		return config_value_refuse(parse, item, N_("separate hosts with spaces"));
	size_t scheme = span_find(item->text, '/');
	if (scheme + 2 < item->text.len && item->text.at[scheme + 1] == '/') {
		snprintf(cure, sizeof(cure), _("%.*s, without %.*s"), (int)(item->text.len - scheme - 2),
			 item->text.at + scheme + 2, (int)(scheme + 2), item->text.at);
		return refuse_with(parse, item, N_("a host is not a URL"), cure);
	}
	if (!split_host_port(parse, item, &parts))
		return false;
	out->port = parts.port;
	out->origin = item->origin;
	if (ipaddr_parse(parts.host, &out->ip)) {
		out->kind = CONFIG_HOST_IP;
		out->name = config_value_keep(parse, parts.host);
		return true;
	}
	struct config_item name = *item;
	name.text = parts.host;
	out->kind = parts.bracketed ? CONFIG_HOST_NAME : CONFIG_HOST_MX;
	out->name = config_value_domain(parse, &name);
	return out->name != NULL;
}

/* Parses "weight N" after the host of item *i, on its line. *i moves to the last word. */
static bool parse_weight(struct config_parse *parse, size_t *i, struct config_host *out)
{
	size_t at = *i + 1;
	uint64_t weight;
	if (at >= parse->n || !config_value_follows(parse, at) ||
	    !span_equal_nocase(parse->items[at].text, SPAN("weight")))
		return true;
	bool number = at + 1 < parse->n && config_value_follows(parse, at + 1);
	*i = number ? at + 1 : at;
	if (!number || !span_to_u64(parse->items[at + 1].text, CONFIG_WEIGHT_MAX, &weight) || !weight)
		return config_value_refuse(parse, &parse->items[*i],
					   N_("weight takes a number from 1 to 1000, the share of connections"));
	out->weight = (uint16_t)weight;
	return true;
}

bool config_list_hosts(struct config_parse *parse, void *to)
{
	struct config_hosts *list = to;
	bool good = true;
	size_t n;
	list->n = 0;
	list->at = config_value_entries(parse, sizeof(*list->at), &n);
	for (size_t i = 0; i < n; i++) {
		struct config_host *host = &list->at[list->n];
		bool taken = !refuse_mask(parse, i) && parse_host(parse, &parse->items[i], host);
		good = parse_weight(parse, &i, host) && taken && good;
		list->n += taken;
	}
	return good;
}

bool config_list_route(struct config_parse *parse, void *to)
{
	struct config_route *route = to;
	*route = (struct config_route){0};
	for (size_t i = 0; i < parse->n; i++) {
		if (!span_equal_nocase(parse->items[i].text, SPAN("dns")))
			continue;
		if (parse->n > 1)
			return config_value_refuse(parse, &parse->items[i], N_("dns must stand alone, without hosts"));
		route->dns = true;
		return true;
	}
	return config_list_hosts(parse, &route->hosts);
}

/* Two paths per line. */
bool config_list_certificates(struct config_parse *parse, void *to)
{
	struct config_certificates *list = to;
	size_t n;
	list->n = 0;
	list->at = config_value_entries(parse, sizeof(*list->at), &n);
	for (size_t i = 0; i < n; i += 2) {
		struct config_item *items = (struct config_item *)&parse->items[i];
		struct config_certificate *out = &list->at[list->n];
		if (i + 1 == n || (items[0].origin.token && !config_value_follows(parse, i + 1)))
			return config_value_refuse(parse, items,
						   N_("the key is missing: write CERTIFICATE KEY, two absolute paths"));
		if (i && config_value_follows(parse, i))
			return config_value_refuse(parse, items, N_("one certificate and its key per line"));
		out->certificate = config_value_path(parse, &items[0]);
		out->key = config_value_path(parse, &items[1]);
		out->origin = items[0].origin;
		if (!out->certificate || !out->key)
			return false;
		list->n++;
	}
	return true;
}

/* Stored as 64 lower case digits. */
static const char *parse_fingerprint(struct config_parse *parse, const struct config_item *item)
{
	char digits[FINGERPRINT_DIGITS];
	size_t n = 0;
	for (size_t i = 0; i < item->text.len; i++) {
		unsigned char c = (unsigned char)item->text.at[i];
		if (c == ':')
			continue;
		if (!isxdigit(c) || n == FINGERPRINT_DIGITS) {
			n = 0;
			break;
		}
		digits[n++] = (char)tolower(c);
	}
	if (n == FINGERPRINT_DIGITS)
		return config_value_keep(parse, (struct span){digits, n});
	config_value_refuse(parse, item,
			    N_("not a SHA-256 digest: openssl x509 -noout -fingerprint -sha256 -in FILE shows it"));
	return NULL;
}

static const char *parse_source(struct config_parse *parse, const struct config_item *item, bool seen[2])
{
	char text[IPADDR_TEXT_MAX];
	struct ipaddr ip;
	if (!ipaddr_parse(item->text, &ip)) {
		config_value_refuse(parse, item, N_("write an address such as 192.0.2.1 or 2001:db8::1"));
		return NULL;
	}
	if (seen[ipaddr_is_v4(&ip)]) {
		config_value_refuse(parse, item, N_("only one IPv4 and one IPv6 address are allowed"));
		return NULL;
	}
	seen[ipaddr_is_v4(&ip)] = true;
	ipaddr_format(&ip, text);
	return config_value_keep(parse, span_of(text));
}

bool config_list_sources(struct config_parse *parse, void *to)
{
	struct config_words *list = to;
	bool seen[2] = {false};
	size_t n;
	list->n = 0;
	list->at = config_value_entries(parse, sizeof(*list->at), &n);
	for (size_t i = 0; i < n; i++)
		list->n += (list->at[list->n] = parse_source(parse, &parse->items[i], seen)) != NULL;
	return list->n == n;
}

bool config_list_fingerprints(struct config_parse *parse, void *to)
{
	struct config_words *list = to;
	size_t n;
	list->n = 0;
	list->at = config_value_entries(parse, sizeof(*list->at), &n);
	for (size_t i = 0; i < n; i++)
		list->n += (list->at[list->n] = parse_fingerprint(parse, &parse->items[i])) != NULL;
	return list->n == n;
}
