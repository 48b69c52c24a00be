#include "common/recipients/recipient_map.h"

#include <string.h>

#include "common/base/ascii.h"
#include "common/base/hash.h"
#include "common/base/language.h"
#include "common/mail/address.h"
#include "common/mail/domain.h"

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

enum { ENTRY_ALIGN = 4, SLOTS_MIN = 4, KEY_MAX = ADDRESS_MAX + 1 };

/* "local NUL domain" in lower case without quotes. Either may be empty; both are for *. */
struct key {
	char text[KEY_MAX];
	size_t len;
};

/* A line that counts. */
struct row {
	struct key key;
	struct span targets; /* what stands behind the colon */
	size_t target_count;
	size_t octets; /* of its entry */
};

/* Iterates over the lines that are not blank and no comment, and numbers them. */
struct lines {
	struct span rest;
	unsigned number;
};

static struct lines lines_of(struct span text)
{
	bool mark = span_starts(text, SPAN("\xef\xbb\xbf"));
	return (struct lines){.rest = span_skip(text, mark ? 3 : 0)};
}

static bool next_line(struct lines *lines, struct span *line)
{
	while (span_line(&lines->rest, line)) {
		lines->number++;
		*line = span_trim(*line);
		if (line->len && line->at[0] != '#')
			return true;
	}
	return false;
}

static void key_append(struct key *key, char c)
{
	if (key->len < KEY_MAX)
		key->text[key->len++] = ascii_lower(c);
}

/* Up to LEN octets of LOCAL without its quotes, and DOMAIN. */
static void key_make(struct key *key, struct span local, size_t len, struct span domain)
{
	bool quoted = local.len > 1 && local.at[0] == '"';
	if (quoted)
		local = (struct span){local.at + 1, local.len - 2};
	key->len = 0;
	for (size_t i = 0; i < local.len && key->len < len; i++) {
		if (quoted && local.at[i] == '\\' && i + 1 < local.len)
			i++;
		key_append(key, local.at[i]);
	}
	key_append(key, '\0');
	for (size_t i = 0; i < domain.len; i++)
		key_append(key, domain.at[i]);
}

static struct span key_span(const struct key *key)
{
	return (struct span){key->text, key->len};
}

/* "@domain", also as "*@domain", and "*". */
static const char *read_wildcard(struct span word, struct key *key)
{
	struct span none = {0};
	word = span_skip(word, word.at[0] == '*');
	if (word.len && !domain_valid(span_skip(word, 1)) && !domain_is_literal(span_skip(word, 1)))
		return N_("there is no domain after '@'");
	key_make(key, none, 0, span_skip(word, 1));
	return NULL;
}

static const char *read_key(struct span word, struct key *key)
{
	struct address address;
	const char *why;
	if (word.at[0] == '@' || span_equal(word, SPAN("*")) || span_starts(word, SPAN("*@")))
		return read_wildcard(word, key);
	if (!address_parse(word, &address, &why))
		return why;
	key_make(key, address.local, address.local.len, address.domain);
	return key->text[0] ? NULL : N_("the local part is empty");
}

/* Takes the first word off *line: up to a blank or a colon that is neither in quotes nor in an address literal. */
static struct span take_key(struct span *line)
{
	bool quoted = false, literal = false;
	size_t i = 0;
	for (; i < line->len; i++) {
		char c = line->at[i];
		if (!quoted && !literal && (c == ' ' || c == '\t' || c == ':'))
			break;
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (c == '[' || c == ']')
			literal = c == '[' && !quoted;
	}
	i = i < line->len ? i : line->len;
	struct span word = {line->at, i};
	*line = span_trim(span_skip(*line, i));
	return word;
}

static bool separates(char c)
{
	return c == ' ' || c == '\t' || c == ',';
}

/* Takes the next target off *rest; a separator in quotes is part of it. Empty at the end. */
static struct span take_target(struct span *rest)
{
	bool quoted = false;
	size_t from = 0, to;
	while (from < rest->len && separates(rest->at[from]))
		from++;
	for (to = from; to < rest->len && (quoted || !separates(rest->at[to])); to++)
		if (quoted && rest->at[to] == '\\')
			to++;
		else if (rest->at[to] == '"')
			quoted = !quoted;
	to = to < rest->len ? to : rest->len;
	struct span target = {rest->at + from, to - from};
	*rest = span_skip(*rest, to);
	return target;
}

