#include "common/mail/msgid.h"

#include <stdio.h>
#include <string.h>

enum { TIME_CHARS = 8, BITS = 5 };
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Writes the lowest 5 * CHARS bits of VALUE. */
static void encode(uint64_t value, size_t chars, char *to)
{
	while (chars--) {
		to[chars] = alphabet[value & 31];
		value >>= BITS;
	}
}

/* The value of a character, or 32. */
static unsigned decode(char c)
{
	const char *found = c ? strchr(alphabet, c) : NULL;
	return found ? (unsigned)(found - alphabet) : 32;
}

void msgid_make(int64_t wall_ms, const unsigned char *random, char *to)
{
	encode(wall_ms < 0 ? 0 : (uint64_t)wall_ms / 1000, TIME_CHARS, to);
	for (size_t half = 0; half < 2; half++) {
		uint64_t value = 0;
		for (size_t i = 0; i < MSGID_RANDOM / 2; i++)
			value = value << 8 | random[half * (MSGID_RANDOM / 2) + i];
		encode(value, 8, to + TIME_CHARS + half * 8);
	}
	to[MSGID_LEN] = '\0';
}

int64_t msgid_time(const char *id)
{
	int64_t seconds = 0;
	for (size_t i = 0; i < TIME_CHARS && id[i]; i++)
		seconds = seconds << BITS | (decode(id[i]) & 31);
	return seconds;
}

bool msgid_valid(struct span id)
{
	if (id.len != MSGID_LEN)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (decode(id.at[i]) > 31)
			return false;
	return true;
}

void msgname_format(const struct msgname *name, char *to)
{
	snprintf(to, MSGNAME_MAX, "%s,S=%llu%s.eml", name->id, (unsigned long long)name->size,
		 name->eight_bit ? ",8" : "");
}

bool msgname_parse(struct span text, struct msgname *out)
{
	struct span rest = text;
	struct span id = span_take(&rest, ',');
	if (!msgid_valid(id) || !span_starts(rest, SPAN("S=")))
		return false;
	rest = span_skip(rest, 2);
	size_t digits = 0;
	while (digits < rest.len && rest.at[digits] >= '0' && rest.at[digits] <= '9')
		digits++;

	struct msgname name = {.eight_bit = span_equal(span_skip(rest, digits), SPAN(",8.eml"))};
	if (!span_to_u64((struct span){rest.at, digits}, UINT64_MAX, &name.size) ||
	    !span_copy(id, name.id, sizeof(name.id)))
		return false;
	char again[MSGNAME_MAX];
	msgname_format(&name, again);
	if (!span_equal(text, span_of(again)))
		return false;
	*out = name;
	return true;
}
