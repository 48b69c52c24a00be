#include "ctl/import/plan.h"

#include <stdio.h>
#include <string.h>

#include "ctl/import/wrap.h"

enum { ARENA_MAX = 64 * 1024 * 1024, INDENT = 4, COMMENT_COLUMN = 48, BEGIN_MAX = 64 };

void plan_init(struct plan *plan)
{
	*plan = (struct plan){.root.block = true};
	arena_init(&plan->arena, ARENA_MAX);
}

void plan_free(struct plan *plan)
{
	arena_free(&plan->arena);
	*plan = (struct plan){0};
}

const char *plan_vtext(struct plan *plan, const char *format, va_list args)
{
	struct str text;
	str_init(&text, ARENA_MAX);
	bool good = str_vprintf(&text, format, args);
	const char *kept = good ? arena_copy(&plan->arena, str_span(&text)) : NULL;
	str_free(&text);
	plan->no_memory |= !kept;
	return kept ? kept : "";
}

const char *plan_text(struct plan *plan, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	const char *text = plan_vtext(plan, format, args);
	va_end(args);
	return text;
}

struct plan_node *plan_line(struct plan *plan, struct plan_node *in, const char *text, const char *comment)
{
	static struct plan_node nowhere;
	struct plan_node *node = arena_alloc(&plan->arena, sizeof(*node));
	if (!node) {
		plan->no_memory = true;
		nowhere = (struct plan_node){.text = ""};
		return &nowhere;
	}
	*node = (struct plan_node){.text = text, .comment = comment};
	*(in->last ? &in->last->next : &in->first) = node;
	in->last = node;
	return node;
}

struct plan_node *plan_block(struct plan *plan, struct plan_node *in, const char *text)
{
	for (struct plan_node *node = in->first; node; node = node->next)
		if (node->block && strcmp(node->text, text) == 0)
			return node;
	struct plan_node *node = plan_line(plan, in, text, NULL);
	node->block = true;
	return node;
}

bool plan_is_set(const struct plan_node *block)
{
	for (const struct plan_node *node = block->first; node; node = node->next)
		if (node->block ? plan_is_set(node) : !node->off)
			return true;
	return false;
}

static void indent(struct str *to, unsigned depth)
{
	str_printf(to, "%*s", (int)(depth * INDENT), "");
}

/* TEXT as comment lines. */
static void write_above(struct str *to, unsigned depth, const char *text)
{
	char begin[BEGIN_MAX];
	snprintf(begin, sizeof(begin), "%*s# ", (int)(depth * INDENT), "");
	str_append_text(to, begin);
	wrap_text(to, text, strlen(begin), begin);
}

static void write_line(struct str *to, unsigned depth, const struct plan_node *node)
{
	size_t width = depth * INDENT + node->off + strlen(node->text);
	size_t gap = width < COMMENT_COLUMN ? COMMENT_COLUMN - width : 2;
	bool beside = node->comment && width + gap + 2 + strlen(node->comment) <= WRAP_COLUMNS;
	if (node->comment && !beside)
		write_above(to, depth, node->comment);
	indent(to, depth);
	str_printf(to, "%s%s", node->off ? "#" : "", node->text);
	if (beside)
		str_printf(to, "%*s# %s", (int)gap, "", node->comment);
	str_append_c(to, '\n');
}

static void write_block(struct str *to, unsigned depth, const struct plan_node *block)
{
	bool some = false, behind_block = false;
	for (const struct plan_node *node = block->first; node; node = node->next) {
		if (node->block && !node->first && !node->comment)
			continue;
		if (some && (node->block || behind_block))
			str_append_c(to, '\n');
		some = true;
		behind_block = node->block;
		if (!node->block) {
			write_line(to, depth, node);
			continue;
		}
		if (node->comment)
			write_above(to, depth, node->comment);
		indent(to, depth);
		str_printf(to, "%s {\n", node->text);
		write_block(to, depth + 1, node);
		indent(to, depth);
		str_append_text(to, "}\n");
	}
}

bool plan_write(const struct plan *plan, struct str *to)
{
	write_block(to, 0, &plan->root);
	return !plan->no_memory && !to->failed;
}
