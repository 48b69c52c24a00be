/* The table as lists in Markdown, for a page of doc/. */
#include <string.h>

#include "ctl/import/iis.h"
#include "ctl/import/wrap.h"

enum { REMARK_MAX = 4000 };

static void item(struct str *to, const char *text)
{
	str_append_text(to, "- ");
	wrap_text(to, text, 2, "  ");
}

static void taken(struct str *to)
{
	struct str text;
	str_init(&text, REMARK_MAX);
	for (size_t i = 0; i < IIS_COUNT; i++) {
		const struct iis_row *row = &iis_rows[i];
		bool server = row->block == CONFIG_SERVER;
		if (row->take == IIS_NOT || row->take == IIS_SECRET)
			continue;
		str_clear(&text);
		str_printf(&text, "**%s** → `%s%s%s`%s%s", row->property, server ? "" : config_blocks[row->block].word,
			   server ? "" : " ", row->setting[0] ? row->setting : "virtual_server",
			   row->doc[0] ? ": " : "", row->doc);
		item(to, str_text(&text));
	}
	str_free(&text);
}

static bool is_left(const struct iis_row *row)
{
	return row->take == IIS_NOT || row->take == IIS_SECRET;
}

/* Whether an earlier row has the same reason, and row I is told with it. */
static bool is_told(size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (is_left(&iis_rows[j]) && strcmp(iis_rows[j].doc, iis_rows[i].doc) == 0)
			return true;
	return false;
}

static void left(struct str *to)
{
	struct str text;
	str_init(&text, REMARK_MAX);
	for (size_t i = 0; i < IIS_COUNT; i++) {
		if (!is_left(&iis_rows[i]) || is_told(i))
			continue;
		str_clear(&text);
		for (size_t j = i; j < IIS_COUNT; j++)
			if (is_left(&iis_rows[j]) && strcmp(iis_rows[j].doc, iis_rows[i].doc) == 0)
				str_printf(&text, "%s%s", text.len ? ", " : "", iis_rows[j].property);
		str_printf(&text, ": %s", iis_rows[i].doc);
		item(to, str_text(&text));
	}
	str_free(&text);
}

void iis_doc(struct str *to)
{
	str_append_text(to, "\n## Taken\n\n");
	taken(to);
	str_append_text(to, "\n## Not taken\n\n");
	left(to);
	str_append_c(to, '\n');
}
