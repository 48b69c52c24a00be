#include "ctl/import/wrap.h"

#include <string.h>

void wrap_text(struct str *to, const char *text, size_t column, const char *begin)
{
	struct span rest = span_of(text);
	for (bool first = true; rest.len; first = false) {
		struct span word = span_take(&rest, ' ');
		if (!first && column + 1 + word.len > WRAP_COLUMNS) {
			str_printf(to, "\n%s", begin);
			column = strlen(begin);
		} else if (!first) {
			str_append_c(to, ' ');
			column++;
		}
		str_append(to, word);
		column += word.len;
	}
	str_append_c(to, '\n');
}
