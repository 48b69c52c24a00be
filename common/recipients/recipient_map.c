#include "common/recipients/recipient_map.h"

#include <string.h>

#include "common/base/hash.h"
#include "common/base/language.h"
#include "common/recipients/recipient_line.h"

/*
 * An entry is its head, its key, and its targets, each with its length (16 bits) in front; the next one begins at a
 * multiple of 4. A slot holds the offset of an entry from the first one, plus 1; 0 = free. At most half are in use.
 */
struct recipient_map {
	uint32_t octets;
	uint32_t entries;
	uint32_t slots; /* a power of 2 */
	uint32_t slot[];
};

struct entry {
	uint32_t line;
	uint16_t key_len;
	uint16_t targets;
	char text[];
};

enum { ENTRY_ALIGN = 4, SLOTS_MIN = 4 };

static size_t slots_for(size_t entries)
{
	size_t slots = SLOTS_MIN;
	while (slots < entries * 2)
		slots *= 2;
	return slots;
}

static size_t entry_octets(const struct recipient_row *row)
{
	size_t octets = sizeof(struct entry) + row->key.len + row->target_count * sizeof(uint16_t) + row->target_octets;
	return (octets + ENTRY_ALIGN - 1) / ENTRY_ALIGN * ENTRY_ALIGN;
}

bool recipient_map_measure(struct span text, struct recipient_map_size *size, struct str *trouble, const char **why)
{
	struct recipient_lines lines = recipient_lines_of(text);
	struct span line;
	struct recipient_row row;
	*size = (struct recipient_map_size){0};
	*why = span_find(text, '\0') < text.len ? N_("it holds a NUL; save it as plain text in UTF-8") : NULL;
	while (!*why && recipient_lines_next(&lines, &line)) {
		const char *fault = recipient_line_read(line, &row);
		if (fault) {
			size->faults++;
			str_printf(trouble, "line %u: %s\n", lines.number, fault);
			continue;
		}
		size->octets += entry_octets(&row);
		if (++size->entries > RECIPIENT_MAP_ENTRIES_MAX)
			*why = N_("it has more than 1000000 lines");
	}
	size->octets += sizeof(struct recipient_map) + slots_for(size->entries) * sizeof(uint32_t);
	return !*why;
}

static char *entries_of(const struct recipient_map *map)
{
	return (char *)map + sizeof(*map) + map->slots * sizeof(uint32_t);
}

static struct span key_of(const struct entry *entry)
{
	return (struct span){entry->text, entry->key_len};
}

/* The entry in slot I; NULL = the slot is free. */
static struct entry *entry_in(const struct recipient_map *map, uint32_t i)
{
	return map->slot[i] ? (struct entry *)(entries_of(map) + map->slot[i] - 1) : NULL;
}

/* The slot of the entry with KEY, or the free one where it belongs. */
static uint32_t find_slot(const struct recipient_map *map, struct span key)
{
	uint64_t hash = hash_span(HASH_START, key);
	uint32_t i = (uint32_t)(hash ^ hash >> 32) & (map->slots - 1);
	while (map->slot[i] && !span_equal(key_of(entry_in(map, i)), key))
		i = (i + 1) & (map->slots - 1);
	return i;
}

static void write_entry(struct entry *entry, const struct recipient_row *row, unsigned line)
{
	struct span rest = row->targets;
	char *at = entry->text + row->key.len;
	entry->line = line;
	entry->key_len = (uint16_t)row->key.len;
	entry->targets = (uint16_t)row->target_count;
	memcpy(entry->text, row->key.text, row->key.len);
	for (size_t i = 0; i < row->target_count; i++) {
		struct span target = recipient_line_target(&rest);
		uint16_t len = (uint16_t)target.len;
		memcpy(at, &len, sizeof(len));
		memcpy(at + sizeof(len), target.at, len);
		at += sizeof(len) + len;
	}
}

