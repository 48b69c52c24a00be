#include "common/config/doc.h"

#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/base/utf8.h"
#include "common/config/slip.h"
#include "common/config/value.h"

enum { DOC_COLUMNS = 100, FACTS_TEXT_MAX = 4096, INDENT = 4 };

static const char *const acts_words[CONFIG_ACTS_COUNT] = {
	[CONFIG_COMMAND] = N_("with the reload, in open sessions too"),
	[CONFIG_CONNECTION] = N_("with the reload, on new connections"),
	[CONFIG_PROCESSES_NEW] = N_("with the reload, which starts new processes"),
};

/* The bounds of such a type are values of the type. */
static bool is_scalar(enum config_type type)
{
	return type == CONFIG_NUMBER || type == CONFIG_LIMIT || type == CONFIG_SIZE || type == CONFIG_SIZE_LIMIT ||
	       type == CONFIG_DURATION || type == CONFIG_TIME_LIMIT || type == CONFIG_PERCENT;
}

void config_doc_bounds(struct str *to, const struct config_setting *setting)
{
	bool scalar = is_scalar(setting->type);
	if ((!setting->min && !setting->max) || (!scalar && !config_value_is_list(setting->type)))
		return;
	str_append_text(to, " (");
	if (scalar) {
		config_value_format(setting->type, &setting->min, to);
		str_append_text(to, setting->max ? _(" to ") : _(" or more"));
		if (setting->max)
			config_value_format(setting->type, &setting->max, to);
	} else {
		str_printf(to, _("at most %lld values"), (long long)setting->max);
	}
	str_append_c(to, ')');
}

/* The octets of TEXT that fit into ROOM columns, up to a place where a line may end; 0 = there is none. */
static size_t fitting(struct span text, size_t room)
{
	size_t fits = 0, columns = 0;
	while (fits < text.len) {
		size_t blank = text.at[fits] == ' ';
		struct span piece = utf8_piece(span_skip(text, fits + blank));
		columns += blank + utf8_columns(piece);
		if (columns > room)
			return fits;
		fits += blank + piece.len;
	}
	return text.len;
}

void config_doc_wrapped(struct str *to, unsigned indent, const char *prefix, struct span text)
{
	size_t room = DOC_COLUMNS - indent - strlen(prefix);
	while (text.len) {
		size_t len = fitting(text, room);
		if (!len)
			len = span_find(text, ' ');
		str_printf(to, "%*s%s%.*s\n", (int)indent, "", prefix, (int)len, text.at);
		text = span_trim(span_skip(text, len));
	}
}

/* "Value: ...", "Default: ...", "A change takes effect ...", each ended by END. */
static void append_facts(struct str *to, const struct config_setting *setting, const char *end)
{
	str_printf(to, _("Value: %s"), _(config_value_allowed(setting->type)));
	config_doc_bounds(to, setting);
	str_printf(to, "%s%s", _("."), end);
	str_printf(to, _("Default: %s."), *setting->fallback ? setting->fallback : _("not set"));
	str_append_text(to, end);
	str_printf(to, _("A change takes effect %s."), _(acts_words[setting->acts]));
}

/* "virtual_server or delivery" */
static void append_parents(struct str *to, enum config_block block)
{
	const char *separator = "";
	for (enum config_block parent = 0; parent < CONFIG_BLOCK_COUNT; parent++) {
		if (!config_block_in(block, parent))
			continue;
		str_printf(to, "%s%s", separator,
			   parent == CONFIG_GLOBAL ? _("the file itself") : config_blocks[parent].word);
		separator = _(" or ");
	}
}

/* True if a sentence ends at AT. An ellipsis does not end a sentence. */
static bool ends_sentence(struct span text, size_t at)
{
	return at && at + 1 < text.len && text.at[at] == '.' && text.at[at + 1] == ' ' && text.at[at - 1] != '.';
}

/* One sentence per line, as mdoc requires. Characters that are special to troff are escaped; no sentence of ours begins
 * with a dot or a quote. */
static void append_roff(struct str *to, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '\\')
			str_append_text(to, "\\e");
		else if (text.at[i] == '-')
			str_append_text(to, "\\-");
		else
			str_append_c(to, text.at[i]);
		if (ends_sentence(text, i)) {
			str_append_c(to, '\n');
			i++;
		}
	}
	str_append_c(to, '\n');
}

static void man_setting(struct str *to, const struct config_setting *setting)
{
	struct str facts;
	str_init(&facts, FACTS_TEXT_MAX);
	append_facts(&facts, setting, " ");
	str_printf(to, ".It Ic %s\n", setting->name);
	append_roff(to, span_of(setting->doc));
	str_append_text(to, ".br\n");
	append_roff(to, str_span(&facts));
	str_free(&facts);
}

