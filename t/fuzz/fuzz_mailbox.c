#include "common/mail/mailbox.h"
#include "t/fuzz/must.h"

/* The parsing of any list ends, each step takes some octets, and the addresses come in the order of the list. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span list = {(const char *)data, size}, rest = list;
	struct mailbox box;
	struct address again;
	const char *why = NULL, *last = list.at;
	enum mailbox_result result;
	do {
		size_t before = rest.len;
		result = mailbox_next(&rest, &box, &why);
		MUST(rest.at + rest.len == list.at + list.len);
		MUST(result == MAILBOX_END ? rest.len == 0 : rest.len < before || before == 0);
		MUST(result != MAILBOX_BAD || (why && *why));
		if (result != MAILBOX_FOUND)
			continue;
		MUST(box.end >= last && box.end <= rest.at);
		last = box.end;
		MUST(box.address.text.len <= ADDRESS_MAX);
		MUST(address_parse(box.address.text, &again, &why) && address_equal(&box.address, &again));
	} while (rest.len);
	return 0;
}
