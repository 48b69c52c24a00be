#include <stdlib.h>

#include "common/mail/envelope.h"
#include "common/mail/fields.h"
#include "smtpd/milter/edits.h"

/* The header as a list of fields, in an array that has room for each edit. */
struct node {
	size_t next;
	size_t name_len;
	struct span whole;             /* the field as it was, or... */
	const struct edit_field *edit; /* ... the one that a filter made */
};

enum { HEAD = 0 }; /* the node in front of the first field; as `next`: the end */

struct fields {
	struct node *at;
	size_t n;
	size_t last;
	size_t ours; /* our own Received */
};

static struct span name_of(const struct node *node)
{
	return node->edit ? node->edit->name : (struct span){node->whole.at, node->name_len};
}

/* Puts a node after node AFTER. */
static void put_after(struct fields *f, size_t after, struct node node)
{
	node.next = f->at[after].next;
	f->at[f->n] = node;
	f->at[after].next = f->n;
	if (f->last == after)
		f->last = f->n;
	f->n++;
}

static void insert(struct fields *f, const struct edit_field *edit)
{
	size_t after = HEAD;
	for (uint32_t index = edit->index; index && f->at[after].next; index--)
		after = f->at[after].next;
	put_after(f, after, (struct node){.edit = edit});
}

static void take_out(struct fields *f, size_t before)
{
	size_t at = f->at[before].next;
	f->at[before].next = f->at[at].next;
	if (f->last == at)
		f->last = before;
}

/* Replaces or removes field `index` of its name, or adds it; ours does not count. */
static void change(struct fields *f, const struct edit_field *edit)
{
	uint32_t index = edit->index ? edit->index : 1;
	size_t before = HEAD, at = f->at[HEAD].next;
	while (at && (at == f->ours || !span_equal_nocase(name_of(&f->at[at]), edit->name) || --index)) {
		before = at;
		at = f->at[at].next;
	}
	if (at && edit->value.len)
		f->at[at].edit = edit;
	else if (at)
		take_out(f, before);
	else if (edit->value.len)
		put_after(f, f->last, (struct node){.edit = edit});
}

/* A field that would be an envelope line must not come first, whichever filter made it: ours does. */
static void keep_envelope(struct fields *f)
{
	size_t first = f->at[HEAD].next, before = HEAD;
	if (first == f->ours || !envelope_has_name(name_of(&f->at[first])))
		return;
	while (f->at[before].next && f->at[before].next != f->ours)
		before = f->at[before].next;
	if (!f->at[before].next)
		return;
	take_out(f, before);
	f->at[f->ours].next = first;
	f->at[HEAD].next = f->ours;
}

/* The value's lines end in LF or CRLF, those in the message in CRLF. */
static void write_edit(const struct edit_field *edit, struct str *to)
{
	struct span rest = edit->value;
	str_append(to, edit->name);
	str_append_c(to, ':');
	for (bool first = true, more = true; more; first = false) {
		size_t end = span_find(rest, '\n');
		more = end < rest.len;
		struct span line = {rest.at, end && more && rest.at[end - 1] == '\r' ? end - 1 : end};
		if (!first && (!line.len || (line.at[0] != ' ' && line.at[0] != '\t')))
			str_append_c(to, '\t');
		for (size_t i = 0; i < line.len; i++)
			str_append_c(to, line.at[i] == '\r' ? ' ' : line.at[i]);
		str_append_text(to, "\r\n");
		rest = span_skip(rest, end + 1);
	}
}

static void write_field(struct span whole, struct str *to)
{
	str_append(to, whole);
	if (whole.at[whole.len - 1] != '\n')
		str_append_text(to, "\r\n");
}

static size_t count_fields(struct span header)
{
	size_t n = 0;
	struct field field;
	while (field_next(&header, &field))
		n++;
	return n;
}

static void apply(struct fields *f, const struct edit_field *edit)
{
	for (; edit; edit = edit->next) {
		if (edit->kind == EDIT_ADD)
			put_after(f, f->last, (struct node){.edit = edit});
		else if (edit->kind == EDIT_INSERT)
			insert(f, edit);
		else
			change(f, edit);
	}
	keep_envelope(f);
}

bool edits_header(const struct edits *e, struct span header, size_t *ours, struct str *to)
{
	struct field field;
	struct fields f = {.n = 1, .last = HEAD, .ours = 1 + *ours};
	if (header.len > EDITS_HEADER_MAX)
		return false;
	f.at = calloc(1 + count_fields(header) + e->field_count, sizeof(*f.at));
	if (!f.at)
		return false;
	while (field_next(&header, &field))
		put_after(&f, f.last, (struct node){.name_len = field.name.len, .whole = field.whole});
	apply(&f, e->fields);
	size_t number = 0;
	for (size_t at = f.at[HEAD].next; at; at = f.at[at].next, number++) {
		if (at == f.ours)
			*ours = number;
		if (f.at[at].edit)
			write_edit(f.at[at].edit, to);
		else
			write_field(f.at[at].whole, to);
	}
	free(f.at);
	return str_append(to, header);
}
