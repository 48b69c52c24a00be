#include "ctl/import/wrap.h"

#include "common/base/utf8.h"

void wrap_text(struct str *to, const char *text, size_t column, const char *begin)
{
	struct span rest = span_of(text);
	for (bool first = true; rest.len; first = false) {
		size_t blank = !first && rest.at[0] == ' ';
		struct span word = utf8_piece(span_skip(rest, blank));
		rest = span_skip(rest, blank + word.len);
		if (!first && column + blank + utf8_columns(word) > WRAP_COLUMNS) {
			str_printf(to, "\n%s", begin);
			column = utf8_columns(span_of(begin));
		} else if (blank) {
			str_append_c(to, ' ');
			column++;
		}
		str_append(to, word);
		column += utf8_columns(word);
	}
	str_append_c(to, '\n');
}
