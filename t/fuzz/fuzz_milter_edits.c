#include "smtpd/milter/edits.h"

#include <string.h>

#include "common/mail/envelope.h"
#include "common/mail/fields.h"
#include "t/fuzz/must.h"

enum { LIST_MAX = 4096 };

/* Another way to the same header: names alone, in an array. */
struct list {
	struct span names[LIST_MAX];
	size_t n;
};

static void put(struct list *list, size_t at, struct span name)
{
	memmove(&list->names[at + 1], &list->names[at], (list->n - at) * sizeof(list->names[0]));
	list->names[at] = name;
	list->n++;
}

static void edit(struct list *list, const struct edit_field *field, const char *ours)
{
	size_t at = field->index, left = field->index ? field->index : 1;
	if (field->kind == EDIT_ADD || (field->kind == EDIT_INSERT && at > list->n))
		at = list->n;
	if (field->kind != EDIT_CHANGE) {
		put(list, at, field->name);
		return;
	}
	for (at = 0; at < list->n; at++)
		if (list->names[at].at != ours && span_equal_nocase(list->names[at], field->name) && !--left)
			break;
	if (at < list->n && field->value.len) {
		list->names[at] = field->name;
	} else if (at < list->n) {
		memmove(&list->names[at], &list->names[at + 1], (list->n - at - 1) * sizeof(list->names[0]));
		list->n--;
	} else if (field->value.len) {
		put(list, list->n, field->name);
	}
}

static void ours_first(struct list *list, const char *ours)
{
	size_t at = 0;
	while (list->names[at].at != ours)
		at++;
	struct span name = list->names[at];
	memmove(&list->names[1], &list->names[0], at * sizeof(list->names[0]));
	list->names[0] = name;
}

static const char *name_of(struct span header, size_t number)
{
	struct field field;
	do
		MUST(field_next(&header, &field));
	while (number--);
	return field.name.at;
}

/* Field NUMBER of HEADER is our own Received. */
static void compare(const struct edits *e, struct span header, size_t number, struct span out)
{
	static struct list list;
	struct field field;
	const char *ours = name_of(header, number);
	list.n = 0;
	while (field_next(&header, &field))
		if (list.n < LIST_MAX / 2)
			list.names[list.n++] = field.name;
	if (list.n + e->field_count >= LIST_MAX || list.n == LIST_MAX / 2)
		return;
	for (const struct edit_field *one = e->fields; one; one = one->next)
		edit(&list, one, ours);
	if (envelope_has_name(list.names[0]))
		ours_first(&list, ours);
	for (size_t i = 0; i < list.n; i++) {
		MUST(field_next(&out, &field) && span_equal(field.name, list.names[i]));
		MUST(span_starts((struct span){field.whole.at + field.whole.len - 1, 1}, SPAN("\n")));
	}
	MUST(span_equal(out, header));
}

static const char *note(struct edits *edits, struct span line)
{
	struct span value = span_skip(line, 2), name = span_take(&value, ':');
	uint32_t index = line.len > 1 ? (uint8_t)line.at[1] % 16 : 0; /* of a digit, its value */
	const char *remark = NULL;
	switch (line.len ? line.at[0] : 'h') {
	case '+':
		return edits_add_rcpt(edits, name, value, &remark);
	case '-':
		return edits_remove_rcpt(edits, name);
	case 'i':
		return edits_insert(edits, index, name, value, index % 2);
	case 'm':
		return edits_change(edits, index, name, value, index % 2);
	default:
		return edits_add(edits, name, value, index % 2);
	}
}

/* Makes the edits of one filter, of which there are no more. False: they can't be made. */
static bool apply(struct edits *edits, struct str *header, size_t *ours)
{
	struct str out;
	size_t before = *ours;
	str_init(&out, 4 << 20);
	bool made = edits_header(edits, str_span(header), ours, &out);
	if (made) {
		MUST(!envelope_has_name((struct span){out.at, span_find(str_span(&out), ':')}));
		MUST(span_starts(span_skip(str_span(&out), (size_t)(name_of(str_span(&out), *ours) - out.at)),
				 SPAN("Received: ours\r\n")));
		compare(edits, str_span(header), before, str_span(&out));
		str_clear(header);
		made = str_append(header, str_span(&out));
	}
	for (struct edit_rcpt *rcpt = edits->added; rcpt; rcpt = rcpt->next)
		MUST(rcpt->address.text.len && (!rcpt->cancelled || edits->removed));
	str_free(&out);
	edits_reset(edits);
	return made;
}

/*
 * An input is a header after ours, a NUL, and a row of: 'h' 'i' or 'm', an index, name, ':', value, NUL. '/' and NUL:
 * what follows are the edits of the next filter.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = {(const char *)data, size};
	struct edits edits;
	struct str header;
	size_t ours = 0;
	bool good = true;
	str_init(&header, 1 << 20);
	edits_init(&edits);
	str_append_text(&header, "Received: ours\r\n");
	str_append(&header, span_take(&rest, '\0'));
	while (rest.len && good) {
		struct span line = span_take(&rest, '\0');
		good = span_equal(line, SPAN("/")) ? apply(&edits, &header, &ours) : !note(&edits, line);
	}
	if (good)
		apply(&edits, &header, &ours);
	str_free(&header);
	edits_free(&edits);
	return 0;
}