struct recipient_map *recipient_map_parse(struct span text, const struct recipient_map_size *size, void *memory,
					  struct str *trouble)
{
	struct recipient_map *map = memory;
	struct recipient_lines lines = recipient_lines_of(text);
	struct span line;
	struct recipient_row row;
	*map = (struct recipient_map){.slots = (uint32_t)slots_for(size->entries)};
	memset(map->slot, 0, map->slots * sizeof(uint32_t));
	char *entries = entries_of(map), *end = entries;
	while (recipient_lines_next(&lines, &line)) {
		if (recipient_line_read(line, &row))
			continue;
		uint32_t i = find_slot(map, recipient_key_span(&row.key));
		const struct entry *other = entry_in(map, i);
		if (other && (row.target_count || other->targets))
			str_printf(trouble, N_("line %u: line %u has the same address already\n"), lines.number,
				   other->line);
		if (other)
			continue;
		write_entry((struct entry *)end, &row, lines.number);
		map->slot[i] = (uint32_t)(end - entries) + 1;
		end += entry_octets(&row);
		map->entries++;
	}
	map->octets = (uint32_t)(end - (char *)memory);
	return map;
}

size_t recipient_map_octets(const struct recipient_map *map)
{
	return map->octets;
}

size_t recipient_map_entries(const struct recipient_map *map)
{
	return map->entries;
}

static void found(const struct entry *entry, struct recipient_finding *out)
{
	*out = (struct recipient_finding){.answer = entry->targets ? RECIPIENT_LEADS : RECIPIENT_KNOWN,
					  .line = entry->line,
					  .targets = entry->targets,
					  .next = entry->text + entry->key_len};
}

static bool look_up(const struct recipient_map *map, const struct recipient_key *key, struct recipient_finding *out)
{
	const struct entry *entry = entry_in(map, find_slot(map, recipient_key_span(key)));
	if (!entry)
		return false;
	found(entry, out);
	return true;
}

/* The length of LOCAL, without quotes, before its first + but not at its beginning; KEY holds all of it. */
static size_t untagged(const struct recipient_key *key)
{
	struct span local = {key->text, span_find(recipient_key_span(key), '\0')};
	return local.len ? 1 + span_find(span_skip(local, 1), '+') : 0;
}

void recipient_map_find(const struct recipient_map *map, struct span local, struct span domain, bool tags,
			struct recipient_finding *out)
{
	const struct span domains[] = {domain, {0}};
	struct recipient_key key;
	*out = (struct recipient_finding){.answer = RECIPIENT_UNKNOWN};
	for (size_t i = 0; i < 2; i++) {
		recipient_key_make(&key, local, local.len, domains[i]);
		if (look_up(map, &key, out))
			return;
		recipient_key_make(&key, local, tags ? untagged(&key) : local.len, domains[i]);
		if (tags && look_up(map, &key, out))
			return;
	}
	for (size_t i = 0; i < 2; i++) {
		recipient_key_make(&key, (struct span){0}, 0, domains[i]);
		if (look_up(map, &key, out))
			return;
	}
}

bool recipient_map_target(struct recipient_finding *finding, struct span *target)
{
	uint16_t len;
	if (!finding->targets)
		return false;
	memcpy(&len, finding->next, sizeof(len));
	*target = (struct span){finding->next + sizeof(len), len};
	finding->next += sizeof(len) + len;
	finding->targets--;
	return true;
}

bool recipient_map_next(const struct recipient_map *map, size_t *at, struct span *local, struct span *domain,
			struct recipient_finding *out)
{
	const char *entries = entries_of(map);
	struct recipient_finding rest;
	struct span target;
	if (entries + *at >= (const char *)map + map->octets)
		return false;
	const struct entry *entry = (const struct entry *)(entries + *at);
	*domain = key_of(entry);
	*local = span_take(domain, '\0');
	found(entry, out);
	for (rest = *out; recipient_map_target(&rest, &target);)
		;
	*at = ((size_t)(rest.next - entries) + ENTRY_ALIGN - 1) / ENTRY_ALIGN * ENTRY_ALIGN;
	return true;
}
