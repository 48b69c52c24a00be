#include "smtpd/milter/edits.h"

#include <string.h>

#include "common/mail/envelope.h"
#include "common/mail/fields.h"

/* Octets of all copies: those of fields, and the addresses of recipients with their ORCPT. */
enum {
	RCPT_OCTETS = sizeof(struct edit_rcpt) + 64 + ADDRESS_MAX + DSN_ORCPT_MAX,
	ARENA_MAX = EDITS_FIELDS_OCTETS_MAX + EDITS_FIELDS_MAX * (sizeof(struct edit_field) + 64) +
		    ENVELOPE_RCPT_MAX * RCPT_OCTETS + 16384
};

static const char no_memory[] = "finds no memory";

void edits_init(struct edits *e)
{
	*e = (struct edits){0};
	arena_init(&e->arena, ARENA_MAX);
	edits_reset(e);
}

void edits_free(struct edits *e)
{
	arena_free(&e->arena);
	edits_init(e);
}

void edits_reset(struct edits *e)
{
	struct arena arena = e->arena;
	arena_reset(&arena);
	*e = (struct edits){.arena = arena};
	e->last_field = &e->fields;
	e->last_added = &e->added;
	e->last_removed = &e->removed;
}

bool edits_none(const struct edits *e)
{
	return !e->fields && !e->rcpt_count && !e->sender && !e->body && !e->quarantine;
}

static bool copy(struct edits *e, struct span text, struct span *out)
{
	char *at = arena_copy(&e->arena, text);
	*out = (struct span){at, text.len};
	return at;
}

static bool valid_name(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= ' ' || name.at[i] >= 0x7f || name.at[i] == ':')
			return false;
	return name.len && name.len <= FIELD_NAME_MAX;
}

static const char *note_field(struct edits *e, enum edit_kind kind, uint32_t index, struct span name, struct span value,
			      bool space)
{
	if (!valid_name(name))
		return "has no valid name of a field";
	if (memchr(value.at ? value.at : "", '\0', value.len))
		return "has a NUL in the value of a field";
	if (++e->field_count > EDITS_FIELDS_MAX)
		return "is beyond 1000 edits of fields";
	e->field_octets += name.len + value.len;
	if (e->field_octets > EDITS_FIELDS_OCTETS_MAX)
		return "is beyond 1 MiB of edits of fields";
	struct edit_field *field = arena_alloc(&e->arena, sizeof(*field));
	char *copied = arena_alloc(&e->arena, value.len + 2);
	if (!field || !copied)
		return no_memory;
	size_t blank = space && (value.len || kind != EDIT_CHANGE);
	copied[0] = ' ';
	if (value.len)
		memcpy(copied + blank, value.at, value.len);
	*field = (struct edit_field){.kind = kind, .index = index, .value = {copied, value.len + blank}};
	if (!copy(e, name, &field->name))
		return no_memory;
	*e->last_field = field;
	e->last_field = &field->next;
	return NULL;
}

const char *edits_add(struct edits *e, struct span name, struct span value, bool space)
{
	return note_field(e, EDIT_ADD, 0, name, value, space);
}

const char *edits_insert(struct edits *e, uint32_t index, struct span name, struct span value, bool space)
{
	if (index > INT32_MAX)
		return "has an index beyond 2147483647";
	return note_field(e, EDIT_INSERT, index, name, value, space);
}

const char *edits_change(struct edits *e, uint32_t index, struct span name, struct span value, bool space)
{
	if (index > INT32_MAX)
		return "has an index beyond 2147483647";
	return note_field(e, EDIT_CHANGE, index, name, value, space);
}

/* Parses a path, or an address without brackets, and copies it; blanks may stand around it. */
static const char *take_address(struct edits *e, struct span text, struct address *out)
{
	struct address parsed;
	struct span rest;
	const char *why;
	text = span_trim(text);
	if (!text.len) {
		*out = (struct address){0};
		return NULL;
	}
	if (!address_parse_path(text, &parsed, &rest, &why) || rest.len)
		return "has no valid address";
	if (parsed.text.len > ADDRESS_MAX)
		return "has an address that is too long";
	struct span kept;
	if (!copy(e, parsed.text, &kept))
		return no_memory;
	return address_parse(kept, out, &why) ? NULL : "has no valid address";
}

static const char *note_rcpt(struct edits *e, struct span text, struct edit_rcpt **out)
{
	if (++e->rcpt_count > ENVELOPE_RCPT_MAX)
		return "is beyond 5000 edits of recipients";
	*out = arena_alloc(&e->arena, sizeof(**out));
	return *out ? take_address(e, text, &(*out)->address) : no_memory;
}

/* A parameter that is invalid or repeated has no effect, as by Postfix. */
static const char *take_params(struct edits *e, struct span params, struct dsn_rcpt *dsn, const char **remark)
{
	for (;;) {
		struct span orcpt;
		params = span_trim(params);
		struct span one = span_take_word(&params);
		if (!one.len)
			return NULL;
		if (span_starts_nocase(one, SPAN("NOTIFY=")) && !dsn->notify &&
		    dsn_parse_notify(span_skip(one, 7), &dsn->notify))
			continue;
		if (span_starts_nocase(one, SPAN("ORCPT=")) && !dsn->orcpt.len &&
		    dsn_parse_orcpt(span_skip(one, 6), &orcpt)) {
			if (!copy(e, orcpt, &dsn->orcpt))
				return no_memory;
			continue;
		}
		*remark = "has parameters of a recipient that have no effect";
	}
}

const char *edits_add_rcpt(struct edits *e, struct span address, struct span params, const char **remark)
{
	struct edit_rcpt *rcpt;
	const char *why = note_rcpt(e, address, &rcpt);
	if (why)
		return why;
	if (!rcpt->address.text.len) {
		*remark = "adds the null address as a recipient, which has no effect";
		return NULL;
	}
	*e->last_added = rcpt;
	e->last_added = &rcpt->next;
	return take_params(e, params, &rcpt->dsn, remark);
}

const char *edits_remove_rcpt(struct edits *e, struct span address)
{
	struct edit_rcpt *rcpt;
	const char *why = note_rcpt(e, address, &rcpt);
	if (why)
		return why;
	for (struct edit_rcpt *added = e->added; added; added = added->next)
		added->cancelled |= address_equal(&added->address, &rcpt->address);
	*e->last_removed = rcpt;
	e->last_removed = &rcpt->next;
	return NULL;
}

const char *edits_sender(struct edits *e, struct span address)
{
	e->sender = true;
	return take_address(e, address, &e->new_sender);
}

const char *edits_quarantine(struct edits *e, struct span reason)
{
	char *at = arena_alloc(&e->arena, EDITS_REASON_MAX + 1);
	if (!at)
		return no_memory;
	e->quarantine = true;
	e->reason = (struct span){at, span_clean(reason, at, EDITS_REASON_MAX + 1)};
	return NULL;
}
