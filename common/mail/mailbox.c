#include "common/mail/mailbox.h"

#include <string.h>

/* The state of one entry of the list. */
struct entry {
	char *to;        /* the address: words, dots and at signs without the text between them */
	size_t len;      /* its length; beyond MAILBOX_ROUTE_MAX nothing is kept */
	const char *end; /* behind its last word */
	const char *why; /* its first fault; NULL = none */
	bool phrase;     /* two words side by side: a name that precedes an address */
	bool at;         /* it has an at sign */
	bool open;       /* the last token was a word, so another word would be adjacent */
	bool angle;      /* within <> */
	bool closed;     /* behind > */
};

static const char unmatched[] = "an address has < without >, or > without <";

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

/* Octets of a folded line end at the start of S, or of one that ends S. Any other line end is a control character. */
static size_t fold_length(struct span s)
{
	size_t len = span_starts(s, SPAN("\r\n")) ? 2 : span_starts(s, SPAN("\n"));
	return len && (len == s.len || is_blank(s.at[len])) ? len : 0;
}

/* Octets up to the closing parenthesis, with nesting; 0 when there is none. */
static size_t comment_length(struct span s)
{
	size_t depth = 0, i = 0;
	while (i < s.len) {
		char c = s.at[i++];
		if (c == '\\')
			i += i < s.len;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			return i;
	}
	return 0;
}

/* Octets of a word that begins with a delimiter and ends with CLOSE; 0 when it does not end. */
static size_t quoted_length(struct span s, char close)
{
	size_t i = 1;
	while (i < s.len) {
		char c = s.at[i++];
		if (c == '\\')
			i += i < s.len;
		else if (c == close)
			return i;
	}
	return 0;
}

static size_t atom_length(struct span s)
{
	size_t i = 0;
	while (i < s.len && !is_space(s.at[i]) && !(s.at[i] && strchr("()<>@,;:\".[", s.at[i])))
		i++;
	return i ? i : 1;
}

static void keep(struct entry *e, struct span token, bool word)
{
	if (word && e->open)
		e->phrase = true;
	e->open = word;
	e->end = token.at + token.len;
	for (size_t i = 0; i < token.len && e->len <= MAILBOX_ROUTE_MAX; i++) {
		i += fold_length(span_skip(token, i));
		if (i < token.len)
			e->to[e->len++] = token.at[i];
	}
}

static void blame(struct entry *e, const char *why)
{
	if (!e->why)
		e->why = why;
}

/* A token of an address or of the name before it. */
static void take_token(struct entry *e, struct span *list)
{
	char c = list->at[0];
	bool quoted = c == '"' || c == '[', glue = c == '.' || c == '@' || c == ':' || c == ',';
	size_t len = glue ? 1 : quoted ? quoted_length(*list, c == '"' ? '"' : ']') : atom_length(*list);
	if (!len)
		blame(e, c == '"' ? "a text in quotes does not end" : "an address has [ without ]");
	if (!len)
		len = list->len;
	if (e->closed)
		e->phrase = true;
	e->at |= c == '@';
	keep(e, (struct span){list->at, len}, !glue);
	*list = span_skip(*list, len);
}

/* Octets of the comment, quoted text, or [] at the front of LIST, or of one octet. */
static size_t token_length(struct span list)
{
	char c = list.at[0];
	size_t len = c == '(' ? comment_length(list) : 1;
	if (c == '"' || c == '[')
		len = quoted_length(list, c == '"' ? '"' : ']');
	return len ? len : list.len;
}

/*
 * The same, but also from < to >. It must agree with the end that take_entry finds, or the list would be read in
 * quadratic time.
 */
static size_t part_length(struct span list)
{
	bool angle = list.at[0] == '<', closed = !angle;
	struct span rest = span_skip(list, angle ? 1 : token_length(list));
	while (rest.len && !closed) {
		closed = rest.at[0] == '>';
		rest = span_skip(rest, token_length(rest));
	}
	return list.len - rest.len;
}

