#include "smtpd/milter/content.h"

#include <errno.h>
#include <stdlib.h>

#include "common/mail/fields.h"

enum { ARENA_MAX = 4 << 20, SLICE = 8 * 1024, SLICE_ROOM = 2 * SLICE + DOT_READ_EXTRA, EMPTY_LINE = 2 };

bool content_init(struct content *c, struct content_message *message, const struct config_server *config)
{
	*c = (struct content){.message = message, .store = message->store, .config = config};
	str_init(&c->head, CONTENT_HEAD_MAX);
	arena_init(&c->arena, ARENA_MAX);
	c->piece = malloc(CONTENT_PIECE);
	return c->piece != NULL;
}

void content_free(struct content *c)
{
	str_free(&c->head);
	arena_free(&c->arena);
	free(c->piece);
	c->piece = NULL;
}

static struct span header_of(const struct content *c)
{
	return span_skip(str_span(&c->head), c->envelope.body_at);
}

/* Appends the next piece of the text to `head`; *whole: there was none. */
static int read_more(struct content *c, bool *whole)
{
	size_t got = 0;
	int err = c->store->read(c->store->context, c->head.len, c->piece, CONTENT_PIECE, &got);
	*whole = !err && !got;
	if (!err && !str_append(&c->head, (struct span){c->piece, got}))
		err = c->head.no_memory ? -ENOMEM : -EMSGSIZE;
	return err;
}

static enum envelope_result parse(struct content *c, bool whole)
{
	const char *why;
	arena_reset(&c->arena);
	return envelope_parse(str_span(&c->head), whole, &c->arena, &c->envelope, &why);
}

static int read_envelope(struct content *c, bool *whole)
{
	enum envelope_result result = ENVELOPE_MORE;
	int err = 0;
	while (!err && result == ENVELOPE_MORE) {
		err = read_more(c, whole);
		if (!err)
			result = parse(c, *whole);
	}
	return err ? err : result == ENVELOPE_OK ? 0 : -EBADMSG;
}

static bool has_many_fields(const struct content *c)
{
	struct span rest = header_of(c);
	struct field field;
	size_t n = 0;
	while (n <= CONTENT_FIELDS_MAX && field_next(&rest, &field))
		n++;
	return n > CONTENT_FIELDS_MAX;
}

/* The empty line behind the header belongs to it. */
static int read_header(struct content *c, bool whole)
{
	size_t end = 0;
	int err = 0;
	while (!err && !fields_end(span_skip(str_span(&c->head), c->envelope.body_at), whole, &end)) {
		err = read_more(c, &whole);
		if (!err && c->head.len - c->envelope.body_at > EDITS_HEADER_MAX + CONTENT_PIECE)
			err = -EMSGSIZE;
	}
	end += c->envelope.body_at;
	while (!err && !whole && c->head.len < end + EMPTY_LINE)
		err = read_more(c, &whole);
	if (err || end - c->envelope.body_at > EDITS_HEADER_MAX)
		return err ? err : -EMSGSIZE;
	if (span_starts(span_skip(str_span(&c->head), end), SPAN("\r\n")))
		end += EMPTY_LINE;
	c->head.len = end;
	if (!str_reserve(&c->head, EMPTY_LINE)) /* begin_body may add it, and the envelope points into the head */
		return -ENOMEM;
	if (parse(c, true) != ENVELOPE_OK)
		return -EBADMSG;
	return has_many_fields(c) ? -EMSGSIZE : 0;
}

/* Reads the head of the text that is in the store, unless that was done. */
static int read_head(struct content *c)
{
	bool whole = false;
	if (c->read)
		return 0;
	str_clear(&c->head);
	int err = read_envelope(c, &whole);
	if (!err)
		err = read_header(c, whole);
	c->read = !err;
	return err;
}

/* Whether the header has the empty line at its end, so that a body may follow. */
static bool is_ended(const struct content *c)
{
	return span_ends_nocase(header_of(c), SPAN("\r\n\r\n"));
}

