#include "ctl/import/anonymise.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/hash.h"
#include "ctl/import/iis.h"
#include "ctl/import/iplist.h"
#include "ctl/import/value.h"

enum { WORD_MAX = 255, DIGITS_MAX = 10, HEX_MIN = 16, STRUCTURE_MAX = 4096, V6_KEPT = 2 };

/* A word and its number. */
struct word {
	char *text; /* in lower case; owned */
	unsigned number;
	UT_hash_handle hh;
};

struct copy {
	struct str *to;
	struct word *words;
	unsigned count;
	uint64_t key;
	bool no_memory;
};

/* Words that say nothing about anybody. */
static const char *const common_words[] = {
	"true",    "false",       "inetpub",   "mailroot",   "drop",     "pickup",   "badmail", "queue",
	"windows", "winnt",       "windir",    "systemroot", "system32", "logfiles", "smtp",    "virtual",
	"server",  "default",     "com",       "net",        "org",      "edu",      "gov",     "local",
	"lan",     "ldap",        "localhost", "postmaster", "lm",       "smtpsvc",  "domain",  "routingsources",
	"info",    "systemdrive", "program",   "files",      "gssapi",   "ntlm",     "removed", "smtpsvc1"};

static bool is_flag(struct span word, const struct value_flag *table)
{
	for (; table->word; table++)
		if (span_equal_nocase(word, span_of(table->word)))
			return true;
	return false;
}

static bool is_common(struct span word)
{
	for (size_t i = 0; i < sizeof(common_words) / sizeof(common_words[0]); i++)
		if (span_equal_nocase(word, span_of(common_words[i])))
			return true;
	return word.len == 1 || span_starts(word, SPAN("IIsSmtp")) || is_flag(word, value_auth_flags) ||
	       is_flag(word, value_ssl_flags) || is_flag(word, value_log_flags) ||
	       span_ends_nocase(word, SPAN("-DE82-11CF-BC0A-00AA006111E0"));
}

/* A number; "-1" is one. */
static bool is_digits(struct span word)
{
	word = span_skip(word, span_starts(word, SPAN("-")));
	for (size_t i = 0; i < word.len; i++)
		if (!isdigit((unsigned char)word.at[i]))
			return false;
	return word.len <= DIGITS_MAX;
}

