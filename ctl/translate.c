#include "ctl/translate.h"

#include <ctype.h>
#include <string.h>
#include <sys/types.h>

#include "common/base/language.h"
#include "common/base/str.h"

enum {
	ARGUMENTS_MAX = 16,
	DEPTH_MAX = 12,
	KEPT = 16,
	SEPARATOR = 2,
	SEPARATORS_MAX = 16,
	ERROR_MAX = 200,
	REMARK_MIN = 20
};

static const char *const messages[] = {
#include "ctl/composed.inc"
};
const unsigned translate_count = sizeof(messages) / sizeof(messages[0]);

const char *translate_message(unsigned i)
{
	return messages[i];
}

/* One conversion of a format, such as "%s", "%.*s", "%zu", "%2$s" or "%3$.*2$s". */
struct conversion {
	unsigned argument; /* its number, from 0 */
	bool number;
	bool percent; /* "%%", or a "%" at the end of a text that is no format */
	size_t len;
};

/* An argument of a message, cut out of a text. */
struct argument {
	struct span text;
	bool number;
};

struct match {
	struct argument arguments[ARGUMENTS_MAX];
	struct span last; /* the last text argument */
	unsigned literal;
};

static unsigned read_number(const char **at)
{
	unsigned n = 0;
	while (isdigit((unsigned char)**at))
		n = n * 10 + (unsigned)(*(*at)++ - '0');
	return n;
}

/* Reads the conversion at FORMAT, a '%'. *next is the number of the next argument without a number of its own. */
static struct conversion read_conversion(const char *format, unsigned *next)
{
	struct conversion c = {0};
	const char *at = format + 1;
	unsigned given = 0;
	for (; *at && !isalpha((unsigned char)*at) && *at != '%'; at++) {
		const char *digits = at;
		unsigned n = read_number(&at);
		if (n && *at == '$')
			given = n;
		else if (at > digits)
			at--;
		else if (*at == '*' && isdigit((unsigned char)at[1]))
			at += strspn(at + 1, "0123456789") + 1; /* "*2$" */
		else if (*at == '*')
			(*next)++;
	}
	c.percent = *at == '%' || !*at;
	at += strspn(at, "hlzjt");
	c.number = *at != 's' && !c.percent;
	c.argument = c.percent ? 0 : given ? given - 1 : (*next)++;
	c.len = (size_t)(at - format) + (*at != '\0');
	return c;
}

/* A message may be a whole line; its text comes without the end of the line. */
static bool ends(const char *format)
{
	return !format[0] || !strcmp(format, "\n");
}

/*
 * Compares what FORMAT has before its next text argument with the begin of TEXT. *at is where it ends in FORMAT, *next
 * the number of the next argument. Returns the number of octets that it takes of TEXT, -1 when it differs.
 */
static ssize_t take_segment(struct span text, const char **at, unsigned *next, struct match *m)
{
	size_t taken = 0;
	while (!ends(*at)) {
		unsigned after = *next;
		struct conversion c = {.percent = true, .len = 1};
		if (**at == '%')
			c = read_conversion(*at, &after);
		if (c.percent && (taken == text.len || text.at[taken] != **at))
			return -1;
		if (!c.percent && !c.number)
			return (ssize_t)taken;
		size_t octets = c.percent;
		while (c.number && taken + octets < text.len && isdigit((unsigned char)text.at[taken + octets]))
			octets++;
		if (!octets || c.argument >= ARGUMENTS_MAX)
			return -1;
		if (c.number)
			m->arguments[c.argument] = (struct argument){{text.at + taken, octets}, true};
		else
			m->literal++;
		taken += octets;
		*next = after;
		*at += c.len;
	}
	return (ssize_t)taken;
}

/* The length of the text argument that TEXT begins with: it ends where FORMAT goes on. -1 = nowhere. */
static ssize_t take_text(struct span text, const char **at, unsigned *next, struct match *m, size_t *behind)
{
	unsigned literal = m->literal;
	*behind = 0;
	if (ends(*at))
		return text.len ? (ssize_t)text.len : -1;
	for (size_t len = 1; len < text.len; len++) {
		const char *rest = *at;
		unsigned after = *next;
		ssize_t taken = take_segment(span_skip(text, len), &rest, &after, m);
		if (taken >= 0 && (!ends(rest) || len + (size_t)taken == text.len)) {
			*at = rest;
			*next = after;
			*behind = (size_t)taken;
			return (ssize_t)len;
		}
		m->literal = literal;
	}
	return -1;
}

