/*
 * The whole import in memory: whatever the metabase is, the configuration has no open relay, and its errors, if any,
 * are told. A copy without names can be read again, and has the same keys.
 */
#include <string.h>

#include "ctl/import/anonymise.h"
#include "ctl/import/convert.h"
#include "t/fuzz/must.h"

static void check_copy(struct span in)
{
	struct metabase first, second;
	struct xml_fault fault;
	struct str copy;
	str_init(&copy, 64 << 20);
	if (metabase_read(in, &first, &fault) && anonymise(&first, 7, &copy)) {
		MUST(metabase_read(str_span(&copy), &second, &fault) || strstr(fault.text, "twice") ||
		     strstr(fault.text, "too"));
		metabase_free(&second);
	} else {
		MUST(fault.text[0] || copy.failed);
	}
	metabase_free(&first);
	str_free(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {(const char *)data, size};
	struct take_choices choices = {.maps = {{"C:\\Inetpub\\mailroot", "/srv/mailroot"}}, .map_count = 1};
	struct convert_result result;
	if (convert(in, "MetaBase.xml", &choices, &result)) {
		MUST(result.servers > 0 && result.todo_count > 0);
		MUST(!strstr(str_text(&result.findings), "open relay"));
		MUST(!strstr(str_text(&result.config), "open_relay_intended"));
		MUST(result.errors == 0 || result.findings.len > 0);
	} else {
		MUST(result.fault.text[0]);
	}
	convert_free(&result);
	check_copy(in);
	return 0;
}
