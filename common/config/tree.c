#include "common/config/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/config/include.h"
#include "common/config/lex.h"

/* Octets: enough for every word, statement, path and text within the bounds of tree.h. */
enum { TREE_MEMORY_MAX = 96 << 20 };

struct reader {
	struct config_tree *tree;
	struct config_findings *findings;
	struct config_word *words; /* of the statement being read */
	size_t word_count, word_room;
	uint32_t token;
	unsigned files;
	size_t octets;
	bool canonical;
};

/* One text that is being read; NOW is the current token. */
struct input {
	struct reader *reader;
	struct config_lexer lexer;
	struct config_token now;
	const struct config_open *open; /* NULL: from memory */
	unsigned depth;                 /* number of blocks that are open in this text */
};

static void read_statements(struct input *in, struct config_node *parent);

struct config_at config_word_at(const struct config_node *node, size_t n)
{
	if (n >= node->word_count)
		return (struct config_at){node->source, 0, 1, node->token};
	return (struct config_at){node->source, node->words[n].offset, node->line, node->token + (uint32_t)n};
}

struct span config_node_name(const struct config_node *node)
{
	return node->word_count ? node->words[0].text : (struct span){"", 0};
}

bool config_node_is(const struct config_node *node, const char *name)
{
	return span_equal_nocase(config_node_name(node), span_of(name));
}

static const struct config_node *node_with(const struct config_node *parent, uint32_t token)
{
	for (const struct config_node *node = parent->first; node; node = node->next) {
		if (token >= node->token && token - node->token < node->word_count)
			return node;
		const struct config_node *found = node_with(node, token);
		if (found)
			return found;
	}
	return NULL;
}

struct config_at config_origin_at(const struct config_tree *tree, struct config_origin origin)
{
	const struct config_node *node = origin.token ? node_with(&tree->root, origin.token) : NULL;
	return node ? config_word_at(node, origin.token - node->token) : config_word_at(&tree->root, 0);
}

static void advance(struct input *in)
{
	config_lex(&in->lexer, &in->now);
}

static void keep_word(struct reader *reader, const struct config_token *token)
{
	if (reader->word_count == reader->word_room) {
		size_t room = reader->word_room ? 2 * reader->word_room : 64;
		struct config_word *words = reallocarray(reader->words, room, sizeof(*words));
		if (!words) {
			reader->findings->no_memory = true;
			return;
		}
		reader->words = words;
		reader->word_room = room;
	}
	reader->words[reader->word_count++] = (struct config_word){token->text, token->at.offset};
}

/* Reads the words of a statement as a node without parent. NULL without memory. */
static struct config_node *read_words(struct input *in)
{
	struct reader *reader = in->reader;
	struct config_at at = in->now.at;
	reader->word_count = 0;
	for (; in->now.kind == TOKEN_WORD; advance(in))
		keep_word(reader, &in->now);
	struct config_node *node = arena_alloc(&reader->tree->arena, sizeof(*node));
	size_t size = reader->word_count * sizeof(*node->words);
	struct config_word *words = node && size ? arena_alloc(&reader->tree->arena, size) : NULL;
	if (!words) {
		reader->findings->no_memory = true;
		return NULL;
	}
	memcpy(words, reader->words, size);
	*node = (struct config_node){.source = at.source, .line = at.line, .token = at.token};
	node->words = words;
	node->word_count = reader->word_count;
	return node;
}

static void append_node(struct config_node *parent, struct config_node *node)
{
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
}

/* Reads the block that opens at NOW into NODE. */
static void read_block(struct input *in, struct config_node *node)
{
	struct config_at brace = in->now.at;
	node->block = true;
	if (in->depth == CONFIG_BLOCK_DEPTH) {
		config_error(in->reader->findings, brace, _("blocks more than %d deep"), CONFIG_BLOCK_DEPTH);
		in->lexer.offset = in->lexer.source->text.len;
		advance(in);
		return;
	}
	in->depth++;
	advance(in);
	read_statements(in, node);
	in->depth--;
	if (in->now.kind == TOKEN_CLOSE)
		advance(in);
	else if (in->reader->token <= CONFIG_TOKENS_MAX)
		config_error(in->reader->findings, brace, _("this { is not closed in its file"));
}

