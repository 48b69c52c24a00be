#include "smtpd/accept/submission.h"

#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/mail/completion.h"
#include "common/mail/fields.h"
#include "common/mail/mailbox.h"

/* The fields that make the envelope, once in the message and once with "Resent-" in front. */
enum { FROM, SENDER, TO, CC, BCC, KIND_COUNT };
static const char *const kinds[KIND_COUNT] = {"from", "sender", "to", "cc", "bcc"};

/* Fields whose addresses get the default domain; also with "Resent-" in front. */
static const char *const qualified[] = {"from", "sender", "reply-to", "to", "cc"};

/* Fields that name recipients. */
static const char *const recipients[] = {"to", "cc"};

static const struct span resent = SPAN("resent-");

struct reading {
	const struct submission_defaults *defaults;
	struct submission *out;
	bool has_sender;
	struct completion seen;
	bool any; /* there was such a field */
	bool no_memory, undecided;
	struct field pending; /* the last x-receiver line; its DSN lines may follow */
	struct dsn_rcpt asks; /* those DSN lines */
	const char **why;
};

static bool fail(struct reading *r, const char *why)
{
	*r->why = why;
	return false;
}

static bool keep_sender(struct reading *r, const struct address *sender)
{
	int len = snprintf(r->out->sender, sizeof(r->out->sender), "%.*s%s%s", SPAN_ARGS(sender->text),
			   sender->text.len && !sender->domain.len ? "@" : "",
			   sender->text.len && !sender->domain.len ? r->defaults->domain : "");
	r->has_sender = true;
	return len <= ADDRESS_MAX || fail(r, N_("the sender's address is too long"));
}

/* Fails with a reason that quotes the field and its text. */
static bool fail_at(struct reading *r, struct span field, struct span text, const char *why)
{
	enum { SHOWN_MAX = 100 };
	char shown[SHOWN_MAX];
	span_quotable(text, shown, sizeof(shown));
	snprintf(r->out->reason, sizeof(r->out->reason), "%.*s \"%s\": %s", field.len < 40 ? (int)field.len : 40,
		 field.at, shown, why);
	return fail(r, r->out->reason);
}

/* A recipient that is refused does not affect the others. */
static void refuse(struct reading *r, struct span field, struct span text, const char *why, bool unknown)
{
	if (r->out->refused_count < SUBMISSION_REFUSED_MAX)
		r->out->refused[r->out->refused_count] = (struct submission_refused){field, text, why, unknown};
	r->out->refused_count++;
}

static bool keep_recipient(struct reading *r, struct span field, const struct mailbox *box)
{
	if (r->out->rcpt_count >= ENVELOPE_RCPT_MAX)
		return fail(r, N_("there are more than 5000 recipients"));
	switch (r->out->take(r->out->context, &box->address, &r->asks)) {
	case SUBMISSION_TAKEN:
		r->out->rcpt_count++;
		return true;
	case SUBMISSION_UNKNOWN:
		refuse(r, field, box->whole, N_("there is no such recipient"), true);
		return true;
	case SUBMISSION_UNDECIDED:
		r->undecided = true;
		return fail(r, N_("a recipient can't be examined now"));
	case SUBMISSION_TOO_MANY:
		return fail(r, N_("there are more than 5000 recipients"));
	default:
		r->no_memory = true;
		return fail(r, N_("there is no memory for the recipients"));
	}
}

/* Takes all addresses of FIELD as recipients. */
static bool take_recipients(struct reading *r, const struct field *field)
{
	struct mailbox box;
	struct span list = field->value;
	enum mailbox_result result;
	const char *why;
	while ((result = mailbox_next(&list, &box, &why)) != MAILBOX_END) {
		if (result == MAILBOX_BAD)
			refuse(r, field->name, box.whole, why, false);
		else if (!box.address.text.len)
			refuse(r, field->name, box.whole, N_("the null address can't be a recipient"), false);
		else if (!keep_recipient(r, field->name, &box))
			return false;
	}
	return true;
}

/* Takes the address of FIELD as sender, if it has one. */
static bool take_sender(struct reading *r, const struct field *field)
{
	struct mailbox box;
	enum mailbox_result result;
	const char *why;
	if (mailbox_first(field->value, &box, &result, &why))
		return keep_sender(r, &box.address);
	return result == MAILBOX_END || fail_at(r, field->name, box.whole, why);
}

