#include "ctl/top/text.h"

#include <stdio.h>

#include "common/base/str.h"
#include "ctl/top/canvas.h"

enum { TEXT_MAX = 1 << 20, LINE_MAX = 4096, INDENT = 4, WIDTH_MIN = 20 };

const struct columns text_columns = {1, {{"", COLUMNS_TEXT, 1, 4096, 0}}};

/* How much of TEXT goes on one line of WIDTH: up to the last blank that fits, if there is one behind the indent. */
static size_t piece_of(struct span text, size_t width)
{
	size_t len = canvas_fit(text, width);
	if (len == text.len)
		return len;
	for (size_t at = len; at > INDENT; at--)
		if (text.at[at] == ' ')
			return at;
	return len ? len : 1;
}

static void add_line(struct rows *rows, size_t width, struct span line)
{
	size_t indent = 0;
	do {
		char text[LINE_MAX];
		size_t len = piece_of(line, width - indent);
		snprintf(text, sizeof(text), "%*s%.*s", (int)indent, "", (int)len, line.at ? line.at : "");
		rows_add(rows, &(struct row){.cells = {text}});
		line = span_skip(line, len);
		while (line.len && line.at[0] == ' ')
			line = span_skip(line, 1);
		indent = INDENT;
	} while (line.len);
}

void text_add(struct rows *rows, size_t width, struct span text)
{
	struct span line;
	while (span_line(&text, &line))
		add_line(rows, width < WIDTH_MIN ? WIDTH_MIN : width, line);
}

void text_printf(struct rows *rows, size_t width, const char *format, ...)
{
	struct str text;
	va_list args;
	str_init(&text, TEXT_MAX);
	va_start(args, format);
	str_vprintf(&text, format, args);
	va_end(args);
	text_add(rows, width, str_span(&text));
	str_free(&text);
}