static void man_block(struct str *to, enum config_block block)
{
	bool named = config_blocks[block].kind == CONFIG_BLOCK_NAMED;
	size_t n = 0;
	str_append_text(to, ".Ss ");
	str_append_text(to, block == CONFIG_GLOBAL ? "Global settings" : config_blocks[block].word);
	str_append_text(to, named ? " NAME\n" : "\n");
	append_roff(to, span_of(config_blocks[block].doc));
	if (block != CONFIG_GLOBAL) {
		str_append_text(to, "A block in ");
		append_parents(to, block);
		str_append_text(to, ".\n");
	}
	for (size_t i = 0; i < config_setting_count; i++)
		if (config_settings[i].block == block) {
			if (!n++)
				str_append_text(to, ".Bl -tag -width Ds\n");
			man_setting(to, &config_settings[i]);
		}
	if (n)
		str_append_text(to, ".El\n");
}

void config_doc_man(struct str *to)
{
	for (enum config_block block = 0; block < CONFIG_BLOCK_COUNT; block++)
		man_block(to, block);
}

static void text_setting(struct str *to, const struct config_setting *setting)
{
	struct str facts, parents;
	str_init(&facts, FACTS_TEXT_MAX);
	str_init(&parents, FACTS_TEXT_MAX);
	append_facts(&facts, setting, "\n");
	append_parents(&parents, setting->block);
	if (setting->block == CONFIG_GLOBAL)
		str_printf(to, _("%s, in the file itself\n"), setting->name);
	else
		str_printf(to, _("%s, in %s of %s\n"), setting->name, config_blocks[setting->block].word,
			   str_text(&parents));
	config_doc_wrapped(to, INDENT, "", span_of(_(setting->doc)));
	for (struct span rest = str_span(&facts), line; span_line(&rest, &line);)
		config_doc_wrapped(to, INDENT, "", line);
	str_free(&facts);
	str_free(&parents);
}

static void text_block(struct str *to, enum config_block block)
{
	bool named = config_blocks[block].kind == CONFIG_BLOCK_NAMED;
	struct str parents;
	str_init(&parents, FACTS_TEXT_MAX);
	append_parents(&parents, block);
	str_printf(to, _("%s%s { }, a block in %s\n"), config_blocks[block].word, named ? " NAME" : "",
		   str_text(&parents));
	config_doc_wrapped(to, INDENT, "", span_of(_(config_blocks[block].doc)));
	str_free(&parents);
}

/* Splits "BLOCK.SETTING": returns the block and moves *NAME to the setting. CONFIG_BLOCK_COUNT: there is no block. */
static enum config_block split_name(const char **name)
{
	const char *dot = *name ? strchr(*name, '.') : NULL;
	for (enum config_block block = 0; dot && block < CONFIG_BLOCK_COUNT; block++)
		if (span_equal_nocase(span_of(config_blocks[block].word),
				      (struct span){*name, (size_t)(dot - *name)})) {
			*name = dot + 1;
			return block;
		}
	return CONFIG_BLOCK_COUNT;
}

bool config_doc_meant(const char *name, char *to, size_t size)
{
	enum config_block only = split_name(&name);
	bool found = false;
	for (enum config_block block = 0; name && !found && block < CONFIG_BLOCK_COUNT; block++) {
		struct str longer;
		if (only != CONFIG_BLOCK_COUNT && only != block)
			continue;
		str_init(&longer, size);
		const char *near = config_slip_setting(block, span_of(name));
		found = near || config_slip_longer(block, span_of(name), &longer);
		snprintf(to, size, "%s", near ? near : str_text(&longer));
		str_free(&longer);
	}
	return found;
}

bool config_doc_text(const char *name, struct str *to)
{
	enum config_block only = split_name(&name);
	bool found = false;
	for (enum config_block block = 0; block < CONFIG_BLOCK_COUNT; block++) {
		if (only != CONFIG_BLOCK_COUNT && only != block)
			continue;
		bool whole = !name || (only == CONFIG_BLOCK_COUNT && !strcasecmp(config_blocks[block].word, name));
		if (whole && block != CONFIG_GLOBAL)
			text_block(to, block);
		found = found || whole;
		for (size_t i = 0; i < config_setting_count; i++) {
			const struct config_setting *setting = &config_settings[i];
			if (setting->block != block || (!whole && strcasecmp(setting->name, name)))
				continue;
			text_setting(to, setting);
			found = true;
		}
	}
	return found;
}