static bool read_file(struct reader *reader, const char *path, const struct config_open *outer,
		      struct config_node *parent, struct config_at at);

static void include_all(struct input *in, struct config_node *parent, const glob_t *paths, struct config_at at)
{
	struct reader *reader = in->reader;
	for (size_t i = 0; i < paths->gl_pathc; i++) {
		const char *path = arena_copy(&reader->tree->arena, span_of(paths->gl_pathv[i]));
		if (!path)
			reader->findings->no_memory = true;
		else if (!read_file(reader, path, in->open, parent, at))
			return;
	}
}

static void include(struct input *in, struct config_node *parent, const struct config_node *node)
{
	struct reader *reader = in->reader;
	const char *why;
	struct config_at at = config_word_at(node, 1);
	if (node->word_count != 2 || !node->words[1].text.len || in->now.kind == TOKEN_OPEN) {
		config_error(reader->findings, config_word_at(node, 0), _("include needs one path and nothing else"));
		return;
	}
	if (!in->open) {
		config_error(reader->findings, at, _("include works in files only"));
		return;
	}
	if (!config_include_is_pattern(node->words[1].text)) {
		const char *path = config_include_path(&reader->tree->arena, in->open->path, node->words[1].text);
		if (path)
			read_file(reader, path, in->open, parent, at);
		else
			reader->findings->no_memory = true;
		return;
	}
	glob_t paths;
	if (!config_include_glob(in->open->path, node->words[1].text, &paths, &why)) {
		config_error(reader->findings, at, _("can't list \"%.*s\": %s"), SPAN_ARGS(node->words[1].text), why);
		return;
	}
	include_all(in, parent, &paths, at);
	globfree(&paths);
}

static void read_statement(struct input *in, struct config_node *parent)
{
	struct config_node *node = read_words(in);
	if (!node)
		return;
	if (span_equal_nocase(config_node_name(node), SPAN("include"))) {
		include(in, parent, node);
		return;
	}
	append_node(parent, node);
	if (in->now.kind == TOKEN_OPEN)
		read_block(in, node);
}

/* A { at the start of a line is read as that of the statement before, so that one mistake gives one error. */
static void read_stray_block(struct input *in, struct config_node *parent)
{
	struct config_node nowhere = {.source = in->now.at.source};
	config_error(in->reader->findings, in->now.at, _("{ belongs on the line of the block's name"));
	read_block(in, parent->last && !parent->last->block ? parent->last : &nowhere);
}

/* Reads up to the end of the text, or up to the } of PARENT, which stays the current token. */
static void read_statements(struct input *in, struct config_node *parent)
{
	struct config_findings *findings = in->reader->findings;
	for (bool line_ended = true; in->now.kind != TOKEN_END;) {
		switch (in->now.kind) {
		case TOKEN_WORD:
			if (!line_ended)
				config_error(findings, in->now.at, _("after } a new line or ; is missing"));
			read_statement(in, parent);
			break;
		case TOKEN_OPEN:
			read_stray_block(in, parent);
			break;
		case TOKEN_CLOSE:
			if (in->depth)
				return;
			config_error(findings, in->now.at, _("this } has no { in its file"));
			advance(in);
			break;
		default:
			line_ended = true;
			advance(in);
			continue;
		}
		line_ended = false;
	}
}

static void read_source(struct reader *reader, struct config_source *source, const struct config_open *open,
			struct config_node *parent)
{
	struct input in = {.reader = reader, .open = open};
	in.lexer = (struct config_lexer){.source = source,
					 .arena = &reader->tree->arena,
					 .findings = reader->findings,
					 .token = &reader->token,
					 .line = 1,
					 .canonical = reader->canonical};
	advance(&in);
	read_statements(&in, parent);
}

