/*
 * Any text is measured and parsed within the measured octets; each entry with a plain address is found under it, and
 * leads to addresses only. The first line of the input is looked up, too.
 */
#include <stdlib.h>
#include <string.h>

#include "common/mail/address.h"
#include "common/recipients/recipient_map.h"
#include "t/fuzz/must.h"

enum { TROUBLE_MAX = 1 << 20 };

static void look_up(const struct recipient_map *map, struct span text, bool tags, bool must)
{
	struct recipient_finding found;
	struct address rcpt, address;
	struct span target;
	const char *why;
	size_t n = 0;
	if (!address_parse(text, &rcpt, &why) || !rcpt.text.len)
		return;
	recipient_map_find(map, rcpt.local, rcpt.domain, tags, &found);
	MUST(!must || found.answer != RECIPIENT_UNKNOWN);
	MUST((found.answer == RECIPIENT_UNKNOWN) == !found.line);
	MUST((found.answer == RECIPIENT_LEADS) == (found.targets > 0));
	for (size_t targets = found.targets; recipient_map_target(&found, &target); n++)
		MUST(n < targets && target.len && address_parse(target, &address, &why));
}

/* A line that is nothing but an address is known, unless it was ignored. */
static void look_up_lines(const struct recipient_map *map, struct span text, bool faults)
{
	struct span line;
	while (span_line(&text, &line))
		if (line.len && line.at[0] != '#' && line.len < RECIPIENT_MAP_LINE_MAX)
			look_up(map, span_trim(line), line.len % 2, !faults && span_find(line, ':') == line.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size}, first = text;
	struct recipient_map_size measured;
	struct str trouble;
	const char *why;
	str_init(&trouble, TROUBLE_MAX);
	if (recipient_map_measure(text, &measured, &trouble, &why)) {
		void *memory = malloc(measured.octets);
		struct recipient_map *map = recipient_map_parse(text, &measured, memory, &trouble);
		MUST(recipient_map_octets(map) <= measured.octets);
		MUST(recipient_map_entries(map) <= measured.entries);
		look_up(map, span_take(&first, '\n'), true, false);
		look_up_lines(map, text, measured.faults);
		free(memory);
	}
	for (size_t i = 0; i < trouble.len; i++)
		MUST(trouble.at[i] == '\n' || (trouble.at[i] >= ' ' && trouble.at[i] <= '~'));
	str_free(&trouble);
	return 0;
}
