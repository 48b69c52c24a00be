#include "common/config/build.h"

#include <string.h>

#include "common/base/language.h"
#include "common/config/slip.h"

enum { MEANT_TEXT_MAX = 2000 };

static bool has(enum config_block block, struct span name)
{
	return config_setting_find(block, name) || config_block_find(block, name) != CONFIG_BLOCK_COUNT;
}

/* The first block that has a setting or block NAME; CONFIG_BLOCK_COUNT = none. */
static enum config_block home_of(struct span name)
{
	for (enum config_block block = 0; block < CONFIG_BLOCK_COUNT; block++)
		if (has(block, name))
			return block;
	return CONFIG_BLOCK_COUNT;
}

/* Appends what NAME may mean in BLOCK: "a", or "a, b or c". False: nothing there is similar. */
static bool append_meant(struct str *to, enum config_block block, struct span name)
{
	const char *near = config_slip_setting(block, name);
	if (near)
		return str_append_text(to, near);
	return config_slip_longer(block, name, to);
}

/* The same for the first other block that has a similar name. */
static enum config_block append_meant_elsewhere(struct str *to, enum config_block block, struct span name)
{
	for (enum config_block other = 0; other < CONFIG_BLOCK_COUNT; other++)
		if (other != block && append_meant(to, other, name))
			return other;
	return CONFIG_BLOCK_COUNT;
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
		str_append_text(to, _("nothing"));
}

static const char *place_name(enum config_block block)
{
	return block == CONFIG_GLOBAL ? _("the file itself") : config_blocks[block].word;
}

/* Appends all blocks that have a setting or block NAME: "a, b or c". */
static void append_homes(struct str *to, struct span name)
{
	size_t n = 0, said = 0;
	for (enum config_block block = 0; block < CONFIG_BLOCK_COUNT; block++)
		n += has(block, name);
	for (enum config_block block = 0; block < CONFIG_BLOCK_COUNT; block++) {
		if (!has(block, name))
			continue;
		const char *separator = said == 0 ? "" : said + 1 == n ? _(" or ") : ", ";
		str_printf(to, "%s%s", separator, place_name(block));
		said++;
	}
}

/* True if AT is the first word on its line. */
static bool begins_line(const struct config_at *at)
{
	const char *text = at->source->text.at;
	uint32_t i = at->offset;
	while (i && (text[i - 1] == ' ' || text[i - 1] == '\t'))
		i--;
	return !i || text[i - 1] == '\n';
}

/* A word in brackets: the section of an ini file, or another host. */
static void report_bracket(struct config_findings *findings, const struct config_node *node)
{
	struct config_at at = config_word_at(node, 0);
	config_error(findings, at, _("\"%.*s\" is not a setting: %s"), SPAN_ARGS(config_node_name(node)),
		     begins_line(&at) ? _("a block is written as virtual_server NAME { ... }")
				      : _("separate hosts with spaces, not with ;"));
}

/* A global setting, or one of alert, may be a short form of a setting of this block: the beginning of its name. */
static void report_misplaced(struct config_findings *findings, enum config_block block, enum config_block home,
			     const struct config_node *node)
{
	struct span name = config_node_name(node);
	struct str meant;
	str_init(&meant, MEANT_TEXT_MAX);
	bool common = home == CONFIG_GLOBAL || home == CONFIG_ALERT;
	if (common && config_slip_longer(block, name, &meant)) {
		config_error(findings, config_word_at(node, 0), _("unknown setting \"%.*s\" in %s: did you mean %s?"),
			     SPAN_ARGS(name), place_name(block), str_text(&meant));
	} else {
		append_homes(&meant, name);
		config_error(findings, config_word_at(node, 0), _("%.*s does not belong in %s but in %s"),
			     SPAN_ARGS(name), place_name(block), str_text(&meant));
	}
	str_free(&meant);
}

static void report_unknown(struct config_findings *findings, enum config_block block, const struct config_node *node)
{
	struct span name = config_node_name(node);
	struct config_at at = config_word_at(node, 0);
	struct str text;
	str_init(&text, MEANT_TEXT_MAX);
	enum config_block other = append_meant(&text, block, name) ? block : append_meant_elsewhere(&text, block, name);
	if (other == block) {
		config_error(findings, at, _("unknown setting \"%.*s\" in %s: did you mean %s?"), SPAN_ARGS(name),
			     place_name(block), str_text(&text));
	} else if (other != CONFIG_BLOCK_COUNT) {
		config_error(findings, at,
			     strchr(str_text(&text), ' ')
				     ? _("unknown setting \"%.*s\" in %s: did you mean %s, which belong in %s?")
				     : _("unknown setting \"%.*s\" in %s: did you mean %s, which belongs in %s?"),
			     SPAN_ARGS(name), place_name(block), str_text(&text), place_name(other));
	} else {
		append_known(&text, block);
		config_error(findings, at, _("unknown setting \"%.*s\" in %s; known there: %s"), SPAN_ARGS(name),
			     place_name(block), str_text(&text));
	}
	str_free(&text);
}

/* NODE is neither a setting nor a block of BLOCK. */
static void report_statement(struct config_findings *findings, enum config_block block, const struct config_node *node)
{
	struct span name = config_node_name(node);
	enum config_block home = home_of(name);
	if (findings->n >= FINDINGS_MAX)
		config_error(findings, config_word_at(node, 0), _("unknown setting"));
	else if (span_starts(name, SPAN("[")))
		report_bracket(findings, node);
	else if (home != CONFIG_BLOCK_COUNT)
		report_misplaced(findings, block, home, node);
	else
		report_unknown(findings, block, node);
}

void config_statement_check(struct config_findings *findings, enum config_block parent, const struct config_node *node)
{
	struct span name = config_node_name(node);
	struct config_at at = config_word_at(node, 0);
	enum config_block block = config_block_find(parent, name);
	if (config_setting_find(parent, name)) {
		if (node->block)
			config_error(findings, at, _("%.*s is a setting, not a block: no { } here"), SPAN_ARGS(name));
		return;
	}
	if (block == CONFIG_BLOCK_COUNT) {
		report_statement(findings, parent, node);
		return;
	}
	size_t words = config_blocks[block].kind == CONFIG_BLOCK_NAMED ? 2 : 1;
	if (words == 2 && node->word_count < 2)
		config_error(findings, at, _("%s needs a name: %s NAME { }"), config_blocks[block].word,
			     config_blocks[block].word);
	else if (!node->block && (words == 1 || block == CONFIG_SERVER))
		config_error(findings, at, _("%s is a block: write %s%s { ... }"), config_blocks[block].word,
			     config_blocks[block].word, words == 2 ? " NAME" : "");
	else if (node->word_count > words)
		config_error(findings, config_word_at(node, words), _("{ or a new line is expected here"));
}
