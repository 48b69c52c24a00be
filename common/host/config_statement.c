#include "common/host/config_build.h"

/* The block where a setting or block NAME would be known; CONFIG_BLOCK_COUNT = nowhere. */
static enum config_block home_of(struct span name)
{
	for (enum config_block block = 0; block < CONFIG_BLOCK_COUNT; block++)
		if (config_setting_find(block, name) || config_block_find(block, name) != CONFIG_BLOCK_COUNT)
			return block;
	return CONFIG_BLOCK_COUNT;
}

/* The name known in BLOCK that is nearest to NAME, or NULL. */
static const char *nearest_name(enum config_block block, struct span name)
{
	struct config_nearest nearest = {.word = name};
	config_nearest_offer(&nearest, "include");
	for (size_t i = 0; i < config_setting_count; i++)
		if (config_settings[i].block == block)
			config_nearest_offer(&nearest, config_settings[i].name);
	for (enum config_block inner = 0; inner < CONFIG_BLOCK_COUNT; inner++)
		if (config_block_in(inner, block))
			config_nearest_offer(&nearest, config_blocks[inner].word);
	return nearest.name;
}

/* The same for settings of other blocks. */
static const struct config_setting *nearest_elsewhere(struct span name)
{
	struct config_nearest nearest = {.word = name};
	const struct config_setting *found = NULL;
	for (size_t i = 0; i < config_setting_count; i++) {
		const char *before = nearest.name;
		config_nearest_offer(&nearest, config_settings[i].name);
		if (nearest.name != before)
			found = &config_settings[i];
	}
	return found;
}

static void append_known(struct str *to, enum config_block block)
{
	const char *separator = "";
	for (size_t i = 0; i < config_setting_count; i++)
		if (config_settings[i].block == block) {
			str_printf(to, "%s%s", separator, config_settings[i].name);
			separator = ", ";
		}
	for (enum config_block inner = 0; inner < CONFIG_BLOCK_COUNT; inner++)
		if (config_block_in(inner, block)) {
			str_printf(to, "%s%s { }", separator, config_blocks[inner].word);
			separator = ", ";
		}
	if (!*separator)
		str_append_text(to, "nothing");
}

static const char *place_name(enum config_block block)
{
	return block == CONFIG_GLOBAL ? "the file itself" : config_blocks[block].word;
}

static void report_unknown(struct config_findings *findings, enum config_block block, const struct config_node *node)
{
	enum { KNOWN_TEXT_MAX = 2000 };
	struct span name = config_node_name(node);
	struct config_at at = config_word_at(node, 0);
	const char *near = nearest_name(block, name);
	const struct config_setting *elsewhere = nearest_elsewhere(name);
	enum config_block home = home_of(name);
	struct str known;
	str_init(&known, KNOWN_TEXT_MAX);
	append_known(&known, block);
	if (span_starts(name, SPAN("[")))
		config_error(findings, at, "\"%.*s\" is no setting: separate hosts with spaces, not with ;",
			     SPAN_ARGS(name));
	else if (home != CONFIG_BLOCK_COUNT)
		config_error(findings, at, "%.*s does not belong in %s but in %s", SPAN_ARGS(name), place_name(block),
			     place_name(home));
	else if (near)
		config_error(findings, at, "unknown setting \"%.*s\" in %s: did you mean %s?", SPAN_ARGS(name),
			     place_name(block), near);
	else if (elsewhere)
		config_error(findings, at, "unknown setting \"%.*s\" in %s: did you mean %s, which belongs in %s?",
			     SPAN_ARGS(name), place_name(block), elsewhere->name, place_name(elsewhere->block));
	else
		config_error(findings, at, "unknown setting \"%.*s\" in %s, which knows %s", SPAN_ARGS(name),
			     place_name(block), str_text(&known));
	str_free(&known);
}

void config_statement_check(struct config_findings *findings, enum config_block parent, const struct config_node *node)
{
	struct span name = config_node_name(node);
	struct config_at at = config_word_at(node, 0);
	enum config_block block = config_block_find(parent, name);
	if (config_setting_find(parent, name)) {
		if (node->block)
			config_error(findings, at, "%.*s is a setting, not a block: no { } here", SPAN_ARGS(name));
		return;
	}
	if (block == CONFIG_BLOCK_COUNT) {
		if (findings->n < FINDINGS_MAX)
			report_unknown(findings, parent, node);
		else
			config_error(findings, at, "unknown setting");
		return;
	}
	size_t words = config_blocks[block].kind == CONFIG_BLOCK_NAMED ? 2 : 1;
	if (words == 2 && node->word_count < 2)
		config_error(findings, at, "%s needs a name: %s NAME { }", config_blocks[block].word,
			     config_blocks[block].word);
	else if (!node->block && (words == 1 || block == CONFIG_SERVER))
		config_error(findings, at, "%s is a block: write %s%s { ... }", config_blocks[block].word,
			     config_blocks[block].word, words == 2 ? " NAME" : "");
	else if (node->word_count > words)
		config_error(findings, config_word_at(node, words), "{ or a new line is expected here");
}
