#include "ctl/import/report.h"

#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/base/utf8.h"
#include "ctl/import/wrap.h"

#define ROW_BEGIN "               "

enum { ARENA_MAX = 128 * 1024 * 1024, TODO_MAX = 4000, VALUE_SHOWN_MAX = 64, OUTCOME_COLUMNS = 12 };

static const char *const outcomes[REPORT_OUTCOME_COUNT] = {
	[REPORT_TAKEN] = N_("taken"),   [REPORT_CHANGED] = N_("changed"), [REPORT_DOUBT] = N_("look at this"),
	[REPORT_NOT] = N_("not taken"), [REPORT_UNKNOWN] = N_("unknown"),
};

void report_init(struct report *report)
{
	*report = (struct report){0};
	arena_init(&report->arena, ARENA_MAX);
}

void report_free(struct report *report)
{
	arena_free(&report->arena);
	*report = (struct report){0};
}

static const char *keep(struct report *report, struct span text)
{
	const char *kept = arena_copy(&report->arena, text);
	report->no_memory |= !kept;
	return kept ? kept : "";
}

/* VALUE without control characters, cut to MOST octets. */
static const char *clean(struct report *report, const char *value, size_t most)
{
	char text[TODO_MAX];
	size_t len = language_foreign() ? utf8_clean(span_of(value), text, most - 4)
					: span_clean(span_of(value), text, most - 4);
	if (strlen(value) > len)
		snprintf(text + len, 4, "...");
	return keep(report, span_of(text));
}

void report_add(struct report *report, const char *part, enum report_outcome outcome, const struct metabase_key *key,
		const struct metabase_property *property, const char *value, const char *text)
{
	struct report_row *row = arena_alloc(&report->arena, sizeof(*row));
	if (!row) {
		report->no_memory = true;
		return;
	}
	*row = (struct report_row){.part = part, .outcome = outcome, .line = property->line};
	bool whole = outcome == REPORT_DOUBT || outcome == REPORT_UNKNOWN;
	row->property = property->name[0] ? clean(report, property->name, REPORT_VALUE_MAX) : "Custom element";
	row->value = clean(report, value, whole ? REPORT_VALUE_MAX : VALUE_SHOWN_MAX);
	row->location = clean(report, key->location, REPORT_VALUE_MAX);
	row->text = clean(report, text, REPORT_VALUE_MAX);
	*(report->last_row ? &report->last_row->next : &report->rows) = row;
	report->last_row = row;
	report->counts[outcome]++;
}

void report_todo(struct report *report, const char *format, ...)
{
	char text[TODO_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (struct report_todo *todo = report->todos; todo; todo = todo->next)
		if (strcmp(todo->text, text) == 0)
			return;
	struct report_todo *todo = arena_alloc(&report->arena, sizeof(*todo));
	if (!todo) {
		report->no_memory = true;
		return;
	}
	*todo = (struct report_todo){.text = clean(report, text, TODO_MAX)};
	*(report->last_todo ? &report->last_todo->next : &report->todos) = todo;
	report->last_todo = todo;
	report->todo_count++;
}

void report_write_todos(const struct report *report, struct str *to)
{
	unsigned n = 0;
	for (const struct report_todo *todo = report->todos; todo; todo = todo->next) {
		str_printf(to, "%4u. ", ++n);
		wrap_text(to, todo->text, 6, "      ");
	}
}

static void write_row(struct str *to, const struct report_row *row)
{
	const char *outcome = _(outcomes[row->outcome]);
	size_t columns = utf8_columns(span_of(outcome));
	str_printf(to, "  %s%*s ", outcome, columns < OUTCOME_COLUMNS ? (int)(OUTCOME_COLUMNS - columns) : 0, "");
	str_printf(to, _("%s \"%s\" (%s, line %lu)\n"), row->property, row->value, row->location, row->line);
	str_append_text(to, ROW_BEGIN);
	wrap_text(to, row->text, strlen(ROW_BEGIN), ROW_BEGIN);
}

/*
 * The rows of the part that begins with FIRST: what a person has to look at comes first. Returns the first row of the
 * next part.
 */
static const struct report_row *write_part(const struct report_row *first, struct str *to)
{
	static const enum report_outcome order[] = {REPORT_DOUBT, REPORT_UNKNOWN, REPORT_CHANGED, REPORT_NOT,
						    REPORT_TAKEN};
	const struct report_row *end = first;
	while (end && strcmp(end->part, first->part) == 0)
		end = end->next;
	str_printf(to, "\n%s\n\n", _(first->part));
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		for (const struct report_row *row = first; row != end; row = row->next)
			if (row->outcome == order[i])
				write_row(to, row);
	return end;
}

bool report_write(const struct report *report, const char *file, struct str *to)
{
	str_printf(to, _("Import of %s\n\nTo do\n\n"), file);
	report_write_todos(report, to);
	if (!report->todos)
		str_append_text(to, _("  Nothing.\n"));
	str_printf(
		to,
		_("\nProperties: %u taken, %u changed, %u to look at, %u not taken, %u unknown. A property that several virtual servers inherit counts for each.\n"),
		report->counts[REPORT_TAKEN], report->counts[REPORT_CHANGED], report->counts[REPORT_DOUBT],
		report->counts[REPORT_NOT], report->counts[REPORT_UNKNOWN]);
	for (const struct report_row *row = report->rows; row;)
		row = write_part(row, to);
	return !report->no_memory && !to->failed;
}
