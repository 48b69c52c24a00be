#include "smtpd/session/command.h"
#include "t/fuzz/must.h"

static bool inside(struct span part, struct span whole)
{
	return !part.len || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span line = {(const char *)data, size}, path = {0};
	struct command command;
	uint64_t octets = 0;
	bool last = false;
	command_parse(line, &command);
	MUST(command.verb < COMMAND_COUNT && span_equal(command.line, line) && inside(command.args, line));
	MUST(!command.args.len || (command.args.at[0] != ' ' && command.args.at[command.args.len - 1] != ' '));
	for (size_t i = 0; i < size; i++)
		MUST(!command.clean || data[i] == '\t' || (data[i] >= ' ' && data[i] <= '~'));
	if (command_path(command.args, SPAN("FROM:"), &path))
		MUST(inside(path, command.args) && span_starts_nocase(command.args, SPAN("FROM")));
	if (command_chunk(command.args, &octets, &last))
		MUST(octets <= INT64_MAX && command.args.at[0] >= '0' && command.args.at[0] <= '9');
	return 0;
}