static enum milter_result event(struct filter *f, const struct filter_services *services, bool answered, int64_t until)
{
	int64_t limit = f->config.timeout.content_ms;
	if (answered)
		return filter_await(f, services, limit, until);
	if (f->machine.out.len >= MILTER_OUT_FLUSH && !filter_send(f, services, limit, until))
		return MILTER_FAULT;
	return MILTER_CONTINUE;
}

static bool goes_on(enum milter_result result)
{
	return result == MILTER_CONTINUE || result == MILTER_SKIP;
}

/* Our own Received is not shown, as by Postfix. */
static enum milter_result show_header(struct content *c, struct filter *f, const struct filter_services *services,
				      struct milter_macros macros, int64_t until)
{
	struct span rest = header_of(c);
	struct field field;
	enum milter_result result = MILTER_CONTINUE;
	if (!milter_wants_header(&f->machine))
		return result;
	for (size_t number = 0; goes_on(result) && field_next(&rest, &field); number++)
		if (number != c->ours)
			result = event(f, services, milter_header(&f->machine, field.whole, macros), until);
	return result;
}

/* Fills a piece from offset AT. 0 or -errno; *len is 0 at the end. */
static int fill(struct content *c, uint64_t at, size_t *len)
{
	size_t got = 1;
	int err = 0;
	for (*len = 0; !err && got && *len < CONTENT_PIECE; *len += got)
		err = c->store->read(c->store->context, at + *len, c->piece + *len, CONTENT_PIECE - *len, &got);
	return err;
}

static enum milter_result show_body(struct content *c, struct filter *f, const struct filter_services *services,
				    struct milter_macros macros, int64_t until, int *err)
{
	enum milter_result result = MILTER_CONTINUE;
	uint64_t at = c->head.len;
	size_t len = 1;
	while (goes_on(result) && len && milter_wants_body(&f->machine)) {
		*err = fill(c, at, &len);
		if (*err)
			return MILTER_FAULT;
		at += len;
		if (len)
			result = event(f, services, milter_body(&f->machine, (struct span){c->piece, len}, macros),
				       until);
	}
	return result;
}

static int write_text(struct content *c, struct span text)
{
	return c->store->write(c->store->context, text);
}

static int begin_body(struct content *c)
{
	int err = read_head(c);
	if (!err)
		err = c->store->replace_begin(c->store->context);
	if (err)
		return err;
	c->replacing = true;
	c->in_line = false;
	c->new_octets = 0;
	c->lines = (struct dot_reader){.plain = true, .repair = true};
	if (!is_ended(c))
		str_append(&c->head, SPAN("\r\n"));
	return write_text(c, str_span(&c->head));
}

static int write_body(struct content *c, struct span text)
{
	if (text.len)
		c->in_line = text.at[text.len - 1] != '\n';
	c->new_octets += text.len;
	return write_text(c, text);
}

/* Writes a piece of the new body, whose lines may end in any way. */
static int take_body(struct content *c, struct span piece)
{
	char text[SLICE_ROOM];
	int err = c->replacing ? 0 : begin_body(c);
	while (!err && piece.len) {
		struct span slice = {piece.at, piece.len < SLICE ? piece.len : SLICE};
		size_t len;
		dot_read(&c->lines, slice, text, &len);
		err = write_body(c, (struct span){text, len});
		piece = span_skip(piece, slice.len);
	}
	return err;
}

static enum milter_result take_edits(struct content *c, struct filter *f, const struct filter_services *services,
				     int64_t until, int *err)
{
	uint64_t most = (uint64_t)c->config->messages.max_message_size;
	enum milter_result result = filter_await(f, services, f->config.timeout.content_ms, until);
	while (result == MILTER_BODY) {
		*err = take_body(c, f->machine.piece);
		if (*err)
			return MILTER_FAULT;
		if (c->new_octets > most) {
			filter_fault(f, "sent a new body of more than max_message_size");
			return MILTER_FAULT;
		}
		result = filter_await(f, services, f->config.timeout.content_ms, until);
	}
	return result;
}

