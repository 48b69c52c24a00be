#include "common/mail/mailbox.h"

#include <string.h>

/* What has been read of one entry of the list. */
struct entry {
	char *to;        /* an address: words, dots and at signs without what stands between them */
	size_t len;      /* of it; beyond MAILBOX_ROUTE_MAX nothing is kept */
	const char *end; /* behind its last word */
	bool phrase;     /* two words side by side: no address, but a name that goes before one */
	bool open;       /* the last token was a word, so that another would be beside it */
	bool angle;      /* within <> */
	bool closed;     /* behind > */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Octets up to the closing parenthesis, those inside counted; all of S when there is none. */
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
	return s.len;
}

/* Octets of a word that begins with OPEN and ends with CLOSE; all of S when it does not end. */
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
	return s.len;
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
	for (size_t i = 0; i < token.len && e->len <= MAILBOX_ROUTE_MAX; i++)
		if (token.at[i] != '\r' && token.at[i] != '\n')
			e->to[e->len++] = token.at[i];
}

static void forget(struct entry *e)
{
	*e = (struct entry){.to = e->to};
}

/* A token of an address or of the name before it. */
static void take_token(struct entry *e, struct span *list)
{
	char c = list->at[0];
	size_t len = c == '"' ? quoted_length(*list, '"') : c == '[' ? quoted_length(*list, ']') : atom_length(*list);
	bool glue = c == '.' || c == '@' || c == ':' || c == ',';
	if (e->closed)
		e->phrase = true;
	keep(e, (struct span){list->at, glue ? 1 : len}, !glue);
	*list = span_skip(*list, glue ? 1 : len);
}

/* Reads up to the end of an entry and takes it with what separates it from the next. False: < and > don't match. */
static bool take_entry(struct entry *e, struct span *list)
{
	while (list->len) {
		char c = list->at[0];
		if (is_space(c)) {
			*list = span_skip(*list, 1);
		} else if (c == '(') {
			*list = span_skip(*list, comment_length(*list));
		} else if (c == '<') {
			if (e->angle || e->closed)
				return false;
			forget(e);
			e->angle = true;
			e->end = list->at + 1;
			*list = span_skip(*list, 1);
		} else if (c == '>') {
			if (!e->angle || e->closed)
				return false;
			e->closed = true;
			*list = span_skip(*list, 1);
		} else if (e->angle && !e->closed) {
			take_token(e, list);
		} else if (c == ':') { /* the name of a group */
			forget(e);
			*list = span_skip(*list, 1);
		} else if (c == ',' || c == ';') {
			*list = span_skip(*list, 1);
			if (e->len || e->angle)
				break;
		} else {
			take_token(e, list);
		}
	}
	return e->angle == e->closed;
}

/* The address of E, which is "<...>" around what was kept. */
static bool parse(const struct entry *e, struct mailbox *out, const char **why)
{
	struct span whole = {out->text, e->len + 2}, rest;
	*why = "something stands before or behind the address, or several words are none";
	if (e->phrase)
		return false;
	*why = "the address is too long";
	if (e->len > MAILBOX_ROUTE_MAX)
		return false;
	out->text[0] = '<';
	out->text[e->len + 1] = '>';
	out->text[e->len + 2] = '\0';
	out->end = e->end;
	return address_parse_path(whole, &out->address, &rest, why) && rest.len == 0;
}

enum mailbox_result mailbox_next(struct span *list, struct mailbox *out, const char **why)
{
	struct entry e = {.to = out->text + 1};
	bool matched = take_entry(&e, list);
	*why = "an address has < without >, or > without <";
	if (matched && !e.len && !e.angle)
		return MAILBOX_END;
	if (matched && parse(&e, out, why))
		return MAILBOX_FOUND;
	*list = (struct span){list->at + list->len, 0};
	return MAILBOX_BAD;
}
