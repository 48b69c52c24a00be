/* Lines in the NCSA format: a row never points outside its line. */
#include "ctl/replay/ncsalog.h"
#include "t/fuzz/replay_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span line = {(const char *)data, size};
	struct row row;
	const char *why = NULL;
	if (ncsalog_row(line, &row, &why)) {
		MUST(ncsalog_likely(line));
		check_row(&row, line);
	} else {
		MUST(why);
	}
	return 0;
}