/* After the colon of a group: it ends, or is empty ("undisclosed-recipients:"). Groups can't be nested. */
static bool group_ends(struct span list)
{
	bool empty = true;
	while (list.len && list.at[0] != ';') {
		if (list.at[0] == ':')
			return false;
		empty = empty && (list.at[0] == '(' || is_space(list.at[0]));
		list = span_skip(list, part_length(list));
	}
	return list.len || empty;
}

/* The name of a group was read; LIST begins with the colon. */
static void take_group(struct entry *e, struct span *list)
{
	*list = span_skip(*list, 1);
	if (!e->end || e->at || e->angle)
		blame(e, "the text before a colon is not the name of a group");
	else if (!group_ends(*list))
		blame(e, "a group, which begins with a colon, does not end in a semicolon");
	const char *why = e->why;
	*e = (struct entry){.to = e->to, .why = why};
}

static void take_angle(struct entry *e, struct span *list)
{
	bool opens = list->at[0] == '<';
	if (opens ? e->angle || e->closed : !e->angle || e->closed)
		blame(e, unmatched);
	*list = span_skip(*list, 1);
	if (opens)
		*e = (struct entry){.to = e->to, .why = e->why, .angle = true, .end = list->at};
	else
		e->closed = true;
}

/* Takes an entry and the separator behind it. */
static void take_entry(struct entry *e, struct span *list)
{
	while (list->len) {
		char c = list->at[0];
		size_t space = is_blank(c) ? 1 : fold_length(*list);
		bool inside = e->angle && !e->closed;
		if (space) {
			*list = span_skip(*list, space);
		} else if (c == '(') {
			size_t len = comment_length(*list);
			if (!len)
				blame(e, "a comment, which begins with a parenthesis, does not end");
			*list = span_skip(*list, len ? len : list->len);
		} else if (c == '<' || c == '>') {
			take_angle(e, list);
		} else if (!inside && c == ':') {
			take_group(e, list);
		} else if (!inside && (c == ',' || c == ';')) {
			*list = span_skip(*list, 1);
			if (e->len || e->angle || e->why)
				break;
		} else {
			take_token(e, list);
		}
	}
	if (e->angle && !e->closed)
		blame(e, unmatched);
}

/* Parses the address of E, "<...>" around the kept text. */
static bool parse(const struct entry *e, struct mailbox *out, const char **why)
{
	struct span whole = {out->text, e->len + 2}, rest;
	*why = e->why;
	if (e->why)
		return false;
	*why = "there is text before or behind the address, or several words are none";
	if (e->phrase)
		return false;
	*why = "the address is too long";
	if (e->len > MAILBOX_ROUTE_MAX)
		return false;
	out->text[0] = '<';
	out->text[e->len + 1] = '>';
	out->text[e->len + 2] = '\0';
	out->end = e->end;
	out->angle = e->angle;
	return address_parse_path(whole, &out->address, &rest, why) && rest.len == 0;
}

/* The part of BEFORE that was taken, without separators around it. */
static struct span entry_text(struct span before, struct span rest)
{
	struct span text = {before.at, before.len - rest.len};
	while (text.len && (is_space(text.at[0]) || text.at[0] == ','))
		text = span_skip(text, 1);
	while (text.len && (is_space(text.at[text.len - 1]) || strchr(",;", text.at[text.len - 1])))
		text.len--;
	return text;
}

enum mailbox_result mailbox_next(struct span *list, struct mailbox *out, const char **why)
{
	struct entry e = {.to = out->text + 1};
	struct span before = *list;
	take_entry(&e, list);
	if (!e.len && !e.angle && !e.why)
		return MAILBOX_END;
	out->whole = entry_text(before, *list);
	return parse(&e, out, why) ? MAILBOX_FOUND : MAILBOX_BAD;
}

bool mailbox_first(struct span list, struct mailbox *out, enum mailbox_result *result, const char **why)
{
	struct span rest = list, first = list;
	while ((*result = mailbox_next(&rest, out, why)) != MAILBOX_END)
		if (*result == MAILBOX_FOUND && (out->angle || out->address.domain.len))
			return true;
	*result = mailbox_next(&first, out, why);
	return *result == MAILBOX_FOUND;
}
