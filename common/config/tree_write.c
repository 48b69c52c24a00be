#include "common/config/build.h"

/* The writer tracks the origin that the reader of the canonical text has at this point. */
struct writer {
	struct str *to;
	unsigned role;
	const char *file;
	uint32_t line;
};

/* Sets the origin to LINE of FILE; writes nothing if it is already there. */
static void write_origin(struct writer *w, const char *file, uint32_t line)
{
	if (w->file != file) {
		str_printf(w->to, "#line %u \"%s\"\n", line, file);
		w->file = file;
	} else if (w->line != line) {
		str_printf(w->to, "#line %u\n", line);
	}
	w->line = line;
}

static void end_line(struct writer *w, const char *end)
{
	str_append_text(w->to, end);
	w->line++;
}

static void write_words(struct writer *w, const struct config_node *node)
{
	write_origin(w, node->source->name, node->line);
	for (size_t i = 0; i < node->word_count; i++) {
		if (i)
			str_append_c(w->to, ' ');
		config_format_word(w->to, node->words[i].text);
	}
}

static void write_block(struct writer *w, enum config_block block, const struct config_node *node);

/* Settings that are only shown go to the queue, which shows them. */
static bool sees(unsigned role, unsigned roles)
{
	return (roles & role) || ((roles & ROLE_SHOWN) && (role & ROLE_QUEUE));
}

static void write_statement(struct writer *w, enum config_block parent, const struct config_node *node)
{
	const struct config_setting *setting = config_setting_find(parent, config_node_name(node));
	enum config_block block = config_block_find(parent, config_node_name(node));
	if (setting && sees(w->role, setting->roles)) {
		write_words(w, node);
		end_line(w, "\n");
	} else if (!setting && block != CONFIG_BLOCK_COUNT && block != CONFIG_SERVER) {
		write_words(w, node);
		end_line(w, node->block ? " {\n" : "\n");
		write_block(w, block, node);
		if (node->block)
			end_line(w, "}\n");
	}
}

static void write_block(struct writer *w, enum config_block block, const struct config_node *node)
{
	for (const struct config_node *child = node->first; child; child = child->next)
		write_statement(w, block, child);
}

static bool has_setting(const struct config_node *node, const char *name)
{
	for (const struct config_node *child = node->first; child; child = child->next)
		if (config_node_is(child, name))
			return true;
	return false;
}

/* Master determines the name of the machine once; line 0 marks it as a default. */
static void write_server(struct writer *w, const struct config_node *node, const char *hostname)
{
	write_words(w, node);
	end_line(w, " {\n");
	write_block(w, CONFIG_SERVER, node);
	if (!has_setting(node, "fqdn")) {
		write_origin(w, node->source->name, 0);
		str_append_text(w->to, "fqdn ");
		config_format_word(w->to, span_of(hostname));
		end_line(w, "\n");
	}
	end_line(w, "}\n");
}

void config_tree_write(const struct config_tree *tree, const char *hostname, const char *server, unsigned role,
		       struct str *to)
{
	struct writer w = {.to = to, .role = role};
	write_block(&w, CONFIG_GLOBAL, &tree->root);
	for (const struct config_node *node = tree->root.first; node; node = node->next) {
		bool is_server = config_block_find(CONFIG_GLOBAL, config_node_name(node)) == CONFIG_SERVER;
		if (is_server && node->word_count > 1 &&
		    (!server || span_equal_nocase(node->words[1].text, span_of(server))))
			write_server(&w, node, hostname);
	}
}
