#include "sendmail/compose.h"

#include <stdio.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/mail/address.h"
#include "common/mail/fields.h"
#include "common/mail/mailbox.h"

/* Octets that fit into an encoded word (RFC 2047 2: 75 characters). */
enum { ENCODED_MAX = 45 };

static const struct span resent = SPAN("resent-");

static enum compose_result fail(struct compose *c, enum compose_result result, const char *what, struct span value)
{
	char shown[200];
	span_quotable(value, shown, sizeof(shown));
	snprintf(c->why, sizeof(c->why), "%s%s%s%s", what, value.len ? " \"" : "", shown, value.len ? "\"" : "");
	return result;
}

static enum compose_result check_room(struct compose *c)
{
	if (!c->head.failed)
		return COMPOSE_OK;
	if (c->head.no_memory)
		return fail(c, COMPOSE_NO_MEMORY, "there is no memory for the header; send the message again later",
			    (struct span){0});
	return fail(c, COMPOSE_TOO_LONG, "the header and its recipients are too long", (struct span){0});
}

enum compose_result compose_sender(struct compose *c, const char *sender, const struct dsn_message *dsn)
{
	struct span list = span_of(sender);
	struct mailbox box = {0};
	enum mailbox_result result;
	const char *why = "";
	char what[160];
	if (!mailbox_first(list, &box, &result, &why)) {
		snprintf(what, sizeof(what), "sender: %.120s: in", why);
		if (result == MAILBOX_BAD)
			return fail(c, COMPOSE_BAD_ADDRESS, what, list);
		box.address = (struct address){0};
	}
	span_copy(box.address.text, c->sender, sizeof(c->sender));
	envelope_write_sender(&c->head, box.address.text);
	envelope_write_dsn(&c->head, dsn);
	return check_room(c);
}

enum compose_result compose_recipients(struct compose *c, struct span list, const struct dsn_rcpt *dsn)
{
	struct span rest = list;
	struct mailbox box;
	const char *why;
	enum mailbox_result result;
	while ((result = mailbox_next(&rest, &box, &why)) == MAILBOX_FOUND) {
		if (!box.address.text.len)
			return fail(c, COMPOSE_BAD_ADDRESS, "a recipient is <>, which is no address", (struct span){0});
		if (++c->rcpt_count > ENVELOPE_RCPT_MAX)
			return fail(c, COMPOSE_TOO_LONG,
				    "there are more than 5000 recipients; send the message in parts", (struct span){0});
		envelope_write_rcpt(&c->head, box.address.text);
		envelope_write_dsn_rcpt(&c->head, dsn);
	}
	if (result == MAILBOX_BAD) {
		char what[160];
		snprintf(what, sizeof(what), "recipients: %.120s: in", why);
		return fail(c, COMPOSE_BAD_ADDRESS, what, box.whole);
	}
	return check_room(c);
}

static bool is_resent(const struct field *field)
{
	return span_starts_nocase(field->name, resent);
}

/* Index of the field among those that name recipients, or -1. */
static int destination(const struct field *field)
{
	static const char *const names[] = {"to", "cc", "bcc"};
	struct span name = is_resent(field) ? span_skip(field->name, resent.len) : field->name;
	for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++)
		if (span_equal_nocase(name, span_of(names[i])))
			return i;
	return -1;
}

/* The topmost Resent- block ends at a field that it has already, or that is no Resent- field. */
static bool leaves_block(const struct field *field, bool again, unsigned *seen)
{
	int kind = destination(field);
	unsigned bit = kind < 0 ? 0 : 1U << kind;
	if (!again)
		return false;
	if (!is_resent(field))
		return *seen != 0;
	if (*seen & bit)
		return true;
	*seen |= bit;
	return false;
}

enum compose_result compose_from_header(struct compose *c, struct span header, const struct dsn_rcpt *dsn)
{
	struct span rest = header;
	struct field field;
	unsigned seen = 0;
	bool again = false;
	while (field_next(&rest, &field))
		again = again || (is_resent(&field) && destination(&field) >= 0);
	for (rest = header; field_next(&rest, &field) && !leaves_block(&field, again, &seen);) {
		if (destination(&field) < 0 || is_resent(&field) != again)
			continue;
		enum compose_result result = compose_recipients(c, field.value, dsn);
		if (result != COMPOSE_OK)
			return result;
	}
	if (c->rcpt_count)
		return COMPOSE_OK;
	return fail(c, COMPOSE_NO_RECIPIENT,
		    "no recipient: neither the command line nor To, Cc or Bcc of the message has one",
		    (struct span){0});
}

static bool is_plain(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.at[i] < ' ' || (unsigned char)name.at[i] > '~')
			return false;
	return true;
}

/* The full name as a phrase (RFC 5322 3.2.5): quoted, or as an encoded word. */
static void write_phrase(struct str *to, struct span name)
{
	if (is_plain(name)) {
		str_append_c(to, '"');
		for (size_t i = 0; i < name.len; i++) {
			if (name.at[i] == '"' || name.at[i] == '\\')
				str_append_c(to, '\\');
			str_append_c(to, name.at[i]);
		}
		str_append_text(to, "\" ");
		return;
	}
	size_t len = name.len < ENCODED_MAX ? name.len : ENCODED_MAX;
	while (len < name.len && len && ((unsigned char)name.at[len] & 0xc0) == 0x80)
		len--; /* never split a character */
	str_append_text(to, "=?UTF-8?B?");
	base64_append(to, name.at, len);
	str_append_text(to, "?= ");
}

static void write_from(struct str *to, const struct compose_defaults *defaults)
{
	enum { NAME_MAX_OCTETS = 200 };
	struct span name = span_trim(span_of(defaults->full_name));
	str_append_text(to, "From: ");
	bool named = name.len && name.len <= NAME_MAX_OCTETS;
	if (named)
		write_phrase(to, name);
	str_append_text(to, named ? "<" : "");
	address_append(to, span_of(defaults->address));
	str_append_text(to, named ? ">\r\n" : "\r\n");
}

static bool is_envelope(const struct field *field)
{
	return field_is(field, "x-sender") || field_is(field, "x-receiver") ||
	       span_starts_nocase(field->name, SPAN("x-mailroot-"));
}

enum compose_result compose_header(struct compose *c, struct span header, const struct compose_defaults *defaults)
{
	struct span rest;
	struct field field;
	bool has_from = false, has_date = false;
	for (rest = header; field_next(&rest, &field);) {
		has_from = has_from || field_is(&field, "from");
		has_date = has_date || field_is(&field, "date");
	}
	if (!has_date)
		str_printf(&c->head, "Date: %s\r\n", defaults->date);
	if (!has_from)
		write_from(&c->head, defaults);
	for (int last = 0; last < 2; last++) {
		for (rest = header; field_next(&rest, &field);)
			if (is_envelope(&field) == last && !field_is(&field, "bcc") && !field_is(&field, "resent-bcc"))
				str_append(&c->head, field.whole);
	}
	str_append_text(&c->head, "\r\n");
	return check_room(c);
}