/* Adds a copy of TEXT as a source. NULL without memory. */
static struct config_source *add_source(struct reader *reader, const char *name, struct span text)
{
	struct config_source *source = arena_alloc(&reader->tree->arena, sizeof(*source));
	const char *copy = arena_copy(&reader->tree->arena, text);
	if (!source || !copy) {
		reader->findings->no_memory = true;
		return NULL;
	}
	*source = (struct config_source){name, {copy, text.len}, reader->tree->sources};
	reader->tree->sources = source;
	reader->octets += text.len;
	reader->files++;
	return source;
}

/* AT is the place where an include names PATH. False if no further file can be read. */
static bool read_file(struct reader *reader, const char *path, const struct config_open *outer,
		      struct config_node *parent, struct config_at at)
{
	struct config_open open;
	struct str text;
	const char *why;
	if (outer && outer->depth == CONFIG_INCLUDE_DEPTH) {
		config_error(reader->findings, at, _("includes more than %d deep"), CONFIG_INCLUDE_DEPTH);
		return false;
	}
	if (reader->files == CONFIG_FILES_MAX || reader->octets >= CONFIG_TEXT_MAX) {
		config_error(reader->findings, at, _("more than %d files or %d MiB in one configuration"),
			     CONFIG_FILES_MAX, CONFIG_TEXT_MAX >> 20);
		return false;
	}
	str_init(&text, CONFIG_TEXT_MAX);
	int err = config_include_read(path, outer, CONFIG_TEXT_MAX - reader->octets, &text, &open, &why);
	if (err)
		config_error(reader->findings, at, _("can't read %s: %s"), path, why);
	reader->findings->passing |= err && err != -EFBIG && !fd_error_lasts(err);
	struct config_source *source = !err ? add_source(reader, path, str_span(&text)) : NULL;
	str_free(&text);
	if (!source)
		return true;
	if (!outer) {
		reader->tree->root.source = source;
		reader->tree->complete = true;
	}
	read_source(reader, source, &open, parent);
	return true;
}

static struct config_tree *new_tree(const char *name, struct reader *reader)
{
	struct config_tree *tree = calloc(1, sizeof(*tree));
	if (!tree)
		return NULL;
	arena_init(&tree->arena, TREE_MEMORY_MAX);
	reader->tree = tree;
	const char *copy = arena_copy(&tree->arena, span_of(name));
	tree->root.source = copy ? add_source(reader, copy, (struct span){"", 0}) : NULL;
	if (tree->root.source)
		return tree;
	config_tree_free(tree);
	return NULL;
}

struct config_tree *config_read(const char *file, struct config_report *report)
{
	struct config_findings findings = {0};
	struct reader reader = {.findings = &findings};
	struct config_tree *tree = new_tree(file, &reader);
	if (tree)
		read_file(&reader, tree->root.source->name, NULL, &tree->root, (struct config_at){0});
	free(reader.words);
	config_findings_flush(&findings, report);
	return tree;
}

static struct config_tree *read_memory(const char *name, struct span text, size_t max, struct reader *reader)
{
	struct config_tree *tree = new_tree(name, reader);
	if (!tree)
		return NULL;
	struct config_source *source = NULL;
	if (text.len > max)
		config_error(reader->findings, config_word_at(&tree->root, 0), _("more than %zu MiB"), max >> 20);
	else
		source = add_source(reader, tree->root.source->name, text);
	if (source) {
		tree->root.source = source;
		tree->complete = true;
		read_source(reader, source, NULL, &tree->root);
	}
	free(reader->words);
	return tree;
}

struct config_tree *config_read_text(const char *name, struct span text, struct config_report *report)
{
	struct config_findings findings = {0};
	struct reader reader = {.findings = &findings};
	struct config_tree *tree = read_memory(name, text, CONFIG_TEXT_MAX, &reader);
	config_findings_flush(&findings, report);
	return tree;
}

struct config_tree *config_read_canonical(struct span text, struct config_findings *findings)
{
	struct reader reader = {.findings = findings, .canonical = true};
	return read_memory("", text, CONFIG_CANONICAL_MAX, &reader);
}

void config_tree_free(struct config_tree *tree)
{
	if (!tree)
		return;
	arena_free(&tree->arena);
	free(tree);
}
