#include "ctl/replay/row.h"

#include "common/base/language.h"

static bool is_blank(const struct row *row, char octet)
{
	return octet == ' ' || octet == '\t' || (row->plus && octet == '+');
}

struct span row_value(struct span text)
{
	text = span_trim(text);
	return text.len == 1 && text.at[0] == '-' ? (struct span){NULL, 0} : text;
}

bool row_is(const struct row *row, const char *verb)
{
	struct span first = row->verb;
	size_t len = 0;
	while (len < first.len && !is_blank(row, first.at[len]) && first.at[len] != '+')
		len++;
	first.len = len;
	return span_equal_nocase(first, span_of(verb));
}

static struct span skip_blanks(const struct row *row, struct span text)
{
	while (text.len && is_blank(row, text.at[0]))
		text = span_skip(text, 1);
	return text;
}

/* A path in brackets may have a + that is no blank; without brackets the first blank behind the @ is its end. */
static struct span path_of(const struct row *row, struct span text)
{
	size_t end = 0;
	bool domain = false;
	if (text.len && text.at[0] == '<')
		end = span_find(text, '>') + 1;
	while (text.len && text.at[0] != '<' && end < text.len && !(domain && is_blank(row, text.at[end])))
		domain |= text.at[end++] == '@';
	text.len = end < text.len ? end : text.len;
	return text;
}

bool row_address(const struct row *row, const char *word, struct address *out, const char **why)
{
	struct span text = skip_blanks(row, row->rest), rest;
	if (span_starts_nocase(text, span_of(word)))
		text = skip_blanks(row, span_skip(text, span_of(word).len));
	*why = N_("no address");
	return text.len && address_parse_path(path_of(row, text), out, &rest, why);
}