/* The number of a word; the same for the same word in any case. */
static unsigned number_of(struct copy *c, struct span text)
{
	char lower[WORD_MAX + 1];
	struct word *word;
	size_t len = text.len < WORD_MAX ? text.len : WORD_MAX;
	for (size_t i = 0; i < len; i++)
		lower[i] = (char)tolower((unsigned char)text.at[i]);
	lower[len] = '\0';
	HASH_FIND_STR(c->words, lower, word);
	if (word)
		return word->number;
	word = calloc(1, sizeof(*word));
	if (!word || !(word->text = strdup(lower))) {
		free(word);
		c->no_memory = true;
		return 0;
	}
	word->number = ++c->count;
	HASH_ADD_KEYPTR(hh, c->words, word->text, len, word);
	if (!HASH_ADDED(word)) {
		free(word->text);
		free(word);
		c->no_memory = true;
	}
	return c->count;
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* How many of the first bits of an address stay: those that make it private. */
static unsigned kept_bits(uint32_t ip)
{
	if (ip >> 24 == 127 || ip == 0)
		return 32;
	if (ip >> 24 == 10)
		return 8;
	if (ip >> 20 == 0xac1)
		return 12;
	return ip >> 16 == 0xc0a8 || ip >> 16 == 0xa9fe ? 16 : 0;
}

/* Bit by bit: whether a bit is flipped depends on the key and on the bits before it. */
static uint32_t change_address(const struct copy *c, uint32_t ip)
{
	uint32_t out = ip;
	for (unsigned bit = kept_bits(ip); bit < 32; bit++) {
		uint64_t before = bit ? ip >> (32 - bit) : 0;
		if (mix(c->key ^ mix(before << 6 | bit)) & 1)
			out ^= UINT32_C(1) << (31 - bit);
	}
	return out;
}

static bool is_mask(uint32_t value)
{
	return value >> 24 == 255 && !(~value & (~value + 1));
}

/* An IPv4 address at the beginning of TEXT; *len is its length. */
static bool starts_address(struct span text, uint32_t *ip, size_t *len)
{
	uint32_t value = 0;
	size_t at = 0;
	for (int part = 0; part < 4; part++) {
		size_t start = at;
		uint64_t octet;
		while (at < text.len && isdigit((unsigned char)text.at[at]))
			at++;
		if (!span_to_u64((struct span){text.at + start, at - start}, 255, &octet))
			return false;
		value = value << 8 | (uint32_t)octet;
		if (part < 3 && (at == text.len || text.at[at++] != '.'))
			return false;
	}
	*ip = value;
	*len = at;
	return true;
}

/* Octet by octet, so that addresses with a common prefix keep one; the first V6_KEPT say what kind of address it is. */
static void change_address6(const struct copy *c, struct ipaddr *ip)
{
	uint64_t before = c->key;
	for (size_t i = 0; i < sizeof(ip->octets); i++) {
		unsigned char octet = ip->octets[i];
		if (i >= V6_KEPT)
			ip->octets[i] = (unsigned char)(octet ^ mix(before));
		before = mix(before ^ octet);
	}
}

static bool is_word_octet(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || (c & 0x80);
}

/* An octet between words, as XML. */
static void put_separator(struct str *to, char c)
{
	if (strchr("<>&\"\n\r\t", c))
		str_printf(to, "&#%d;", c);
	else
		str_append_c(to, c);
}

static void put_word(struct copy *c, struct span word)
{
	if (is_digits(word) || is_common(word))
		str_append(c->to, word);
	else
		str_printf(c->to, "n%u", number_of(c, word));
}

/* Takes an IPv4 address off the beginning of TEXT, and the hyphen of a range behind it. */
static bool put_address(struct copy *c, struct span *text)
{
	uint32_t ip;
	size_t len;
	if (!starts_address(*text, &ip, &len))
		return false;
	uint32_t to = is_mask(ip) ? ip : change_address(c, ip);
	str_printf(c->to, "%u.%u.%u.%u", to >> 24, to >> 16 & 255, to >> 8 & 255, to & 255);
	*text = span_skip(*text, len);
	if (span_starts(*text, SPAN("-"))) {
		str_append_c(c->to, '-');
		*text = span_skip(*text, 1);
	}
	return true;
}

/* Takes an IPv6 address off the beginning of TEXT; "::", "::1" and what else begins with zeros is none. */
static bool put_address6(struct copy *c, struct span *text)
{
	struct span whole = {text->at, 0};
	struct ipaddr ip;
	char to[IPADDR_TEXT_MAX];
	while (whole.len < text->len && whole.len < IPADDR_TEXT_MAX &&
	       (isxdigit((unsigned char)text->at[whole.len]) || strchr(":.", text->at[whole.len])))
		whole.len++;
	if (span_find(whole, ':') == whole.len || !ipaddr_parse(whole, &ip) || (!ip.octets[0] && !ip.octets[1]))
		return false;
	change_address6(c, &ip);
	ipaddr_format(&ip, to);
	str_append_text(c->to, to);
	*text = span_skip(*text, whole.len);
	return true;
}

static void put_text(struct copy *c, struct span text)
{
	while (text.len) {
		size_t len = 0;
		if (put_address6(c, &text) || put_address(c, &text))
			continue;
		while (len < text.len && is_word_octet(text.at[len]))
			len++;
		if (len)
			put_word(c, (struct span){text.at, len});
		else
			put_separator(c->to, text.at[0]);
		text = span_skip(text, len ? len : 1);
	}
}

static void put_hex(struct copy *c, struct span data)
{
	for (size_t i = 0; i < data.len; i++)
		str_printf(c->to, "%02x", (unsigned char)data.at[i]);
}

static void change_entries(const struct copy *c, const struct iplist *list, struct str *data)
{
	for (size_t i = 0; i < list->count; i++) {
		uint32_t ip = change_address(c, list->entries[i].address);
		/* A network keeps its zeros. */
		if (!(list->entries[i].address & ~list->entries[i].mask))
			ip &= list->entries[i].mask;
		for (int part = 0; part < 4; part++)
			data->at[list->entries[i].at + (size_t)part] = (char)(ip >> (24 - 8 * part));
	}
}

/* Of a list that can't be read, or has names, only what may be its structure stays: small numbers and offsets. */
static void hide_data(struct str *data)
{
	for (size_t at = 0; at < data->len; at += 4) {
		const unsigned char *p = (const unsigned char *)data->at + at;
		uint32_t value = UINT32_MAX;
		size_t n = data->len - at < 4 ? data->len - at : 4;
		if (n == 4)
			value = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)(p[3] & 0x7f) << 24;
		if (value > STRUCTURE_MAX)
			memset(data->at + at, 0xaa, n);
	}
}

