#include "common/config/build.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/language.h"

/* AT with room for one more entry of SIZE octets. NULL without memory. */
static void *grow(struct config_build *b, void *at, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return at;
	size_t more = *room ? 2 * *room : 64;
	void *larger = reallocarray(at, more, size);
	if (larger)
		*room = more;
	else
		b->findings->no_memory = true;
	return larger;
}

void *config_build_allocate(struct config_build *b, size_t n, size_t size)
{
	void *at = arena_alloc(&b->out->arena, n ? n * size : 1);
	if (!at)
		b->findings->no_memory = true;
	return at;
}

const char *config_build_print(struct config_build *b, const char *first, const char *middle, const char *last)
{
	const char *text = arena_printf(&b->out->arena, "%s%s%s", first, middle, last);
	if (!text)
		b->findings->no_memory = true;
	return text;
}

static void mark_failed(struct config_build *b, const void *member)
{
	const void **failed = grow(b, b->failed, b->failed_count, &b->failed_room, sizeof(*failed));
	if (!failed)
		return;
	b->failed = failed;
	b->failed[b->failed_count++] = member;
}

bool config_build_failed(const struct config_build *b, const void *member)
{
	for (size_t i = 0; i < b->failed_count; i++)
		if (b->failed[i] == member)
			return true;
	return false;
}

/* NAME as a string that lives as long as the configuration, one for each file. */
static const char *file_name(struct config_build *b, const char *name)
{
	for (size_t i = b->file_count; i > 0; i--)
		if (!strcmp(b->files[i - 1], name))
			return b->files[i - 1];
	const char **files = grow(b, b->files, b->file_count, &b->file_room, sizeof(*files));
	const char *copy = arena_copy(&b->out->arena, span_of(name));
	if (files)
		b->files = files;
	if (!files || !copy) {
		b->findings->no_memory = true;
		return "";
	}
	b->files[b->file_count++] = copy;
	return copy;
}

/* Line 0 marks a default: the name of the machine in a canonical text. */
static struct config_origin origin_of(struct config_build *b, const struct config_node *node, size_t word)
{
	if (!node->line)
		return (struct config_origin){0};
	return (struct config_origin){file_name(b, node->source->name), node->line, node->token + (uint32_t)word};
}

struct config_at config_build_at(const struct config_build *b, const struct config_server *server,
				 struct config_origin origin)
{
	return config_origin_at(b->tree, origin.line ? origin : server->origin);
}

struct config_item config_build_item(struct config_build *b, const struct config_node *node, size_t word)
{
	return (struct config_item){node->words[word].text, config_word_at(node, word), origin_of(b, node, word)};
}

static void add_item(struct config_build *b, struct config_item item)
{
	struct config_item *items = grow(b, b->items, b->item_count, &b->item_room, sizeof(*items));
	if (!items)
		return;
	b->items = items;
	b->items[b->item_count++] = item;
}

static bool parse_items(struct config_build *b, const struct config_setting *setting, void *base)
{
	struct config_parse parse = {&b->out->arena, b->findings, setting, b->items, b->item_count};
	return b->item_count && config_value_parse(&parse, (char *)base + setting->offset);
}

static void set_default(struct config_build *b, const struct config_setting *setting, void *base)
{
	struct span rest = span_of(setting->fallback);
	b->item_count = 0;
	while (rest.len)
		add_item(b, (struct config_item){.text = span_take(&rest, ' ')});
	parse_items(b, setting, base);
}

/* The first statement NAME in NODE. ONCE: a second one is an error. */
static const struct config_node *find_once(struct config_build *b, const struct config_node *node, const char *name,
					   bool once)
{
	const struct config_node *first = NULL;
	for (const struct config_node *child = node ? node->first : NULL; child; child = child->next) {
		if (!config_node_is(child, name))
			continue;
		if (!first)
			first = child;
		else if (once)
			config_error(b->findings, config_word_at(child, 0), _("%s is given twice: first at %s:%u"),
				     name, first->source->name, first->line);
	}
	return first;
}

static void gather_items(struct config_build *b, const struct config_setting *setting, const struct config_node *first)
{
	b->item_count = 0;
	for (const struct config_node *child = first; child; child = child->next) {
		if (!config_node_is(child, setting->name))
			continue;
		for (size_t i = 1; i < child->word_count; i++)
			add_item(b, config_build_item(b, child, i));
		if (child->word_count == 1 && !child->block)
			config_error(b->findings, config_word_at(child, 0), _("%s needs a value: %s"), setting->name,
				     _(config_value_allowed(setting->type)));
		if (!config_value_is_list(setting->type))
			return;
	}
}

/* If a setting with one value has more words, they are reported and ignored. */
static void build_setting(struct config_build *b, const struct config_setting *setting, void *base,
			  const struct config_node *node, bool inherited)
{
	bool list = config_value_is_list(setting->type);
	const struct config_node *first = find_once(b, node, setting->name, !list);
	if (!first) {
		if (!inherited)
			set_default(b, setting, base);
		return;
	}
	gather_items(b, setting, first);
	if (!list && b->item_count > 1) {
		config_error(b->findings, b->items[1].at, _("%s takes one value: %s"), setting->name,
			     _(config_value_allowed(setting->type)));
		b->item_count = 1;
	}
	struct config_origin origin = origin_of(b, first, first->word_count > 1);
	if (!parse_items(b, setting, base)) {
		if (!list)
			set_default(b, setting, base);
		mark_failed(b, (char *)base + setting->offset);
	}
	memcpy((char *)base + setting->at_offset, &origin, sizeof(origin));
}

void config_build_block(struct config_build *b, enum config_block block, void *base, const struct config_node *node,
			bool inherited)
{
	for (const struct config_node *child = node ? node->first : NULL; child; child = child->next)
		config_statement_check(b->findings, block, child);
	for (size_t i = 0; i < config_setting_count; i++)
		if (config_settings[i].block == block)
			build_setting(b, &config_settings[i], base, node, inherited);
	for (size_t i = 0; i < config_place_count; i++) {
		const struct config_place *place = &config_places[i];
		if (place->parent != block)
			continue;
		const struct config_node *inner = find_once(b, node, config_blocks[place->block].word, true);
		config_build_block(b, place->block, (char *)base + place->offset, inner,
				   block == CONFIG_REMOTE_DOMAIN || block == CONFIG_CONNECTOR);
	}
}

void config_build_release(struct config_build *b)
{
	free(b->items);
	free(b->failed);
	free(b->files);
}
