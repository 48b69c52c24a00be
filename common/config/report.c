#include "common/config/report.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/language.h"

/* Of a longer line only the part around the caret is shown. */
enum { LINE_SHOWN = 160, LINE_BEFORE_CARET = 100 };

/* Bounds messages: a word may be as long as its file. */
enum { MESSAGE_MAX = 4096 };

/* Names of settings are shorter, so a longer word is near none of them. */
enum { NEAREST_WORD_MAX = 48 };

static void add(struct config_findings *f, struct config_at at, bool warning, const char *format, va_list args)
{
	if (warning)
		f->warnings++;
	else
		f->errors++;
	if (f->n == FINDINGS_MAX)
		return;
	char message[MESSAGE_MAX];
	vsnprintf(message, sizeof(message), format, args);
	for (char *octet = message; *octet; octet++)
		if (iscntrl((unsigned char)*octet))
			*octet = '?';
	char *text = strdup(message);
	if (!text) {
		f->no_memory = true;
		return;
	}
	f->at[f->n++] = (struct config_finding){.at = at, .warning = warning, .text = text};
}

void config_error(struct config_findings *f, struct config_at at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add(f, at, false, format, args);
	va_end(args);
}

void config_warning(struct config_findings *f, struct config_at at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add(f, at, true, format, args);
	va_end(args);
}

static bool continues_character(char octet)
{
	return ((unsigned char)octet & 0xc0) == 0x80;
}

/* The part of the line around AT that is shown, and the offset of AT in it. */
static struct span shown_line(const struct config_at *at, size_t *caret)
{
	struct span text = at->source->text;
	size_t offset = at->offset < text.len ? at->offset : text.len;
	size_t begin = offset, end = offset;
	while (begin && text.at[begin - 1] != '\n')
		begin--;
	while (end < text.len && text.at[end] != '\n')
		end++;
	if (offset - begin > LINE_BEFORE_CARET)
		begin = offset - LINE_BEFORE_CARET;
	while (begin < offset && continues_character(text.at[begin]))
		begin++;
	if (end - begin > LINE_SHOWN)
		end = begin + LINE_SHOWN;
	while (end > begin && end < text.len && continues_character(text.at[end]))
		end--;
	*caret = offset - begin;
	return (struct span){text.at + begin, end - begin};
}

static unsigned column_of(const struct config_at *at)
{
	struct span text = at->source->text;
	unsigned column = 1;
	for (size_t i = at->offset < text.len ? at->offset : text.len; i && text.at[i - 1] != '\n'; i--)
		column += !continues_character(text.at[i - 1]);
	return column;
}

/* The caret is placed by characters; tabs are kept, so the place is right for any tab width. */
static void append_line(const struct config_at *at, struct str *to)
{
	size_t caret;
	struct span line = shown_line(at, &caret);
	for (size_t i = 0; i < line.len; i++) {
		unsigned char octet = (unsigned char)line.at[i];
		bool plain = octet == '\t' || (octet >= ' ' && octet != 0x7f);
		if (octet != '\r' || i + 1 != line.len)
			str_append_c(to, plain ? line.at[i] : '?');
	}
	str_append_c(to, '\n');
	for (size_t i = 0; i < caret; i++)
		if (!continues_character(line.at[i]))
			str_append_c(to, line.at[i] == '\t' ? '\t' : ' ');
	str_append_text(to, "^\n");
}

static void append_finding(const struct config_finding *finding, struct str *to)
{
	const char *what = finding->warning ? _("warning") : _("error");
	if (!finding->at.source) {
		str_printf(to, "%s: %s\n", what, finding->text);
		return;
	}
	str_printf(to, "%s:%u:%u: %s: %s\n", finding->at.source->name, finding->at.line, column_of(&finding->at), what,
		   finding->text);
	append_line(&finding->at, to);
}

static int by_place(const void *a, const void *b)
{
	const struct config_finding *x = a, *y = b;
	if (x->at.token != y->at.token)
		return x->at.token < y->at.token ? -1 : 1;
	return x->at.offset < y->at.offset ? -1 : x->at.offset > y->at.offset;
}

void config_findings_flush(struct config_findings *f, struct config_report *report)
{
	qsort(f->at, f->n, sizeof(f->at[0]), by_place);
	for (size_t i = 0; i < f->n; i++) {
		append_finding(&f->at[i], &report->text);
		free(f->at[i].text);
	}
	if (f->errors + f->warnings > FINDINGS_MAX)
		str_printf(&report->text, _("and %u more\n"), f->errors + f->warnings - FINDINGS_MAX);
	if (f->no_memory) {
		str_append_text(&report->text, _("error: not enough memory for this configuration\n"));
		f->errors++;
	}
	report->errors += f->errors;
	report->warnings += f->warnings;
	report->passing |= f->no_memory || f->passing;
	memset(f, 0, sizeof(*f));
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;
	return least < c ? least : c;
}

/* Levenshtein distance; a swap of neighbours counts as one, case is ignored. Both have at most NEAREST_WORD_MAX octets.
 */
static size_t edit_distance(struct span a, struct span b)
{
	size_t rows[3][NEAREST_WORD_MAX + 1];
	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *twice = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			int x = tolower((unsigned char)a.at[i - 1]), y = tolower((unsigned char)b.at[j - 1]);
			row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x != y && x == tolower((unsigned char)b.at[j - 2]) &&
			    y == tolower((unsigned char)a.at[i - 2]) && twice[j - 2] + 1 < row[j])
				row[j] = twice[j - 2] + 1;
		}
	}
	return rows[a.len % 3][b.len];
}

void config_nearest_offer(struct config_nearest *nearest, const char *name)
{
	struct span known = span_of(name);
	if (!nearest->word.len || nearest->word.len > NEAREST_WORD_MAX || known.len > NEAREST_WORD_MAX)
		return;
	size_t distance = edit_distance(nearest->word, known);
	size_t allowed = known.len < 5 ? 1 : known.len < 9 ? 2 : 3;
	if (distance <= allowed && (!nearest->name || distance < nearest->distance)) {
		nearest->name = name;
		nearest->distance = distance;
	}
}