static void put_list(struct copy *c, const char *value)
{
	struct iplist list;
	struct str data;
	str_init(&data, IPLIST_OCTETS_MAX);
	if (!value_binary(value, &data)) {
		str_free(&data);
		put_text(c, span_of(value));
		return;
	}
	iplist_read(str_span(&data), &list);
	if (list.why || list.names)
		hide_data(&data);
	else
		change_entries(c, &list, &data);
	put_hex(c, str_span(&data));
	iplist_free(&list);
	str_free(&data);
}

/* A long row of hexadecimal digits: a certificate, an access control list, an encrypted value. */
static bool is_hex(const char *value)
{
	size_t len = strlen(value);
	return len >= HEX_MIN && strspn(value, "0123456789abcdefABCDEFx") == len;
}

static void put_value(struct copy *c, const struct metabase_property *p)
{
	const struct iis_row *row = iis_row_of(p);
	if (row == &iis_rows[IIS_RelayIpList] || row == &iis_rows[IIS_IPSecurity])
		put_list(c, p->value);
	else if (p->secure || (row && row->take == IIS_SECRET) || is_hex(p->value))
		str_append_text(c->to, p->value[0] ? "(removed)" : "");
	else
		put_text(c, span_of(p->value));
}

/* The name of a property: one of the schema, or a number. */
static void put_name(struct copy *c, const struct metabase_property *p)
{
	static const char unknown[] = "UnknownName_";
	const struct iis_row *row = iis_row_of(p);
	if (row)
		str_append_text(c->to, row->property);
	else if (!strncmp(p->name, unknown, strlen(unknown)) && is_digits(span_of(p->name + strlen(unknown))))
		str_append_text(c->to, p->name);
	else
		str_printf(c->to, "Property%u", number_of(c, span_of(p->name)));
}

static void put_attribute(struct copy *c, const struct metabase_property *p)
{
	str_append_text(c->to, "\n\t");
	put_name(c, p);
	str_append_text(c->to, "=\"");
	put_value(c, p);
	str_append_c(c->to, '"');
}

static void put_custom(struct copy *c, const struct metabase_property *p)
{
	str_append_text(c->to, "\t<Custom Name=\"");
	put_name(c, p);
	str_append_c(c->to, '"');
	if (p->id)
		str_printf(c->to, " ID=\"%u\"", p->id);
	str_append_text(c->to, " Value=\"");
	put_value(c, p);
	str_printf(c->to, "\" Attributes=\"%s%s%s\"/>\n", p->secure ? "SECURE" : "",
		   p->secure && p->inherits ? " | " : "",
		   p->inherits ? "INHERIT"
		   : p->secure ? ""
			       : "NO_ATTRIBUTES");
}

static void put_key(struct copy *c, const struct metabase_key *key)
{
	bool known = strncmp(key->element, "IIs", 3) == 0 && strlen(key->element) < 40 &&
		     !key->element[strspn(key->element, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")];
	const char *element = known ? key->element : "IIsConfigObject";
	str_printf(c->to, "<%s Location=\"", element);
	put_text(c, span_of(key->location));
	str_append_c(c->to, '"');
	for (size_t i = 0; i < key->count; i++)
		if (!key->properties[i].custom)
			put_attribute(c, &key->properties[i]);
	str_append_text(c->to, ">\n");
	for (size_t i = 0; i < key->count; i++)
		if (key->properties[i].custom)
			put_custom(c, &key->properties[i]);
	str_printf(c->to, "</%s>\n", element);
}

bool anonymise(const struct metabase *metabase, uint64_t key, struct str *to)
{
	struct copy c = {.to = to, .key = key};
	struct word *word, *next;
	str_append_text(to,
			"<?xml version=\"1.0\"?>\n<configuration xmlns=\"urn:microsoft-catalog:XML_Metabase_V64_0\">\n"
			"<MBProperty>\n");
	for (size_t i = 0; i < metabase->count; i++)
		put_key(&c, metabase->keys[i]);
	str_append_text(to, "</MBProperty>\n</configuration>\n");
	HASH_ITER(hh, c.words, word, next)
	{
		HASH_DEL(c.words, word);
		free(word->text);
		free(word);
	}
	return !c.no_memory && !to->failed;
}
