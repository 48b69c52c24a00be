#include "master/access.h"

#include <string.h>

#include "common/mail/domain.h"

static bool same(const struct config_client *a, const struct config_client *b)
{
	if (a->name || b->name)
		return a->name && b->name && strcmp(a->name, b->name) == 0;
	return a->net.bits == b->net.bits && ipaddr_equal(&a->net.base, &b->net.base);
}

/* Both are patterns and differ, and OUTER is not "*". */
static bool covers_name(const char *outer, const char *inner)
{
	bool below = inner[0] == '*';
	if (outer[0] != '*' || (below && !inner[1]))
		return false;
	return domain_pattern_match(span_of(outer), span_of(inner + (below ? 2 : 0)));
}

/* OUTER matches every client that INNER matches. */
static bool covers(const struct config_client *outer, const struct config_client *inner)
{
	if (outer->name && (same(outer, inner) || strcmp(outer->name, "*") == 0))
		return true;
	if (outer->name || inner->name)
		return outer->name && inner->name && covers_name(outer->name, inner->name);
	return outer->net.bits <= inner->net.bits && cidr_contains(&outer->net, &inner->net.base);
}

static bool may(const struct access *access, const struct config_client *entry)
{
	bool listed = false;
	for (size_t i = 0; i < access->list->n && !listed; i++)
		listed = covers(&access->list->at[i], entry);
	return listed == (access->allow == CONFIG_ONLY_LISTED);
}

/*
 * Whether ENTRY is in LIST. Searches from *NEXT on, so that two lists in nearly the same order are compared in linear
 * time.
 */
static bool find(const struct config_clients *list, const struct config_client *entry, size_t *next)
{
	for (size_t i = 0; i < list->n; i++) {
		size_t at = (*next + i) % list->n;
		if (same(&list->at[at], entry)) {
			*next = at + 1;
			return true;
		}
	}
	return false;
}

static enum access_change change_of(bool was, bool is)
{
	if (was == is)
		return is ? ACCESS_STILL : ACCESS_STILL_NOT;
	return is ? ACCESS_GAINED : ACCESS_LOST;
}

void access_compare(const struct access *before, const struct access *after,
		    void (*say)(void *context, const struct config_client *entry, enum access_change change),
		    void *context)
{
	bool flipped = before->allow != after->allow;
	size_t next = 0;
	for (size_t i = 0; i < before->list->n; i++) {
		const struct config_client *entry = &before->list->at[i];
		if (flipped || !find(after->list, entry, &next))
			say(context, entry, change_of(may(before, entry), may(after, entry)));
	}
	next = 0;
	for (size_t i = 0; i < after->list->n; i++) {
		const struct config_client *entry = &after->list->at[i];
		if (!find(before->list, entry, &next))
			say(context, entry, change_of(may(before, entry), may(after, entry)));
	}
	if (flipped)
		say(context, NULL, change_of(before->allow != CONFIG_ONLY_LISTED, after->allow != CONFIG_ONLY_LISTED));
}