/* A text argument is never empty. No argument but the last of them has in it what stands behind it. */
static bool match_format(const char *at, struct span text, struct match *m)
{
	unsigned next = 0;
	m->literal = 0;
	m->last = (struct span){0};
	ssize_t taken = take_segment(text, &at, &next, m);
	if (taken < 0)
		return false;
	text = span_skip(text, (size_t)taken);
	while (!ends(at)) {
		struct conversion c = read_conversion(at, &next);
		size_t behind;
		at += c.len;
		ssize_t len = take_text(text, &at, &next, m, &behind);
		if (len < 0 || c.argument >= ARGUMENTS_MAX)
			return false;
		m->last = (struct span){text.at, (size_t)len};
		m->arguments[c.argument] = (struct argument){m->last, false};
		text = span_skip(text, (size_t)len + behind);
	}
	return !text.len;
}

/* Where a text stands. */
enum place {
	CLAUSE,
	ARGUMENT, /* a single word is a name, and no message */
	REPLY,    /* that, too, and a message that begins with an argument may be the words of another host */
};

/* The message that explains most of TEXT; NULL = none. */
static const char *find_message(struct span text, enum place place, struct match *best)
{
	const char *found = NULL;
	struct match m;
	if (place != CLAUSE && span_find(text, ' ') == text.len)
		return NULL;
	for (unsigned i = 0; i < translate_count; i++) {
		if (place == REPLY && messages[i][0] == '%')
			continue;
		if (match_format(messages[i], text, &m) && (!found || m.literal > best->literal)) {
			found = messages[i];
			*best = m;
		}
	}
	return found;
}

const char *translate_find(struct span text)
{
	struct match m;
	return find_message(text, CLAUSE, &m);
}

static void append_translated(struct str *to, struct span text, enum place place, unsigned depth);

static void append_message(struct str *to, const char *format, const struct match *m, unsigned depth)
{
	unsigned next = 0;
	while (!ends(format)) {
		size_t plain = strcspn(format, "%\n");
		str_append(to, (struct span){format, plain});
		format += plain;
		if (*format != '%') {
			str_append(to, (struct span){format, !ends(format)});
			format += *format != '\0';
			continue;
		}
		struct conversion c = read_conversion(format, &next);
		format += c.len;
		const struct argument *argument = &m->arguments[c.argument % ARGUMENTS_MAX];
		if (c.percent)
			str_append_c(to, '%');
		else if (argument->number)
			str_append(to, argument->text);
		else
			append_translated(to, argument->text, ARGUMENT, depth + 1);
	}
}

/* The length of "550 5.1.1 " or "250-", before what another host said; 0 = TEXT is no reply. */
static size_t reply_head(struct span text)
{
	static const char digits[] = "0123456789";
	size_t len = 0;
	while (len < text.len && len < 3 && strchr(digits, text.at[len]))
		len++;
	if (len < 3 || len == text.len || (text.at[len] != ' ' && text.at[len] != '-'))
		return 0;
	size_t code = ++len, dots = 0;
	for (; len < text.len && (strchr(digits, text.at[len]) || text.at[len] == '.'); len++)
		dots += text.at[len] == '.';
	return dots == 2 && len < text.len && text.at[len] == ' ' ? len + 1 : code;
}

static bool is_separator(const char *at)
{
	return !memcmp(at, "; ", SEPARATOR) || !memcmp(at, ": ", SEPARATOR) || !memcmp(at, " (", SEPARATOR);
}

/* The offset of the next separator from AT on; text.len = none. */
static size_t next_separator(struct span text, size_t at)
{
	while (at + SEPARATOR < text.len && !is_separator(text.at + at))
		at++;
	return at + SEPARATOR < text.len ? at : text.len;
}

