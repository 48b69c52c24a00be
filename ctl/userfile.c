#include "ctl/userfile.h"

/* Takes the next line, including its line end. */
static struct span take_line(struct span *text)
{
	size_t end = span_find(*text, '\n');
	struct span line = {text->at, end < text->len ? end + 1 : end};
	*text = span_skip(*text, line.len);
	return line;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_of(struct span line, struct span name)
{
	size_t end = 0;
	line = span_trim(line);
	while (end < line.len && !is_blank(line.at[end]))
		end++;
	return span_equal_nocase((struct span){line.at, end}, name);
}

size_t userfile_edit(struct span text, struct span name, struct span line, struct str *to)
{
	size_t found = 0;
	while (text.len) {
		struct span old = take_line(&text);
		if (!is_of(old, name))
			str_append(to, old);
		else if (!found++)
			str_append(to, line);
	}
	if (to->len && to->at[to->len - 1] != '\n')
		str_append_c(to, '\n');
	if (!found)
		str_append(to, line);
	return found;
}
