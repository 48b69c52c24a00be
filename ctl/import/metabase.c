#include "ctl/import/metabase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/hash.h"
#include "common/base/language.h"

#define SERVICE "/LM/SmtpSvc"

enum { ARENA_MAX = 256 * 1024 * 1024, PROPERTIES_MAX = 4 * XML_ATTRIBUTES_MAX, SERVER_NUMBER_MAX = 2000000000 };

static const char no_memory[] = N_("out of memory, or too many keys for a metabase");

static const char *attribute(const char **attributes, const char *name)
{
	for (size_t i = 0; attributes[i]; i += 2)
		if (strcasecmp(attributes[i], name) == 0)
			return attributes[i + 1];
	return NULL;
}

/* Whether the words of TEXT, "INHERIT | SECURE", include WORD. */
static bool has_word(const char *text, const char *word)
{
	struct span rest = span_of(text);
	while (rest.len)
		if (span_equal_nocase(span_trim(span_take(&rest, '|')), span_of(word)))
			return true;
	return false;
}

/* Finds out what the key at REST, the location without the service, is. */
static void classify(struct metabase_key *key, struct span rest)
{
	uint64_t number;
	key->level = METABASE_OTHER;
	key->name = "";
	if (!rest.len) {
		key->level = METABASE_SERVICE;
		return;
	}
	rest = span_skip(rest, 1);
	struct span server = span_take(&rest, '/');
	if (!span_to_u64(server, SERVER_NUMBER_MAX, &number) || !number)
		return;
	key->server = (unsigned)number;
	if (!rest.len) {
		key->level = METABASE_SERVER;
		return;
	}
	struct span kind = span_take(&rest, '/');
	if (!rest.len || span_find(rest, '/') < rest.len)
		return;
	if (span_equal_nocase(kind, SPAN("Domain")))
		key->level = METABASE_DOMAIN;
	else if (span_equal_nocase(kind, SPAN("RoutingSources")))
		key->level = METABASE_SOURCE;
	if (key->level != METABASE_OTHER)
		key->name = rest.at; /* ends where the location ends */
}

/* The location without slashes at its end, after "/LM/SmtpSvc"; false: of another service. */
static bool in_service(struct span *location, struct span *rest)
{
	while (location->len && location->at[location->len - 1] == '/')
		location->len--;
	*rest = span_skip(*location, sizeof(SERVICE) - 1);
	return span_starts_nocase(*location, SPAN(SERVICE)) && (!rest->len || rest->at[0] == '/');
}

static void *grow(void *at, size_t *room, size_t most, size_t size)
{
	size_t wanted = *room ? *room * 2 : 16;
	if (*room >= most)
		return NULL;
	void *more = reallocarray(at, wanted, size);
	if (more)
		*room = wanted;
	return more;
}

struct metabase_property *metabase_own(const struct metabase_key *key, const char *name, unsigned id)
{
	uint64_t hash = hash_span_nocase(HASH_START, span_of(name));
	for (size_t i = 0; i < key->count; i++) {
		struct metabase_property *p = &key->properties[i];
		if ((id && p->id == id) || (p->hash == hash && name[0] && !strcasecmp(p->name, name)))
			return p;
	}
	return NULL;
}

/* Appends a property, whose strings are copied. */
static const char *add_property(struct metabase *mb, struct metabase_key *key, struct metabase_property property)
{
	if (metabase_own(key, property.name, property.id))
		return _("this key has the same property twice, so it is unclear which one counts: remove one of them");
	if (key->count == key->room) {
		void *more = grow(key->properties, &key->room, PROPERTIES_MAX, sizeof(*key->properties));
		if (!more)
			return _(no_memory);
		key->properties = more;
	}
	property.hash = hash_span_nocase(HASH_START, span_of(property.name));
	property.name = arena_copy(&mb->arena, span_of(property.name));
	property.value = arena_copy(&mb->arena, span_of(property.value));
	if (!property.name || !property.value)
		return _(no_memory);
	key->properties[key->count++] = property;
	return NULL;
}