static bool take_x_sender(struct reading *r, const struct field *field)
{
	if (r->has_sender)
		return fail(r, N_("there is more than one x-sender line"));
	if (!take_sender(r, field))
		return false;
	return r->has_sender || fail(r, N_("the x-sender line has no address; write <> for none"));
}

/* Finishes the last x-receiver line: no more lines belong to it. */
static bool take_pending(struct reading *r)
{
	bool good = take_recipients(r, &r->pending);
	r->pending = (struct field){0};
	r->asks = (struct dsn_rcpt){0};
	return good;
}

/* A DSN line as in the spool (envelope.h). */
static bool take_asked(struct reading *r, const struct field *field)
{
	bool rcpt = r->pending.value.len > 0, good = false;
	if (!r->defaults->dsn)
		return fail(r, N_("a line at its head begins with x-mailroot-, which is reserved"));
	if (field_is(field, "x-mailroot-ret"))
		good = dsn_parse_ret(field->value, &r->out->dsn.ret);
	else if (field_is(field, "x-mailroot-envid"))
		good = dsn_parse_envid(field->value, &r->out->dsn.envid);
	else if (field_is(field, "x-mailroot-notify"))
		good = rcpt && dsn_parse_notify(field->value, &r->asks.notify);
	else if (field_is(field, "x-mailroot-orcpt"))
		good = rcpt && dsn_parse_orcpt(field->value, &r->asks.orcpt);
	return good || fail(r, N_("an x-mailroot- line at its head is not allowed"));
}

/* Takes the envelope lines at the head, up to the first other line. */
static bool take_envelope(struct reading *r, struct span *head)
{
	struct field field;
	bool good = true;
	for (struct span rest = *head; good && field_next(&rest, &field); *head = rest) {
		if (span_starts_nocase(field.name, SPAN("x-mailroot-"))) {
			good = take_asked(r, &field);
		} else if (field_is(&field, "x-receiver")) {
			good = take_pending(r);
			r->pending = field;
		} else if (field_is(&field, "x-sender")) {
			good = take_x_sender(r, &field);
		} else {
			break;
		}
	}
	return good && take_pending(r);
}

static bool is_kind(const struct field *field, bool again, const char *kind)
{
	struct span name = field->name;
	if (!again)
		return field_is(field, kind);
	return span_starts_nocase(name, resent) && span_equal_nocase(span_skip(name, resent.len), span_of(kind));
}

/* The topmost run of Resent- fields, each at most once; empty when there is none. */
static struct span resent_block(struct span head)
{
	struct field field;
	struct span block = {head.at, 0};
	bool seen[KIND_COUNT] = {false};
	while (field_next(&head, &field)) {
		bool one = span_starts_nocase(field.name, resent);
		if (!one && block.len)
			break;
		for (size_t i = 0; one && i < KIND_COUNT; i++) {
			if (!is_kind(&field, true, kinds[i]))
				continue;
			if (seen[i])
				return block;
			seen[i] = true;
		}
		if (one && !block.len)
			block.at = field.whole.at;
		if (one)
			block.len = (size_t)(head.at - block.at);
	}
	return block;
}

/* Takes sender and recipients, where they are missing, from the fields of HEAD. */
static bool take_from_header(struct reading *r, struct span head, bool again)
{
	struct field field;
	struct field from = {0}, sender = {0};
	bool want_rcpts = !r->out->rcpt_count && !r->out->refused_count;
	while (field_next(&head, &field)) {
		if (is_kind(&field, again, kinds[FROM]) && !from.value.len)
			from = field;
		if (is_kind(&field, again, kinds[SENDER]) && !sender.value.len)
			sender = field;
		for (size_t i = TO; want_rcpts && i <= BCC; i++)
			if (is_kind(&field, again, kinds[i]) && !take_recipients(r, &field))
				return false;
	}
	if (!r->has_sender && sender.value.len && !take_sender(r, &sender))
		return false;
	return r->has_sender || !from.value.len || take_sender(r, &from);
}