enum milter_result content_show(struct content *c, struct filter *f, const struct filter_services *services,
				struct milter_macros macros, int64_t until, int *err)
{
	bool shown = milter_wants_header(&f->machine) || milter_wants_body(&f->machine);
	*err = shown ? read_head(c) : 0;
	if (*err)
		return MILTER_FAULT;
	enum milter_result result = show_header(c, f, services, macros, until);
	if (goes_on(result))
		result = event(f, services, milter_eoh(&f->machine, macros), until);
	if (goes_on(result))
		result = show_body(c, f, services, macros, until, err);
	if (!goes_on(result) || *err)
		return result;
	if (!filter_quiet(f))
		return MILTER_FAULT;
	if (!milter_eom(&f->machine, macros))
		return result;
	return take_edits(c, f, services, until, err);
}

int content_drop(struct content *c)
{
	if (!c->replacing)
		return 0;
	c->replacing = c->read = false;
	return c->store->replace_end(c->store->context, false);
}

/* The new body is complete: it becomes the body of the message. */
static int end_body(struct content *c, const struct edits *edits)
{
	char text[DOT_READ_EXTRA];
	if (edits->body && !c->replacing) { /* it is empty */
		int err = begin_body(c);
		if (err)
			return err;
	}
	if (!c->replacing)
		return 0;
	int err = write_body(c, (struct span){text, dot_read_end(&c->lines, text)});
	if (!err && c->in_line)
		err = write_body(c, SPAN("\r\n"));
	if (err)
		return err;
	c->replacing = false;
	return c->store->replace_end(c->store->context, true);
}

/* Writes HEAD in place of the head, and the body behind it, which has *OCTETS. */
static int rewrite(struct content *c, struct span head, uint64_t *octets)
{
	uint64_t at = c->head.len;
	size_t len = 1;
	int err = c->store->replace_begin(c->store->context);
	if (!err)
		err = write_text(c, head);
	while (!err && len) {
		err = fill(c, at, &len);
		at += len;
		if (!err)
			err = write_text(c, (struct span){c->piece, len});
	}
	*octets = at - c->head.len;
	c->read = false;
	return err ? err : c->store->replace_end(c->store->context, true);
}

/* Why edits_header could not write HEAD: only a header that is too large stays so. */
static int header_fault(const struct content *c, const struct str *head)
{
	bool large = header_of(c).len > EDITS_HEADER_MAX || (head->failed && !head->no_memory);
	return large ? -EMSGSIZE : -ENOMEM;
}

static size_t ours_octets(const struct content *c)
{
	struct span rest = header_of(c);
	struct field field = {.whole = {rest.at, 0}};
	for (size_t number = 0; number <= c->ours && field_next(&rest, &field); number++)
		;
	return field.whole.len;
}

/* Writes the new header behind the new envelope in HEAD, and both to the store if they differ from the old ones. */
static int apply_header(struct content *c, const struct edits *edits, struct str *head)
{
	size_t envelope = head->len, ours = ours_octets(c);
	uint64_t body = c->new_octets;
	if (!edits_header(edits, header_of(c), &c->ours, head))
		return header_fault(c, head);
	bool same = span_equal(str_span(head), str_span(&c->head));
	int err = same ? 0 : rewrite(c, str_span(head), &body);
	if (!err && (!same || edits->body))
		c->message->octets = head->len - envelope - ours + body;
	return err;
}

int content_apply(struct content *c, const struct edits *edits)
{
	struct str head;
	str_init(&head, CONTENT_HEAD_MAX);
	int err = read_head(c);
	if (!err)
		err = content_envelope(c, edits, &head);
	if (err) {
		str_free(&head);
		return err;
	}
	err = end_body(c, edits);
	if (!err)
		err = apply_header(c, edits, &head);
	c->read = false;
	str_free(&head);
	return err;
}

int content_hold(struct content *c, struct span reason)
{
	struct str head;
	uint64_t body;
	int err = read_head(c);
	if (err)
		return err;
	str_init(&head, CONTENT_HEAD_MAX);
	str_append(&head, (struct span){c->head.at, c->envelope.body_at});
	envelope_write_hold(&head, reason);
	str_append(&head, header_of(c));
	err = head.failed ? -ENOMEM : rewrite(c, str_span(&head), &body);
	str_free(&head);
	return err;
}
