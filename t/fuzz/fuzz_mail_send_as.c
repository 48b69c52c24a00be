/*
 * A header whose sender is replaced. The first octet chooses what is kept. The result for any header has one field
 * From, whose only address is the requested one, and no Sender; it ends as the header did.
 */
#include "common/base/str.h"
#include "common/mail/fields.h"
#include "common/mail/mailbox.h"
#include "common/mail/send_as.h"
#include "t/fuzz/must.h"

static const struct span address = SPAN("relay@example.com");

static void check_from(struct span list)
{
	struct mailbox mailbox;
	const char *why;
	MUST(mailbox_next(&list, &mailbox, &why) == MAILBOX_FOUND);
	MUST(span_equal_nocase(mailbox.address.text, address));
	MUST(mailbox_next(&list, &mailbox, &why) == MAILBOX_END);
}

static void check(struct span written)
{
	size_t from = 0;
	struct field field;
	while (field_next(&written, &field)) {
		MUST(!field_is(&field, "Sender"));
		if (!field_is(&field, "From"))
			continue;
		from++;
		check_from(field.value);
	}
	MUST(from == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	const struct send_as rule = {address, data[0] & 1, data[0] & 2};
	struct span header = {(const char *)data + 1, size - 1};
	size_t end = 0;
	struct str to;
	MUST(fields_end(header, true, &end));
	header.len = end;
	str_init(&to, size + 4 * SEND_AS_NAME_MAX);
	send_as_rewrite(header, &rule, &to);
	MUST(!to.failed);
	check(str_span(&to));
	str_free(&to);
	return 0;
}