/* The length of the clause that TEXT begins with: the shortest message; else all before the first separator. */
static size_t clause(struct span text)
{
	size_t first = next_separator(text, 1), at = first;
	struct match m;
	for (unsigned n = 0; n < SEPARATORS_MAX && at < text.len; n++, at = next_separator(text, at + 1))
		if (find_message((struct span){text.at, at}, CLAUSE, &m))
			return at;
	return first;
}

/* What stands behind the separator at offset LEN of TEXT; *closed: and before the parenthesis that ends it. */
static struct span behind(struct span text, size_t len, bool *closed)
{
	struct span rest = span_skip(text, len + SEPARATOR);
	*closed = text.at[len] == ' ' && text.at[text.len - 1] == ')';
	rest.len -= *closed;
	return rest;
}

/* A text of errno, which libc translates itself. */
static void append_other(struct str *to, struct span text)
{
	char plain[ERROR_MAX];
	bool words = span_find(text, ' ') < text.len && span_copy(text, plain, sizeof(plain));
	str_append(to, words ? span_of(dgettext("libc", plain)) : text);
}

static void append_clauses(struct str *to, struct span text, unsigned depth)
{
	size_t len = clause(text);
	bool closed;
	if (len == text.len) {
		append_other(to, text);
		return;
	}
	append_translated(to, (struct span){text.at, len}, CLAUSE, depth);
	str_append(to, (struct span){text.at + len, SEPARATOR});
	append_translated(to, behind(text, len, &closed), CLAUSE, depth);
	str_append_text(to, closed ? ")" : "");
}

/* What another host said. We may say something before it, or behind it (delivery/smtp/refusal.c). */
static void append_reply(struct str *to, struct span text, unsigned depth)
{
	struct match m;
	bool closed;
	if (find_message(text, REPLY, &m)) {
		append_translated(to, text, CLAUSE, depth);
		return;
	}
	size_t at = next_separator(text, 1);
	for (unsigned n = 0; n < SEPARATORS_MAX && at < text.len; n++, at = next_separator(text, at + 1)) {
		struct span ours = behind(text, at, &closed);
		if (!find_message(ours, REPLY, &m) || m.literal < REMARK_MIN)
			continue;
		str_append(to, (struct span){text.at, at + SEPARATOR});
		append_translated(to, ours, CLAUSE, depth);
		str_append_text(to, closed ? ")" : "");
		return;
	}
	str_append(to, text);
}

/* Whether MESSAGE made only the first clause of TEXT: its last argument took in the others. */
static bool goes_on(const char *message, struct span text, const struct match *m)
{
	struct span last = m->last;
	struct match other;
	size_t len = clause(text);
	return len < text.len && last.at + last.len == text.at + text.len && next_separator(last, 1) < last.len &&
	       !reply_head(last) && !find_message(last, ARGUMENT, &other) &&
	       find_message((struct span){text.at, len}, CLAUSE, &other) == message;
}

static void append_translated(struct str *to, struct span text, enum place place, unsigned depth)
{
	struct match m;
	const char *message = depth < DEPTH_MAX ? find_message(text, place, &m) : NULL;
	size_t head = reply_head(text);
	if (message && !goes_on(message, text, &m)) {
		append_message(to, _(message), &m, depth + 1);
	} else if (depth >= DEPTH_MAX) {
		str_append(to, text);
	} else if (head) {
		str_append(to, (struct span){text.at, head});
		append_reply(to, span_skip(text, head), depth + 1);
	} else {
		append_clauses(to, text, depth + 1);
	}
}

bool translate_append(struct span text, struct str *to)
{
	append_translated(to, text, CLAUSE, 0);
	return !to->failed;
}

struct span translate_text(struct span text)
{
	static char kept[KEPT][TRANSLATE_MAX];
	static unsigned used;
	struct str translated;
	if (!language_foreign() || !text.len)
		return text;
	str_init(&translated, TRANSLATE_MAX - 1);
	if (translate_append(text, &translated) && !span_equal(text, str_span(&translated))) {
		char *to = kept[used++ % KEPT];
		if (span_copy(str_span(&translated), to, TRANSLATE_MAX))
			text = span_of(to);
	}
	str_free(&translated);
	return text;
}
