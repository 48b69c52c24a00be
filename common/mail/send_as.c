#include "common/mail/send_as.h"

#include "common/mail/fields.h"
#include "common/mail/mailbox.h"

/* What the header has of its sender. */
struct seen {
	bool from, reply_to;
};

static bool is_only_address(struct span list, struct span address)
{
	struct mailbox mailbox;
	const char *why;
	bool same = mailbox_next(&list, &mailbox, &why) == MAILBOX_FOUND &&
		    span_equal_nocase(mailbox.address.text, address);
	return same && mailbox_next(&list, &mailbox, &why) == MAILBOX_END;
}

/* Where the "<" of the address stands in ENTRY; 0 when what stands in front of it is no name that can be kept. */
static size_t name_length(struct span entry)
{
	bool quoted = false;
	for (size_t i = 0; i < entry.len; i++) {
		char c = entry.at[i];
		if (c == '"' && (!i || entry.at[i - 1] != '\\'))
			quoted = !quoted;
		if (c == '<' && !quoted)
			return i;
		if (!quoted && (c == ':' || c == ';' || c == ',' || c == '@' || c == '(' || c == ')'))
			return 0;
	}
	return 0;
}

/* The words in front of the address in MAILBOX, as they are written; empty when there are none that can be kept. */
static struct span name_of(const struct mailbox *mailbox)
{
	struct span name = mailbox->whole;
	name.len = mailbox->angle ? name_length(name) : 0;
	name = span_trim(name);
	return name.len <= SEND_AS_NAME_MAX ? name : (struct span){0};
}

static void append_from(struct span value, const struct send_as *rule, struct str *to)
{
	enum mailbox_result result;
	struct mailbox mailbox;
	const char *why;
	struct span name = {0};
	if (rule->keep_name && mailbox_first(value, &mailbox, &result, &why))
		name = name_of(&mailbox);
	str_append_text(to, "From: ");
	str_append(to, name);
	str_append_text(to, name.len ? " <" : "<");
	address_append(to, rule->address);
	str_append_text(to, ">\r\n");
}

static void append_reply_to(struct span value, const struct send_as *rule, struct str *to)
{
	enum mailbox_result result;
	struct mailbox mailbox;
	const char *why;
	if (!mailbox_first(value, &mailbox, &result, &why) || !mailbox.address.domain.len ||
	    span_equal_nocase(mailbox.address.text, rule->address))
		return;
	str_append_text(to, "Reply-To: <");
	address_append(to, mailbox.address.text);
	str_append_text(to, ">\r\n");
}

/* A field as it is; the last one of a message without text may lack its line end. */
static void append_field(struct span field, struct str *to)
{
	str_append(to, field);
	if (field.len && field.at[field.len - 1] != '\n')
		str_append_text(to, "\r\n");
}

void send_as_rewrite(struct span header, const struct send_as *rule, struct str *to)
{
	struct seen seen = {0};
	struct span rest = header, from = {0};
	struct field field;
	seen.reply_to = field_find(header, "Reply-To", &from);
	from = (struct span){0};
	while (field_next(&rest, &field)) {
		if (field_is(&field, "Sender") || (field_is(&field, "From") && seen.from))
			continue;
		if (!field_is(&field, "From")) {
			append_field(field.whole, to);
			continue;
		}
		seen.from = true;
		from = field.value;
		if (is_only_address(field.value, rule->address))
			append_field(field.whole, to);
		else
			append_from(field.value, rule, to);
	}
	if (!seen.from)
		append_from(from, rule, to);
	if (rule->reply_to && !seen.reply_to && from.len)
		append_reply_to(from, rule, to);
	str_append(to, rest);
}
