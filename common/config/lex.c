#include "common/config/lex.h"

#include <string.h>

#include "common/base/language.h"

static bool at_end(const struct config_lexer *lexer)
{
	return lexer->offset >= lexer->source->text.len;
}

/* NUL at the end; no text may contain NUL. */
static char peek(const struct config_lexer *lexer)
{
	return at_end(lexer) ? '\0' : lexer->source->text.at[lexer->offset];
}

static struct config_at here(const struct config_lexer *lexer)
{
	return (struct config_at){lexer->source, (uint32_t)lexer->offset, lexer->line, *lexer->token + 1};
}

static bool is_control(char octet)
{
	return ((unsigned char)octet < ' ' && octet != '\t' && octet != '\n') || octet == 0x7f;
}

static bool ends_word(const struct config_lexer *lexer)
{
	return at_end(lexer) || memchr(" \t\r\n;{}", peek(lexer), 7);
}

/* A carriage return is a blank only at the end of a line: files from Windows. */
static bool is_blank(const struct config_lexer *lexer)
{
	struct span rest = span_skip(lexer->source->text, lexer->offset);
	return rest.len && (rest.at[0] == ' ' || rest.at[0] == '\t' || span_starts(rest, SPAN("\r\n")));
}

/* The octets up to the closing quote, or up to the end of the line if there is none. */
static struct span quoted_text(const struct config_lexer *lexer)
{
	struct span rest = span_skip(lexer->source->text, lexer->offset + 1);
	size_t len = 0;
	while (len < rest.len && rest.at[len] != '"' && rest.at[len] != '\n')
		len += rest.at[len] == '\\' && len + 1 < rest.len && rest.at[len + 1] != '\n' ? 2 : 1;
	return (struct span){rest.at, len};
}

/* TEXT with \" and \\ resolved, in the arena. */
static struct span unescape(struct config_lexer *lexer, struct span text)
{
	char *to = arena_copy(lexer->arena, text);
	size_t len = 0;
	if (!to) {
		lexer->findings->no_memory = true;
		return (struct span){"", 0};
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '\\' && i + 1 < text.len && (text.at[i + 1] == '"' || text.at[i + 1] == '\\'))
			i++;
		to[len++] = text.at[i];
	}
	return (struct span){to, len};
}

static struct span quoted_word(struct config_lexer *lexer)
{
	struct config_at start = here(lexer);
	struct span text = quoted_text(lexer);
	for (size_t i = 0; i < text.len; i++)
		if (is_control(text.at[i]))
			config_error(lexer->findings, start, _("control character 0x%02x in quotes"),
				     (unsigned char)text.at[i]);
	lexer->offset += 1 + text.len;
	if (peek(lexer) != '"') {
		config_error(lexer->findings, start, _("this quote is not closed on its line"));
		return unescape(lexer, text);
	}
	lexer->offset++;
	if (!ends_word(lexer))
		config_error(lexer->findings, here(lexer), _("a space is missing after the closing quote"));
	return unescape(lexer, text);
}

static struct span plain_word(struct config_lexer *lexer)
{
	size_t start = lexer->offset;
	for (; !ends_word(lexer) || (peek(lexer) == '\r' && !is_blank(lexer)); lexer->offset++) {
		if (is_control(peek(lexer)))
			config_error(lexer->findings, here(lexer), _("control character 0x%02x"),
				     (unsigned char)peek(lexer));
		if (peek(lexer) == '"')
			config_error(
				lexer->findings, here(lexer),
				_("a quote inside a word: put the whole word in double quotes, with \\\" for a quote"));
	}
	return (struct span){lexer->source->text.at + start, lexer->offset - start};
}

/* "#line N" or "#line N "FILE"" of a canonical text; the line after it is number N. */
static void take_origin(struct config_lexer *lexer, struct span comment)
{
	uint64_t line;
	struct span rest = span_skip(comment, sizeof("#line ") - 1);
	if (!span_to_u64(span_take(&rest, ' '), UINT32_MAX, &line))
		return;
	lexer->line = (uint32_t)line;
	if (rest.len < 2)
		return;
	struct config_source *next = arena_alloc(lexer->arena, sizeof(*next));
	if (next)
		next->name = arena_copy(lexer->arena, (struct span){rest.at + 1, rest.len - 2});
	if (!next || !next->name) {
		lexer->findings->no_memory = true;
		return;
	}
	next->text = lexer->source->text;
	lexer->source = next;
}

/* Moves to the line end after the comment. True if it was an origin: then the line end is skipped too. */
static bool skip_comment(struct config_lexer *lexer)
{
	struct span rest = span_skip(lexer->source->text, lexer->offset);
	struct span comment = {rest.at, span_find(rest, '\n')};
	lexer->offset += comment.len;
	if (!lexer->canonical || !span_starts(comment, SPAN("#line ")))
		return false;
	lexer->offset += !at_end(lexer);
	take_origin(lexer, comment);
	return true;
}

static void skip_blanks(struct config_lexer *lexer)
{
	if (!lexer->offset && span_starts(lexer->source->text, SPAN("\xef\xbb\xbf")))
		lexer->offset = 3;
	for (;;) {
		if (is_blank(lexer))
			lexer->offset++;
		else if (peek(lexer) != '#' || !skip_comment(lexer))
			return;
	}
}

/* Counts a token that is not a line end. A canonical text has more tokens than the file: an fqdn for each server. */
static bool within_bound(struct config_lexer *lexer, struct config_at at)
{
	uint32_t max = lexer->canonical ? 2 * CONFIG_TOKENS_MAX : CONFIG_TOKENS_MAX;
	if (*lexer->token > max)
		return false;
	if (++*lexer->token <= max)
		return true;
	config_error(lexer->findings, at, _("more than %d words in one configuration"), CONFIG_TOKENS_MAX);
	return false;
}

/* Reports a line that begins with a semicolon, and skips it as a comment, as it was meant. */
static void skip_ini_comment(struct config_lexer *lexer)
{
	struct span rest = span_skip(lexer->source->text, lexer->offset + 1);
	struct span line = {rest.at, span_find(rest, '\n')};
	if (span_trim(line).len)
		config_error(lexer->findings, here(lexer), _("a comment begins with #, not with ;"));
	lexer->offset += line.len;
}

void config_lex(struct config_lexer *lexer, struct config_token *out)
{
	skip_blanks(lexer);
	*out = (struct config_token){.kind = TOKEN_END, .at = here(lexer)};
	if (at_end(lexer))
		return;
	if (peek(lexer) != '\n' && !within_bound(lexer, out->at))
		return;
	bool begun = lexer->begun;
	lexer->begun = peek(lexer) != '\n';
	switch (peek(lexer)) {
	case '\n':
		lexer->line++;
		out->kind = TOKEN_LINE_END;
		break;
	case ';':
		if (!begun)
			skip_ini_comment(lexer);
		out->kind = TOKEN_LINE_END;
		break;
	case '{':
		out->kind = TOKEN_OPEN;
		break;
	case '}':
		out->kind = TOKEN_CLOSE;
		break;
	case '"':
		out->kind = TOKEN_WORD;
		out->text = quoted_word(lexer);
		return;
	default:
		out->kind = TOKEN_WORD;
		out->text = plain_word(lexer);
		return;
	}
	lexer->offset++;
}
