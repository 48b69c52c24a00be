#include "common/mail/dnsbl.h"

#include <stdio.h>
#include <string.h>

enum { KEY_MIN = 16, RECORD_TEXT_MAX = 16 };

static const char key_shown[] = "***";

bool dnsbl_name(const struct ipaddr *ip, struct span zone, char to[DOMAIN_MAX + 1])
{
	char reversed[IPADDR_REVERSED_MAX];
	ipaddr_reverse(ip, reversed);
	int len = snprintf(to, DOMAIN_MAX + 1, "%s.%.*s", reversed, SPAN_ARGS(zone));
	bool fits = len >= 0 && len <= DOMAIN_MAX;
	if (!fits)
		to[0] = '\0';
	return fits;
}

enum dnsbl_sense dnsbl_sense(const unsigned char octets[4])
{
	if (octets[0] != 127 || memcmp(octets, "\x7f\0\0\1", 4) == 0)
		return DNSBL_INVENTION;
	return octets[1] == 255 && octets[2] == 255 ? DNSBL_REFUSAL : DNSBL_LISTING;
}

enum dnsbl_sense dnsbl_answer_sense(const struct dnsbl_answer *answer)
{
	enum dnsbl_sense worst = DNSBL_LISTING;
	for (size_t i = 0; i < answer->n; i++) {
		enum dnsbl_sense sense = dnsbl_sense(answer->at[i]);
		if (sense > worst)
			worst = sense;
	}
	return worst;
}

void dnsbl_answer_add(struct dnsbl_answer *answer, struct span rdata)
{
	if (rdata.len == 4 && answer->n < DNSBL_RECORDS_MAX)
		memcpy(answer->at[answer->n++], rdata.at, 4);
}

void dnsbl_answer_append(const struct dnsbl_answer *answer, struct str *to)
{
	if (!answer->answered || !answer->n)
		str_append_text(to, answer->answered ? "-" : "?");
	for (size_t i = 0; answer->answered && i < answer->n; i++)
		str_printf(to, "%s%u.%u.%u.%u", i ? "," : "", answer->at[i][0], answer->at[i][1], answer->at[i][2],
			   answer->at[i][3]);
}

/* An IPv4 address in its only spelling. */
static bool parse_record(struct span text, unsigned char octets[4])
{
	char again[RECORD_TEXT_MAX];
	struct ipaddr ip;
	if (!ipaddr_parse(text, &ip) || !ipaddr_is_v4(&ip))
		return false;
	memcpy(octets, ip.octets + 12, 4);
	snprintf(again, sizeof(again), "%u.%u.%u.%u", octets[0], octets[1], octets[2], octets[3]);
	return span_equal(text, span_of(again));
}

static bool parse_answer(struct span text, struct dnsbl_answer *out)
{
	*out = (struct dnsbl_answer){.answered = !span_equal(text, SPAN("?"))};
	if (!out->answered || span_equal(text, SPAN("-")))
		return true;
	size_t records = 1;
	for (size_t i = 0; i < text.len; i++)
		records += text.at[i] == ',';
	if (records > DNSBL_RECORDS_MAX)
		return false;
	for (; out->n < records; out->n++)
		if (!parse_record(span_take(&text, ','), out->at[out->n]))
			return false;
	return true;
}

bool dnsbl_answers_parse(struct span text, struct dnsbl_answer *out, size_t n)
{
	size_t words = text.len ? 1 : 0;
	for (size_t i = 0; i < text.len; i++)
		words += text.at[i] == ' ';
	if (words != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!parse_answer(span_take(&text, ' '), &out[i]))
			return false;
	return true;
}

/* Joins the strings of a TXT record. Returns the octets in TO. */
static size_t join(struct span rdata, char *to, size_t max)
{
	size_t len = 0;
	while (rdata.len) {
		size_t octets = (unsigned char)rdata.at[0];
		rdata = span_skip(rdata, 1);
		for (size_t i = 0; i < octets && i < rdata.len && len < max; i++)
			to[len++] = rdata.at[i] < ' ' || rdata.at[i] > '~' ? '?' : rdata.at[i];
		rdata = span_skip(rdata, octets);
	}
	return len;
}

/* Resolvers may change the case of the name that a list repeats. */
static bool has_key(struct span text, struct span key)
{
	for (; key.len && text.len; text = span_skip(text, 1))
		if (span_starts_nocase(text, key))
			return true;
	return false;
}

/* What is searched is longer than what is used: the cut may be within a key. */
void dnsbl_text(struct span rdata, struct span zone, char to[DNSBL_TEXT_MAX + 1])
{
	char text[DNSBL_TEXT_MAX + DOMAIN_LABEL_MAX];
	size_t len = join(rdata, text, sizeof(text));
	if (has_key((struct span){text, len}, dnsbl_key(zone)))
		len = 0;
	span_copy((struct span){text, len < DNSBL_TEXT_MAX ? len : DNSBL_TEXT_MAX}, to, DNSBL_TEXT_MAX + 1);
}

struct span dnsbl_key(struct span zone)
{
	size_t len = span_find(zone, '.');
	return len >= KEY_MIN && len < zone.len ? (struct span){zone.at, len} : (struct span){NULL, 0};
}

void dnsbl_shown(struct span zone, char to[DOMAIN_MAX + 1])
{
	struct span key = dnsbl_key(zone), rest = span_skip(zone, key.len);
	snprintf(to, DOMAIN_MAX + 1, "%s%.*s", key.len ? key_shown : "", SPAN_ARGS(rest));
}
