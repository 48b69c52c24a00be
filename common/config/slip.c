#include "common/config/slip.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/config/report.h"
#include "common/mail/cidr.h"

/* The place of an IPv4 address in the 16 octets of an address. */
enum { V4_FIRST = 12, V4_OCTETS = 4, V4_BITS = 96 };

static bool is_one_of(struct span text, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		if (span_equal_nocase(text, span_of(words[i])))
			return true;
	return false;
}

const char *config_slip_choice(struct span text, const char *const *words)
{
	static const char *const truths[] = {"yes", "on", "true", "1", "enabled", "enable", "y", NULL};
	static const char *const untruths[] = {"no", "off", "false", "0", "disabled", "disable", "n", "never", NULL};
	static const char *const *const both[] = {truths, untruths};
	struct config_nearest nearest = {.word = text};
	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++)
		for (size_t j = 0; is_one_of(text, both[i]) && words[j]; j++)
			if (is_one_of(span_of(words[j]), both[i]))
				return words[j];
	for (size_t i = 0; words[i]; i++)
		config_nearest_offer(&nearest, words[i]);
	return nearest.name;
}

/* The prefix length of the mask TEXT, 255.255.0.0 or inverted 0.0.255.255. False: it is not a mask, or has fewer than 8
 * bits, so that it may be an address. */
static bool mask_bits(struct span text, unsigned *bits)
{
	struct ipaddr ip;
	uint32_t mask = 0;
	if (!ipaddr_parse(text, &ip) || !ipaddr_is_v4(&ip))
		return false;
	for (size_t i = 0; i < V4_OCTETS; i++)
		mask = mask << 8 | ip.octets[V4_FIRST + i];
	if (mask && !(mask >> 24))
		mask = ~mask;
	*bits = (unsigned)__builtin_popcount(mask);
	return mask >> 24 == UINT8_MAX && (~mask & (~mask + 1)) == 0;
}

bool config_slip_is_mask(struct span text)
{
	unsigned bits;
	return mask_bits(text, &bits);
}

/* Writes the network of ADDRESS with prefix length BITS. */
static void print_network(const struct ipaddr *address, unsigned bits, char *to)
{
	struct ipaddr base = *address;
	char text[IPADDR_TEXT_MAX];
	for (unsigned bit = V4_BITS + bits; bit < 8 * sizeof(base.octets); bit++)
		base.octets[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
	ipaddr_format(&base, text);
	snprintf(to, CONFIG_SLIP_MAX, "%s/%u", text, bits);
}

bool config_slip_masked(struct span address, struct span mask, char to[CONFIG_SLIP_MAX])
{
	struct ipaddr ip;
	unsigned bits;
	if (!mask_bits(mask, &bits) || !ipaddr_parse(address, &ip) || !ipaddr_is_v4(&ip))
		return false;
	print_network(&ip, bits, to);
	return true;
}

bool config_slip_wildcard(struct span text, char to[CONFIG_SLIP_MAX])
{
	struct ipaddr ip = {{[10] = 0xff, [11] = 0xff}};
	unsigned known = 0;
	for (unsigned i = 0; text.len && i < V4_OCTETS; i++) {
		uint64_t octet;
		struct span part = span_take(&text, '.');
		if (span_equal(part, SPAN("*")))
			continue;
		if (known < i || !span_to_u64(part, UINT8_MAX, &octet))
			return false;
		ip.octets[V4_FIRST + known++] = (unsigned char)octet;
	}
	if (!known || known == V4_OCTETS || text.len)
		return false;
	print_network(&ip, 8 * known, to);
	return true;
}

bool config_slip_bracket(struct span text, char to[CONFIG_SLIP_MAX])
{
	if (text.len < 2 || text.at[0] != '[' || text.at[text.len - 1] != ']')
		return false;
	struct span port = {text.at + 1, text.len - 2};
	struct span host = span_take(&port, ':');
	uint64_t number;
	if (!host.len || host.len > UINT8_MAX || !span_to_u64(port, UINT16_MAX, &number))
		return false;
	snprintf(to, CONFIG_SLIP_MAX, "[%.*s]:%.*s", SPAN_ARGS(host), SPAN_ARGS(port));
	return true;
}

/* Names of settings in other programs: the service of Windows, Postfix, Exim, sendmail. */
static const char *const elsewhere[][2] = {
	{"relayhost", "smart_host"},
	{"mynetworks", "relay"},
	{"hostname", "fqdn"},
	{"myhostname", "fqdn"},
	{"mydomain", "default_domain"},
	{"mydestination", "local_domain"},
	{"domain", "default_domain"},
	{"message_size_limit", "max_message_size"},
	{"max_size", "max_message_size"},
	{"hop_count", "max_hops"},
	{"inet_interfaces", "listen"},
	{"port", "listen"},
	{"drop_directory", "drop_dir"},
	{"pickup_directory", "pickup_dir"},
	{"badmail_directory", "badmail_dir"},
	{"masquerade_domains", "masquerade_domain"},
	{"bounce_queue_lifetime", "expire"},
	{"certificate", "tls_certificate"},
};

static bool is_known(enum config_block block, struct span name)
{
	return config_setting_find(block, name) || config_block_find(block, name) != CONFIG_BLOCK_COUNT;
}

const char *config_slip_setting(enum config_block block, struct span name)
{
	struct config_nearest nearest = {.word = name};
	config_nearest_offer(&nearest, "include");
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if (span_equal_nocase(name, span_of(elsewhere[i][0])) && is_known(block, span_of(elsewhere[i][1])))
			return elsewhere[i][1];
	for (size_t i = 0; i < config_setting_count; i++)
		if (config_settings[i].block == block)
			config_nearest_offer(&nearest, config_settings[i].name);
	for (enum config_block inner = 0; inner < CONFIG_BLOCK_COUNT; inner++)
		if (config_block_in(inner, block))
			config_nearest_offer(&nearest, config_blocks[inner].word);
	return nearest.name;
}

static bool is_longer(const struct config_setting *setting, enum config_block block, struct span name)
{
	enum { WORD_MIN = 4 }; /* a shorter word is the beginning of too many names */
	struct span whole = span_of(setting->name);
	return setting->block == block && name.len >= WORD_MIN && whole.len > name.len &&
	       span_starts_nocase(whole, name);
}

bool config_slip_longer(enum config_block block, struct span name, struct str *to)
{
	size_t n = 0, said = 0;
	for (size_t i = 0; i < config_setting_count; i++)
		n += is_longer(&config_settings[i], block, name);
	for (size_t i = 0; i < config_setting_count; i++) {
		if (!is_longer(&config_settings[i], block, name))
			continue;
		const char *separator = said == 0 ? "" : said + 1 == n ? _(" or ") : ", ";
		str_printf(to, "%s%s", separator, config_settings[i].name);
		said++;
	}
	return n > 0;
}
