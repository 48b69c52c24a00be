#include "queue/log/log_format.h"

#include "common/ipc/record.h"
#include "t/fuzz/must.h"

enum { ALL_FIELDS = (1 << LOG_FIELD_COUNT) - 1, IIS_COMMAS = 15, W3C_BLANKS = LOG_FIELD_COUNT - 1, NCSA_QUOTES = 2 };

static size_t count(struct span line, char octet)
{
	size_t n = 0;
	for (size_t i = 0; i < line.len; i++)
		n += line.at[i] == octet;
	return n;
}

/* One line of printable ASCII with as many fields as its format has. */
static void check(const struct log_format *f, const struct wire_record *record)
{
	struct str out;
	str_init(&out, LOG_FORMAT_LINE_MAX);
	log_format_record(f, record, &out);
	struct span line = {out.at, out.len - 1};
	MUST(!out.failed && out.len > 1 && out.at[out.len - 1] == '\n');
	for (size_t i = 0; i < line.len; i++)
		MUST(line.at[i] >= ' ' && line.at[i] <= '~');
	MUST(f->format != CONFIG_LOG_W3C || count(line, ' ') == W3C_BLANKS);
	MUST(f->format != CONFIG_LOG_IIS || count(line, ',') == IIS_COMMAS);
	MUST(f->format != CONFIG_LOG_NCSA || count(line, '"') == NCSA_QUOTES);
	MUST(f->format != CONFIG_LOG_JSON || (line.at[0] == '{' && line.at[line.len - 1] == '}'));
	str_free(&out);
}

static struct span piece(struct span *in, size_t max)
{
	struct span taken = span_take(in, '|');
	return (struct span){taken.at, taken.len < max ? taken.len : max};
}

/* The input is a list as on the link, and the texts of one record. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {(const char *)data, size}, list = in;
	struct wire_record listed;
	struct wire_record record = {.time_ms = size * 1000000007U, .outbound = size & 1, .code = size % 600};
	record.verb = piece(&in, RECORD_VERB_MAX);
	record.name = piece(&in, RECORD_NAME_MAX);
	record.peer = piece(&in, 46);
	record.ours = piece(&in, 46);
	record.text = piece(&in, RECORD_TEXT_MAX);
	record.argument = piece(&in, RECORD_ARGUMENT_MAX);
	for (enum config_log_format format = CONFIG_LOG_W3C; format < CONFIG_LOG_FORMAT_COUNT; format++) {
		const struct log_format f = {format, ALL_FIELDS, "site", "computer"};
		check(&f, &record);
		for (struct span rest = list; record_next(&rest, &listed);)
			check(&f, &listed);
	}
	return 0;
}
