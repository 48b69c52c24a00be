/* Lines in the W3C format, with directives between them: a row never points outside its line. */
#include "ctl/replay/w3clog.h"
#include "t/fuzz/replay_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size}, line;
	struct w3clog w3c;
	struct row row;
	w3clog_init(&w3c, ROW_NO_TIME);
	while (span_line(&text, &line)) {
		const char *why = NULL;
		if (line.len && line.at[0] == '#')
			MUST(w3clog_directive(&w3c, line, &why) || why);
		else if (w3clog_row(&w3c, line, &row, &why))
			check_row(&row, line);
		else
			MUST(why);
		MUST(w3c.count <= W3CLOG_FIELDS_MAX);
	}
	return 0;
}