static const char *add_key(struct metabase *mb, const char *element, struct span location, unsigned long line)
{
	for (size_t i = 0; i < mb->count; i++)
		if (span_equal_nocase(span_of(mb->keys[i]->location), location))
			return _(
				"this key is in the file twice, so it is unclear which one counts: remove one of them");
	if (mb->count == mb->room) {
		void *more = grow(mb->keys, &mb->room, METABASE_KEYS_MAX, sizeof(struct metabase_key *));
		if (!more)
			return _(no_memory);
		mb->keys = more;
	}
	struct metabase_key *key = arena_alloc(&mb->arena, sizeof(*key));
	char *text = arena_copy(&mb->arena, location);
	char *name = arena_copy(&mb->arena, span_of(element));
	if (!key || !text || !name)
		return _(no_memory);
	*key = (struct metabase_key){.location = text, .element = name, .line = line};
	classify(key, span_skip(span_of(text), sizeof(SERVICE) - 1));
	if (key->level == METABASE_SERVER && ++mb->servers > METABASE_SERVERS_MAX)
		return _("there are too many virtual servers for a metabase (more than 100)");
	mb->keys[mb->count++] = key;
	mb->open = key;
	return NULL;
}

static const char *add_custom(struct metabase *mb, const char **attributes, unsigned long line)
{
	const char *name = attribute(attributes, "Name"), *value = attribute(attributes, "Value");
	const char *id = attribute(attributes, "ID"), *flags = attribute(attributes, "Attributes");
	uint64_t number = 0;
	if (!mb->open)
		return NULL;
	if (id && !span_to_u64(span_of(id), UINT32_MAX, &number))
		return _("the ID of this Custom element is no number");
	if (!number && !(name && name[0]))
		return _("this Custom element has neither Name nor ID");
	struct metabase_property property = {.name = name ? name : "",
					     .id = (unsigned)number,
					     .value = value ? value : "",
					     .line = line,
					     .custom = true,
					     .inherits = has_word(flags ? flags : "", "INHERIT"),
					     .secure = has_word(flags ? flags : "", "SECURE")};
	return add_property(mb, mb->open, property);
}

static const char *on_element(void *context, const char *name, const char **attributes, unsigned depth,
			      unsigned long line)
{
	struct metabase *mb = context;
	const char *where = attribute(attributes, "Location");
	struct span location = span_of(where), rest;
	mb->elements++;
	if (depth == 1 && strcasecmp(name, "configuration") != 0)
		return _("no metabase: its first element is not <configuration>");
	if (strcasecmp(name, "Custom") == 0)
		return add_custom(mb, attributes, line);
	mb->open = NULL;
	if (!where || !in_service(&location, &rest))
		return NULL;
	const char *why = add_key(mb, name, location, line);
	for (size_t i = 0; !why && attributes[i]; i += 2) {
		struct metabase_property property = {.name = attributes[i], .value = attributes[i + 1], .line = line};
		if (strcasecmp(attributes[i], "Location") != 0)
			why = add_property(mb, mb->open, property);
	}
	return why;
}

/* The nearest key above KEY. */
static struct metabase_key *find_parent(const struct metabase *mb, const struct metabase_key *key)
{
	struct metabase_key *best = NULL;
	for (size_t i = 0; i < mb->count; i++) {
		struct metabase_key *other = mb->keys[i];
		size_t len = strlen(other->location);
		if (strncasecmp(other->location, key->location, len) == 0 && key->location[len] == '/' &&
		    (!best || len > strlen(best->location)))
			best = other;
	}
	return best;
}

bool metabase_read(struct span text, struct metabase *out, struct xml_fault *fault)
{
	*out = (struct metabase){0};
	arena_init(&out->arena, ARENA_MAX);
	bool good = xml_read(text, on_element, out, fault);
	for (size_t i = 0; good && i < out->count; i++)
		out->keys[i]->parent = find_parent(out, out->keys[i]);
	return good;
}

void metabase_free(struct metabase *metabase)
{
	for (size_t i = 0; i < metabase->count; i++)
		free(metabase->keys[i]->properties);
	free(metabase->keys);
	arena_free(&metabase->arena);
	*metabase = (struct metabase){0};
}