static bool is_one_of(const struct field *field, const char *const *names, size_t n, bool again)
{
	for (size_t i = 0; i < n; i++)
		if (field_is(field, names[i]) || (again && is_kind(field, true, names[i])))
			return true;
	return false;
}

/*
 * FIELD names an author, and one of its entries is an address: an entry with neither domain nor angle brackets is a
 * name.
 */
static bool has_names(const struct field *field)
{
	struct mailbox box;
	enum mailbox_result result;
	const char *why;
	return !is_one_of(field, recipients, sizeof(recipients) / sizeof(recipients[0]), true) &&
	       mailbox_first(field->value, &box, &result, &why) && (box.angle || box.address.domain.len);
}

/* Writes the field with the default domain behind each address without one; unchanged if it can't be parsed. */
static void write_addresses(const struct reading *r, const struct field *field)
{
	struct str *to = &r->out->header;
	struct span list = field->value;
	const char *done = field->whole.at, *why;
	struct mailbox box;
	enum mailbox_result result;
	bool names = has_names(field);
	while ((result = mailbox_next(&list, &box, &why)) != MAILBOX_END) {
		if (result == MAILBOX_BAD || !box.address.text.len || box.address.domain.len)
			continue;
		if (names && !box.angle)
			continue;
		str_append(to, (struct span){done, (size_t)(box.end - done)});
		str_printf(to, "@%s", r->defaults->domain);
		done = box.end;
	}
	str_append(to, span_skip(field->whole, (size_t)(done - field->whole.at)));
}

static void write_field(struct reading *r, const struct field *field)
{
	r->out->received += field_is(field, "received");
	if (!completion_see(&r->seen, field->name))
		return;
	if (is_one_of(field, qualified, sizeof(qualified) / sizeof(qualified[0]), true))
		write_addresses(r, field);
	else
		str_append(&r->out->header, field->whole);
	if (!span_ends_nocase(field->whole, SPAN("\n")))
		str_append_text(&r->out->header, "\r\n");
}

/* An empty From counts as none. */
static void write_header(struct reading *r, struct span head)
{
	const struct completion_values values = {r->out->sender, r->defaults->domain, r->defaults->fqdn,
						 r->defaults->id, r->defaults->date};
	struct field field;
	while (field_next(&head, &field)) {
		r->any = true;
		if (field.value.len || !field_is(&field, "from"))
			write_field(r, &field);
	}
	completion_write(&r->seen, &values, &r->out->header);
}

static bool read_all(struct reading *r, struct span head)
{
	struct submission *s = r->out;
	if (!take_envelope(r, &head))
		return false;
	bool rcpts = s->rcpt_count || s->refused_count, named = r->has_sender || rcpts;
	if (!r->has_sender || !rcpts) {
		struct span block = resent_block(head);
		if (!take_from_header(r, block.len ? block : head, block.len > 0))
			return false;
	}
	write_header(r, head);
	if (!named && !r->any)
		return fail(r,
			    N_("it does not begin with x-sender and x-receiver lines or with the fields of a header"));
	if (!r->has_sender)
		return fail(r, N_("it has no sender: neither an x-sender line nor From"));
	s->nobody = !s->rcpt_count;
	if (s->nobody && s->refused_count)
		return fail_at(r, s->refused[0].field, s->refused[0].text, s->refused[0].why);
	if (s->nobody)
		return fail(r, N_("it has no recipient: neither x-receiver lines nor an address in To, Cc or Bcc"));
	return !s->header.failed || fail(r, N_("its header is too long"));
}

enum submission_result submission_read(struct span head, const struct submission_defaults *defaults,
				       struct submission *s, const char **why)
{
	struct reading r = {.defaults = defaults, .out = s, .why = why};
	s->received = 0;
	s->rcpt_count = s->refused_count = 0;
	s->nobody = false;
	s->sender[0] = '\0';
	s->dsn = (struct dsn_message){0};
	bool good = read_all(&r, head);
	if (r.no_memory || s->header.no_memory)
		return SUBMISSION_NO_MEMORY;
	if (r.undecided)
		return SUBMISSION_LATER;
	return good ? SUBMISSION_GOOD : SUBMISSION_BAD;
}
