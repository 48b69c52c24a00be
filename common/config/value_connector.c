/* The settings of connectors: address spaces and senders. Client rules have senders and recipients, too. */
#include "common/config/value.h"

#include "common/base/language.h"

enum { COST_DEFAULT = 1, COST_MAX = 100 };

/* Parses what follows the pattern on its line. *i moves to the last word of the line. */
static bool parse_cost(struct config_parse *parse, size_t *i, unsigned *cost)
{
	size_t n = 1;
	uint64_t number;
	while (*i + n < parse->n && config_value_follows(parse, *i + n))
		n++;
	const struct config_item *words = &parse->items[*i];
	*cost = COST_DEFAULT;
	*i += n - 1;
	if (n == 1)
		return true;
	if (!span_equal_nocase(words[1].text, SPAN("cost")) || n > 3)
		return config_value_refuse(parse, &words[n > 3 ? 3 : 1],
					   N_("one address space per line, and after it only cost and a number"));
	if (n == 2 || !span_to_u64(words[2].text, COST_MAX, &number) || !number)
		return config_value_refuse(parse, &words[n - 1], N_("a cost is a number from 1 to 100: write cost 10"));
	*cost = (unsigned)number;
	return true;
}

bool config_connector_spaces(struct config_parse *parse, void *to)
{
	struct config_spaces *list = to;
	bool good = true;
	list->at = arena_alloc(parse->arena, parse->n * sizeof(*list->at));
	if (!list->at) {
		parse->findings->no_memory = true;
		return false;
	}
	for (size_t i = 0; i < parse->n; i++) {
		struct config_space *space = &list->at[list->n];
		space->origin = parse->items[i].origin;
		space->pattern = config_value_pattern(parse, &parse->items[i]);
		bool taken = parse_cost(parse, &i, &space->cost) && space->pattern;
		list->n += taken;
		good = good && taken;
	}
	return good;
}

/* <>, or USER@PATTERN, or PATTERN with or without @ or *@ before it. */
static bool parse_sender(struct config_parse *parse, const struct config_item *item, struct config_sender *out)
{
	struct config_item domain = *item;
	size_t at = item->text.len;
	*out = (struct config_sender){0};
	if (span_equal(item->text, SPAN("<>")))
		return true;
	while (at && item->text.at[at - 1] != '@')
		at--;
	domain.text = span_skip(item->text, at);
	bool named = at > 1 && !span_starts(item->text, SPAN("*@"));
	if (named)
		out->local = config_value_keep(parse, (struct span){item->text.at, at - 1});
	out->domain = config_value_pattern(parse, &domain);
	return out->domain != NULL && (!named || out->local);
}

bool config_connector_senders(struct config_parse *parse, void *to)
{
	struct config_senders *list = to;
	size_t n = config_value_is_none(parse) ? 0 : parse->n;
	list->at = arena_alloc(parse->arena, n ? n * sizeof(*list->at) : 1);
	if (!list->at) {
		parse->findings->no_memory = true;
		return false;
	}
	for (size_t i = 0; i < n; i++)
		list->n += parse_sender(parse, &parse->items[i], &list->at[list->n]);
	return list->n == n;
}
