#include "ctl/top/canvas.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"

enum { ARENA_MAX = 16 << 20, TEXT_MAX = 8192 };

void canvas_init(struct canvas *canvas, size_t lines, size_t columns, bool utf8)
{
	*canvas = (struct canvas){.lines = lines, .columns = columns, .utf8 = utf8};
	arena_init(&canvas->arena, ARENA_MAX);
}

void canvas_free(struct canvas *canvas)
{
	arena_free(&canvas->arena);
	free(canvas->runs);
	canvas->runs = NULL;
	canvas->n = canvas->capacity = 0;
}

void canvas_at(struct canvas *canvas, size_t line, size_t column)
{
	canvas->line = line;
	canvas->column = column;
}

size_t canvas_fit(struct span text, size_t width)
{
	size_t used = 0;
	while (used < text.len) {
		struct span rest = span_skip(text, used);
		size_t len = utf8_length(rest), octets = len ? len : 1;
		size_t columns = utf8_columns((struct span){rest.at, octets});
		if (columns > width)
			break;
		width -= columns;
		used += octets;
	}
	return used;
}

static void add(struct canvas *canvas, enum canvas_style style, const char *text)
{
	if (canvas->n == canvas->capacity) {
		size_t wanted = canvas->capacity ? canvas->capacity * 2 : 256;
		struct canvas_run *more = reallocarray(canvas->runs, wanted, sizeof(*more));
		if (!more)
			return;
		canvas->runs = more;
		canvas->capacity = wanted;
	}
	canvas->runs[canvas->n++] = (struct canvas_run){canvas->line, canvas->column, style, text};
}

/* TEXT as it may be shown, in TO of TEXT_MAX. */
static struct span clean(const struct canvas *canvas, struct span text, char *to)
{
	size_t len = canvas->utf8 ? utf8_clean(text, to, TEXT_MAX) : span_clean(text, to, TEXT_MAX);
	return (struct span){to, len};
}

void canvas_put(struct canvas *canvas, enum canvas_style style, enum canvas_align align, size_t width, struct span text)
{
	char cleaned[TEXT_MAX];
	size_t left = canvas->columns > canvas->column ? canvas->columns - canvas->column : 0;
	if (width > left)
		width = left;
	if (!width || canvas->line >= canvas->lines)
		return;
	struct span shown = clean(canvas, text, cleaned);
	const char *mark = "";
	if (utf8_columns(shown) > width) {
		shown.len = canvas_fit(shown, width - 1);
		mark = canvas->utf8 ? "\xe2\x80\xa6" : "~";
	}
	size_t blanks = width - utf8_columns(shown) - (mark[0] != '\0');
	const char *kept = arena_printf(&canvas->arena, "%*s%.*s%s%*s", align == CANVAS_RIGHT ? (int)blanks : 0, "",
					SPAN_ARGS(shown), mark, align == CANVAS_LEFT ? (int)blanks : 0, "");
	if (kept)
		add(canvas, style, kept);
	canvas->column += width;
}

void canvas_rest(struct canvas *canvas, enum canvas_style style, struct span text)
{
	canvas_put(canvas, style, CANVAS_LEFT, canvas->columns, text);
}