static const char *judge_targets(struct row *row)
{
	struct span rest = row->targets;
	struct address address;
	const char *why;
	for (struct span target = take_target(&rest); target.len; target = take_target(&rest)) {
		if (!address_parse(target, &address, &why))
			return N_("an address behind the colon is invalid");
		if (++row->target_count > RECIPIENT_MAP_TARGETS_MAX)
			return N_("it leads to more than 1000 addresses");
		row->octets += sizeof(uint16_t) + target.len;
	}
	return row->target_count ? NULL : N_("there is no address behind the colon");
}

/* NULL and the row, or the fault. */
static const char *read_line(struct span line, struct row *row)
{
	if (line.len > RECIPIENT_MAP_LINE_MAX)
		return N_("it is longer than 65536 octets");
	*row = (struct row){.key.len = 0};
	struct span word = take_key(&line);
	const char *why = word.len ? read_key(word, &row->key) : N_("there is no address before the colon");
	if (why)
		return why;
	row->octets = sizeof(struct entry) + row->key.len;
	if (line.len && line.at[0] != ':')
		return N_("there is text after the address; a colon is missing if it leads elsewhere");
	row->targets = span_skip(line, 1);
	why = line.len ? judge_targets(row) : NULL;
	row->octets = (row->octets + ENTRY_ALIGN - 1) / ENTRY_ALIGN * ENTRY_ALIGN;
	return why;
}

static size_t slots_for(size_t entries)
{
	size_t slots = SLOTS_MIN;
	while (slots < entries * 2)
		slots *= 2;
	return slots;
}

bool recipient_map_measure(struct span text, struct recipient_map_size *size, struct str *trouble, const char **why)
{
	struct lines lines = lines_of(text);
	struct span line;
	struct row row;
	*size = (struct recipient_map_size){0};
	*why = span_find(text, '\0') < text.len ? N_("it holds a NUL; save it as plain text in UTF-8") : NULL;
	while (!*why && next_line(&lines, &line)) {
		const char *fault = read_line(line, &row);
		if (fault) {
			size->faults++;
			str_printf(trouble, "line %u: %s\n", lines.number, fault);
			continue;
		}
		size->octets += row.octets;
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

static void write_entry(struct entry *entry, const struct row *row, unsigned line)
{
	struct span rest = row->targets;
	char *at = entry->text + row->key.len;
	entry->line = line;
	entry->key_len = (uint16_t)row->key.len;
	entry->targets = (uint16_t)row->target_count;
	memcpy(entry->text, row->key.text, row->key.len);
	for (size_t i = 0; i < row->target_count; i++) {
		struct span target = take_target(&rest);
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
	struct lines lines = lines_of(text);
	struct span line;
	struct row row;
	*map = (struct recipient_map){.slots = (uint32_t)slots_for(size->entries)};
	memset(map->slot, 0, map->slots * sizeof(uint32_t));
	char *entries = entries_of(map), *end = entries;
	while (next_line(&lines, &line)) {
		if (read_line(line, &row))
			continue;
		uint32_t i = find_slot(map, key_span(&row.key));
		const struct entry *other = entry_in(map, i);
		if (other && (row.target_count || other->targets))
			str_printf(trouble, N_("line %u: line %u has the same address already\n"), lines.number,
				   other->line);
		if (other)
			continue;
		write_entry((struct entry *)end, &row, lines.number);
		map->slot[i] = (uint32_t)(end - entries) + 1;
		end += row.octets;
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

static bool look_up(const struct recipient_map *map, const struct key *key, struct recipient_finding *out)
{
	const struct entry *entry = entry_in(map, find_slot(map, key_span(key)));
	if (!entry)
		return false;
	found(entry, out);
	return true;
}

/* The length of LOCAL, without quotes, before its first + but not at its beginning; KEY holds all of it. */
static size_t untagged(const struct key *key)
{
	struct span local = {key->text, span_find(key_span(key), '\0')};
	return local.len ? 1 + span_find(span_skip(local, 1), '+') : 0;
}

void recipient_map_find(const struct recipient_map *map, struct span local, struct span domain, bool tags,
			struct recipient_finding *out)
{
	const struct span domains[] = {domain, {0}};
	struct key key;
	*out = (struct recipient_finding){.answer = RECIPIENT_UNKNOWN};
	for (size_t i = 0; i < 2; i++) {
		key_make(&key, local, local.len, domains[i]);
		if (look_up(map, &key, out))
			return;
		key_make(&key, local, tags ? untagged(&key) : local.len, domains[i]);
		if (tags && look_up(map, &key, out))
			return;
	}
	for (size_t i = 0; i < 2; i++) {
		key_make(&key, (struct span){0}, 0, domains[i]);
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
