/* Lines in the Microsoft IIS format: a row never points outside its line. */
#include "ctl/replay/iislog.h"
#include "t/fuzz/replay_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span line = {(const char *)data, size};
	struct row row;
	const char *why = NULL;
	iislog_likely(line);
	if (iislog_row(line, ROW_NO_TIME, &row, &why))
		check_row(&row, line);
	else
		MUST(why);
	return 0;
}
