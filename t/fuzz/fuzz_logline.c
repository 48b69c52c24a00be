/* A line of a log is never read beyond its end, and quoted text makes no field of its own. */
#include <stdint.h>
#include <stdlib.h>

#include "ctl/logline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span part, struct span whole)
{
	if (part.len && (part.at < whole.at || part.at + part.len > whole.at + whole.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct logline line;
	char hour[LOGLINE_HOUR_MAX];
	if (!logline_parse(text, &line))
		return 0;
	inside(line.time, text);
	inside(line.program, text);
	inside(line.server, text);
	inside(line.text, text);
	if (!line.program.len || line.field_count > LOGLINE_FIELDS_MAX)
		abort();
	for (size_t i = 0; i < line.field_count; i++) {
		inside(line.fields[i].name, line.text);
		inside(line.fields[i].value, line.text);
		if (!line.fields[i].name.len)
			abort();
	}
	logline_hour(&line, hour);
	return 0;
}
