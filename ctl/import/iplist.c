#include "ctl/import/iplist.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/language.h"

enum { HEAD = 24, GROUP = 20, FAMILY_V4 = 2, V4_SIZE = 4, GROUPS_MAX = 1000, NAME_MIN = 3, NAME_MAX = 255 };

static const uint32_t offset_mark = UINT32_C(1) << 31;

static bool word(struct span data, size_t at, uint32_t *out)
{
	if (at > data.len || data.len - at < 4)
		return false;
	const unsigned char *p = (const unsigned char *)data.at + at;
	*out = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	return true;
}

/* A word that is an offset into DATA. */
static bool offset(struct span data, size_t at, size_t *out)
{
	uint32_t value;
	if (!word(data, at, &value) || !(value & offset_mark))
		return false;
	*out = value & ~offset_mark;
	return *out <= data.len;
}

/* An address or a mask, which is in network order. */
static bool address(struct span data, size_t at, uint32_t *out)
{
	uint32_t value;
	if (!word(data, at, &value))
		return false;
	*out = __builtin_bswap32(value);
	return true;
}

static bool add(struct iplist *list, struct iplist_entry entry)
{
	/* Windows writes this one entry if no client is granted anything. */
	if (!entry.address && entry.mask == UINT32_MAX)
		return true;
	if (list->count == IPLIST_ENTRIES_MAX)
		return false;
	list->entries[list->count++] = entry;
	return true;
}

static const char *read_group(struct span data, size_t at, bool grants, uint32_t *addresses, struct iplist *list)
{
	uint32_t family, entries, size, zero, mask, value;
	size_t from;
	if (!word(data, at, &family) || !word(data, at + 4, &entries) || !word(data, at + 8, &size) ||
	    !word(data, at + 12, &zero) || !offset(data, at + 16, &from))
		return N_("a group of addresses is incomplete");
	if (family != FAMILY_V4 || size != V4_SIZE || zero)
		return N_("a group has addresses of an unknown kind");
	if (!entries || entries - 1 > IPLIST_ENTRIES_MAX || !address(data, from, &mask))
		return N_("a group of addresses has no mask, or too many entries");
	for (uint32_t i = 1; i < entries; i++) {
		if (!address(data, from + (size_t)i * V4_SIZE, &value))
			return N_("a group has more addresses than the data");
		if (!add(list, (struct iplist_entry){grants, value, mask, from + (size_t)i * V4_SIZE}))
			return N_("too many addresses");
	}
	*addresses += entries - 1;
	return NULL;
}

/* *some: the list has a group, even if it is one without addresses. */
static const char *read_addresses(struct span data, size_t at, bool grants, bool *some, struct iplist *list)
{
	uint32_t groups, total, seen = 0;
	if (!word(data, at, &groups) || !word(data, at + 4, &total))
		return N_("a list of addresses is incomplete");
	if (groups > GROUPS_MAX)
		return N_("a list has too many groups of addresses");
	for (uint32_t i = 0; i < groups; i++) {
		const char *why = read_group(data, at + 8 + (size_t)i * GROUP, grants, &seen, list);
		if (why)
			return why;
	}
	*some = groups != 0;
	return seen == total ? NULL : N_("the number of addresses is not the one that the list states");
}

static bool is_name_octet(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-_.*", c));
}

/* Whether a name may go on at AT: with one octet for each character, or with a NUL after each (STEP 2). */
static bool goes_on(struct span data, size_t at, size_t step)
{
	return at + step <= data.len && is_name_octet(data.at[at]) && (step == 1 || !data.at[at + 1]);
}

static void keep_guess(struct iplist *list, const char *name)
{
	size_t letters = strspn(name, "0123456789-_.*");
	if (strlen(name) < NAME_MIN || !strchr(name, '.') || !name[letters] || list->guess_count == IPLIST_NAMES_MAX)
		return;
	list->guesses[list->guess_count] = strdup(name);
	list->guess_count += list->guesses[list->guess_count] != NULL;
}

/* Collects texts with a dot and a letter. */
static void guess(struct span data, size_t step, struct iplist *list)
{
	char name[NAME_MAX + 1];
	for (size_t at = 0; at < data.len;) {
		size_t len = 0;
		for (; len < NAME_MAX && goes_on(data, at + len * step, step); len++)
			name[len] = data.at[at + len * step];
		name[len] = '\0';
		keep_guess(list, name);
		at += len ? len * step : 1;
	}
}

/* Whether the list of names at AT has any. */
static const char *read_names(struct span data, size_t at, bool *some)
{
	uint32_t first, second;
	if (!word(data, at, &first) || !word(data, at + 4, &second))
		return N_("a list of names is incomplete");
	*some = first || second;
	return NULL;
}

static const char *read_lists(struct span data, struct iplist *list)
{
	size_t at[4];
	bool denied, granted, names_denied, names_granted;
	const char *why;
	for (size_t i = 0; i < 4; i++)
		if (!offset(data, i * 4, &at[i]) || at[i] < HEAD)
			return N_("it does not begin with the places of four lists");
	if ((why = read_addresses(data, at[0], false, &denied, list)) ||
	    (why = read_addresses(data, at[1], true, &granted, list)) ||
	    (why = read_names(data, at[2], &names_denied)) || (why = read_names(data, at[3], &names_granted)))
		return why;
	if ((denied || names_denied) && (granted || names_granted))
		return N_("it both grants and denies, which the dialog can't express");
	list->grants_by_default = !granted && !names_granted;
	list->names = names_denied || names_granted;
	return NULL;
}

void iplist_read(struct span data, struct iplist *out)
{
	*out = (struct iplist){0};
	if (!data.len) {
		out->grants_by_default = true;
		return;
	}
	out->entries = reallocarray(NULL, IPLIST_ENTRIES_MAX, sizeof(*out->entries));
	out->why = !out->entries ? N_("out of memory") : read_lists(data, out);
	if (out->why) {
		out->count = 0;
		out->grants_by_default = false;
	}
	if (out->why || out->names) {
		guess(data, 1, out);
		guess(data, 2, out);
	}
}

void iplist_free(struct iplist *list)
{
	for (size_t i = 0; i < list->guess_count; i++)
		free(list->guesses[i]);
	free(list->entries);
	*list = (struct iplist){0};
}

bool iplist_network(const struct iplist_entry *entry, struct cidr *net)
{
	unsigned bits = ~entry->mask ? (unsigned)__builtin_clz(~entry->mask) : 32;
	uint32_t leading = bits ? UINT32_MAX << (32 - bits) : 0, base = entry->address & leading;
	*net = (struct cidr){.bits = 96 + bits};
	net->base.octets[10] = net->base.octets[11] = 0xff;
	for (int i = 0; i < 4; i++)
		net->base.octets[12 + i] = (unsigned char)(base >> (24 - 8 * i));
	return entry->mask == leading && entry->address == base;
}
