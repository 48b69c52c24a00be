#include "common/recipients/recipient_line.h"

#include "common/base/ascii.h"
#include "common/base/language.h"
#include "common/mail/domain.h"
#include "common/recipients/recipient_map.h"

struct recipient_lines recipient_lines_of(struct span text)
{
	bool mark = span_starts(text, SPAN("\xef\xbb\xbf"));
	return (struct recipient_lines){.rest = span_skip(text, mark ? 3 : 0)};
}

bool recipient_lines_next(struct recipient_lines *lines, struct span *line)
{
	while (span_line(&lines->rest, line)) {
		lines->number++;
		*line = span_trim(*line);
		if (line->len && line->at[0] != '#')
			return true;
	}
	return false;
}

static void key_append(struct recipient_key *key, char c)
{
	if (key->len < RECIPIENT_KEY_MAX)
		key->text[key->len++] = ascii_lower(c);
}

void recipient_key_make(struct recipient_key *key, struct span local, size_t len, struct span domain)
{
	bool quoted = local.len > 1 && local.at[0] == '"';
	if (quoted)
		local = (struct span){local.at + 1, local.len - 2};
	key->len = 0;
	for (size_t i = 0; i < local.len && key->len < len; i++) {
		if (quoted && local.at[i] == '\\' && i + 1 < local.len)
			i++;
		key_append(key, local.at[i]);
	}
	key_append(key, '\0');
	for (size_t i = 0; i < domain.len; i++)
		key_append(key, domain.at[i]);
}

struct span recipient_key_span(const struct recipient_key *key)
{
	return (struct span){key->text, key->len};
}

/* "@domain", also as "*@domain", and "*". */
static const char *read_wildcard(struct span word, struct recipient_key *key)
{
	struct span none = {0};
	word = span_skip(word, word.at[0] == '*');
	if (word.len && !domain_valid(span_skip(word, 1)) && !domain_is_literal(span_skip(word, 1)))
		return N_("there is no domain after '@'");
	recipient_key_make(key, none, 0, span_skip(word, 1));
	return NULL;
}

static const char *read_key(struct span word, struct recipient_key *key)
{
	struct address address;
	const char *why;
	if (word.at[0] == '@' || span_equal(word, SPAN("*")) || span_starts(word, SPAN("*@")))
		return read_wildcard(word, key);
	if (!address_parse(word, &address, &why))
		return why;
	recipient_key_make(key, address.local, address.local.len, address.domain);
	return key->text[0] ? NULL : N_("the local part is empty");
}

/* Takes the first word off *line: up to a blank or a colon that is neither in quotes nor in an address literal. */
static struct span take_key(struct span *line)
{
	bool quoted = false, literal = false;
	size_t i = 0;
	for (; i < line->len; i++) {
		char c = line->at[i];
		if (!quoted && !literal && (c == ' ' || c == '\t' || c == ':'))
			break;
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (c == '[' || c == ']')
			literal = c == '[' && !quoted;
	}
	i = i < line->len ? i : line->len;
	struct span word = {line->at, i};
	*line = span_trim(span_skip(*line, i));
	return word;
}

static bool separates(char c)
{
	return c == ' ' || c == '\t' || c == ',';
}

struct span recipient_line_target(struct span *rest)
{
	bool quoted = false;
	size_t from = 0, to;
	while (from < rest->len && separates(rest->at[from]))
		from++;
	for (to = from; to < rest->len && (quoted || !separates(rest->at[to])); to++)
		if (quoted && rest->at[to] == '\\')
			to++;
		else if (rest->at[to] == '"')
			quoted = !quoted;
	to = to < rest->len ? to : rest->len;
	struct span target = {rest->at + from, to - from};
	*rest = span_skip(*rest, to);
	return target;
}

static const char *judge_targets(struct recipient_row *row)
{
	struct span rest = row->targets;
	struct address address;
	const char *why;
	for (struct span target = recipient_line_target(&rest); target.len; target = recipient_line_target(&rest)) {
		if (!address_parse(target, &address, &why))
			return N_("an address behind the colon is invalid");
		if (++row->target_count > RECIPIENT_MAP_TARGETS_MAX)
			return N_("it leads to more than 1000 addresses");
		row->target_octets += target.len;
	}
	return row->target_count ? NULL : N_("there is no address behind the colon");
}

const char *recipient_line_read(struct span line, struct recipient_row *row)
{
	if (line.len > RECIPIENT_MAP_LINE_MAX)
		return N_("it is longer than 65536 octets");
	*row = (struct recipient_row){.key.len = 0};
	struct span word = take_key(&line);
	const char *why = word.len ? read_key(word, &row->key) : N_("there is no address before the colon");
	if (why)
		return why;
	if (line.len && line.at[0] != ':')
		return N_("there is text after the address; a colon is missing if it leads elsewhere");
	row->targets = span_skip(line, 1);
	return line.len ? judge_targets(row) : NULL;
}
