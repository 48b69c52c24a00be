#include <string.h>

#include "common/mail/fields.h"
#include "smtpd/accept/submission.h"
#include "t/fuzz/must.h"

static enum submission_taken take(void *context, const struct address *rcpt, const struct dsn_rcpt *dsn)
{
	(void)context;
	MUST(!dsn->notify && !dsn->orcpt.len);
	MUST(rcpt->text.len && rcpt->text.len <= ADDRESS_MAX);
	return rcpt->local.at[0] == 'u' ? SUBMISSION_UNKNOWN : SUBMISSION_TAKEN;
}

/* The repaired header is valid, has all required fields, has no Bcc, and needs no further repair. */
static void check(struct submission *s, const struct submission_defaults *defaults)
{
	struct span head = str_span(&s->header), rest = head;
	struct field field;
	bool from = false, date = false, id = false;
	while (field_next(&rest, &field)) {
		from |= field_is(&field, "from");
		date |= field_is(&field, "date");
		id |= field_is(&field, "message-id");
		MUST(!field_is(&field, "bcc") && !field_is(&field, "resent-bcc") && !field_is(&field, "return-path"));
	}
	MUST(rest.len == 0 && from && date && id);

	struct submission again = {.take = take};
	const char *why;
	str_init(&again.header, SUBMISSION_REPAIRED_MAX);
	if (submission_read(head, defaults, &again, &why) == SUBMISSION_GOOD)
		MUST(span_equal(str_span(&again.header), head) && again.received == s->received);
	str_free(&again.header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct submission_defaults defaults = {"d.example", "m.example", "ID", "DATE", false};
	struct span text = {(const char *)data, size};
	struct submission s = {.take = take};
	const char *why = NULL;
	size_t begin = fields_preamble(text), end = begin;
	MUST(begin <= size);
	/* The reader has converted line ends to CRLF before. */
	for (size_t i = 0; i < size; i++)
		if (data[i] == '\n' ? !i || data[i - 1] != '\r' : i && data[i - 1] == '\r')
			return 0;
	text = span_skip(text, begin);
	end = 0;
	MUST(fields_end(text, true, &end));
	text.len = end;
	str_init(&s.header, SUBMISSION_REPAIRED_MAX);
	if (submission_read(text, &defaults, &s, &why) == SUBMISSION_GOOD)
		check(&s, &defaults);
	else
		MUST(why && *why);
	str_free(&s.header);
	return 0;
}
