#include "common/mail/journal.h"
#include "t/fuzz/must.h"

/* Any host and text give one line, which can be read again. */
static void check_format(struct span in)
{
	struct journal_line line = {.event = JOURNAL_DELAYED, .code = 451, .enhanced = {4, 3, 0}};
	struct journal_line again;
	struct str out;
	line.host = span_take(&in, '\n');
	line.text = in;
	str_init(&out, 2 * JOURNAL_LINE_MAX);
	journal_format(&line, &out);
	MUST(out.len > 0 && out.len <= JOURNAL_LINE_MAX && span_find(str_span(&out), '\n') == out.len - 1);
	MUST(journal_parse((struct span){out.at, out.len - 1}, &again) && again.event == JOURNAL_DELAYED);
	str_free(&out);
}

/* An accepted line is one that we could have written (except for the bound of the text). */
static void check_parse(struct span in)
{
	struct journal_line line;
	struct str out;
	if (!journal_parse(in, &line))
		return;
	MUST(line.first <= line.last && line.event < JOURNAL_EVENT_COUNT);
	str_init(&out, 2 * JOURNAL_LINE_MAX);
	journal_format(&line, &out);
	MUST(out.len > 0 && span_starts(in, (struct span){out.at, out.len - 1}));
	str_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {(const char *)data, size};
	struct span rest = in;
	struct span line;
	size_t whole = journal_whole(in);
	MUST(whole <= size && (whole == 0 || data[whole - 1] == '\n'));
	while (span_line(&rest, &line))
		check_parse(line);
	check_format(in);
	return 0;
}
