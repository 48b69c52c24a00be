#include "common/accounts/accounts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/base64.h"

static const int64_t changed_max = 253402300799999; /* the year 9999 */

/* The words of a line after the name, and their parsers; false = invalid. */
static bool read_yescrypt(struct span value, struct account *out);
static bool read_scram(struct span value, struct account *out);
static bool read_cram(struct span value, struct account *out);
static bool read_changed(struct span value, struct account *out);

enum { WORD_YESCRYPT, WORD_SCRAM, WORD_CRAM, WORD_CHANGED, WORD_COUNT };
enum { WORDS_NEEDED = 1U << WORD_YESCRYPT | 1U << WORD_CHANGED };

static const struct {
	const char *name;
	bool (*read)(struct span value, struct account *out);
	const char *why; /* the fault of an invalid value */
} words[WORD_COUNT] = {
	[WORD_YESCRYPT] = {"yescrypt", read_yescrypt, "yescrypt= is no such hash"},
	[WORD_SCRAM] = {"scram-sha-256", read_scram, "scram-sha-256= is not ITERATIONS,SALT,STORED,SERVER"},
	[WORD_CRAM] = {"cram-md5", read_cram, "cram-md5= is no such context"},
	[WORD_CHANGED] = {"changed", read_changed, "changed= is no time in milliseconds"},
};

static bool is_crypt(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '/' ||
	       c == '$';
}

/* *out points into the text; what is kept is copied later. */
static bool read_yescrypt(struct span value, struct account *out)
{
	if (value.len > ACCOUNT_HASH_MAX || value.len < 4 || !span_starts(value, SPAN("$y$")))
		return false;
	for (size_t i = 0; i < value.len; i++)
		if (!is_crypt(value.at[i]))
			return false;
	out->yescrypt = value.at;
	return true;
}

static bool read_key(struct span value, unsigned char to[ACCOUNT_KEY_OCTETS])
{
	size_t n;
	return base64_decode(value, to, ACCOUNT_KEY_OCTETS, &n) && n == ACCOUNT_KEY_OCTETS;
}

/* "010" would be a second text for 10. */
static bool read_number(struct span value, uint64_t max, uint64_t *out)
{
	return span_to_u64(value, max, out) && (value.len == 1 || value.at[0] != '0');
}

static bool read_scram(struct span value, struct account *out)
{
	uint64_t iterations;
	if (!read_number(span_take(&value, ','), ACCOUNT_ITERATIONS_MAX, &iterations) ||
	    iterations < ACCOUNT_ITERATIONS_MIN)
		return false;
	out->iterations = (unsigned)iterations;
	return base64_decode(span_take(&value, ','), out->salt, sizeof(out->salt), &out->salt_len) && out->salt_len &&
	       read_key(span_take(&value, ','), out->stored_key) && read_key(value, out->server_key);
}

static bool read_cram(struct span value, struct account *out)
{
	out->has_cram = true;
	return read_key(value, out->cram);
}

static bool read_changed(struct span value, struct account *out)
{
	uint64_t ms;
	if (!read_number(value, (uint64_t)changed_max, &ms))
		return false;
	out->changed_ms = (int64_t)ms;
	return true;
}

bool account_name_valid(struct span name)
{
	if (!name.len || name.len > ACCOUNT_NAME_MAX || name.at[0] == '-')
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= ' ' || name.at[i] > '~' || name.at[i] == '#' || name.at[i] == '=' ||
		    name.at[i] == ':')
			return false;
	return true;
}

/* The next word of *line; empty at the end. */
static struct span next_word(struct span *line)
{
	*line = span_trim(*line);
	size_t end = 0;
	while (end < line->len && line->at[end] != ' ' && line->at[end] != '\t')
		end++;
	struct span word = {line->at, end};
	*line = span_skip(*line, end);
	return word;
}

static const char *read_word(struct span word, struct account *out, unsigned *seen)
{
	struct span value = word, name = span_take(&value, '=');
	for (unsigned i = 0; i < WORD_COUNT; i++) {
		if (!span_equal(name, span_of(words[i].name)))
			continue;
		if (*seen & 1U << i)
			return "a word is repeated";
		*seen |= 1U << i;
		return words[i].read(value, out) ? NULL : words[i].why;
	}
	return "a word is unknown to this version";
}

/* NULL and the account, whose name and hash point into LINE, or the fault. */
static const char *read_line(struct span line, struct span *name, struct account *out)
{
	unsigned seen = 0;
	if (line.len > ACCOUNT_LINE_MAX)
		return "it is longer than any account";
	*out = (struct account){0};
	*name = next_word(&line);
	if (!account_name_valid(*name))
		return "it does not begin with a name";
	for (struct span word = next_word(&line); word.len; word = next_word(&line)) {
		const char *why = read_word(word, out, &seen);
		if (why)
			return why;
	}
	if ((seen & WORDS_NEEDED) != WORDS_NEEDED)
		return "yescrypt= and changed= must be there";
	return NULL;
}

/* Iterates over the lines with accounts, and numbers them. */
struct lines {
	struct span rest;
	unsigned number;
	bool torn; /* the current line is incomplete */
};

static bool next_line(struct lines *lines, struct span *line)
{
	while (lines->rest.len) {
		lines->torn = span_find(lines->rest, '\n') == lines->rest.len;
		*line = span_take(&lines->rest, '\n');
		lines->number++;
		if (line->len && line->at[line->len - 1] == '\r')
			line->len--;
		*line = span_trim(*line);
		if (line->len && line->at[0] != '#')
			return true;
	}
	return false;
}

static const char *read_next(const struct lines *lines, struct span line, struct span *name, struct account *out)
{
	return lines->torn ? "its line feed is missing" : read_line(line, name, out);
}

static size_t count(struct span text, struct str *trouble)
{
	struct lines lines = {.rest = text};
	struct span line, name;
	struct account account;
	size_t n = 0;
	while (next_line(&lines, &line)) {
		const char *why = read_next(&lines, line, &name, &account);
		if (why)
			str_printf(trouble, "line %u: %s\n", lines.number, why);
		else
			n++;
	}
	explicit_bzero(&account, sizeof(account));
	return n;
}

static size_t hash_length(const char *hash)
{
	size_t n = 0;
	while (is_crypt(hash[n]))
		n++;
	return n;
}

/* Stores the N accounts that were counted. */
static bool keep(struct span text, struct arena *arena, struct account *to, size_t n)
{
	struct lines lines = {.rest = text};
	struct span line, name;
	for (size_t i = 0; i < n && next_line(&lines, &line);) {
		if (read_next(&lines, line, &name, &to[i]))
			continue;
		to[i].line = lines.number;
		to[i].name = arena_copy(arena, name);
		to[i].yescrypt = arena_copy(arena, (struct span){to[i].yescrypt, hash_length(to[i].yescrypt)});
		if (!to[i].name || !to[i].yescrypt)
			return false;
		i++;
	}
	return true;
}

static unsigned char lower(char c)
{
	return (unsigned char)ascii_lower(c);
}

static int compare_names(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	for (size_t i = 0; i < n; i++)
		if (lower(a.at[i]) != lower(b.at[i]))
			return lower(a.at[i]) < lower(b.at[i]) ? -1 : 1;
	return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

static int compare(const void *a, const void *b)
{
	const struct account *x = a, *y = b;
	int order = compare_names(span_of(x->name), span_of(y->name));
	if (order)
		return order;
	return x->line < y->line ? -1 : x->line > y->line;
}

/* Of duplicate names the first line counts. Returns how many are left of the N, which are sorted. */
static size_t drop_doubles(struct account *at, size_t n, struct str *trouble)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		if (kept && compare_names(span_of(at[kept - 1].name), span_of(at[i].name)) == 0)
			str_printf(trouble, "line %u: line %u has the same name already\n", at[i].line,
				   at[kept - 1].line);
		else if (kept++ != i)
			at[kept - 1] = at[i];
	}
	return kept;
}

bool accounts_parse(struct span text, struct arena *arena, struct accounts *out, struct str *trouble)
{
	*out = (struct accounts){0};
	size_t n = count(text, trouble);
	if (!n)
		return true;
	struct account *at = arena_alloc(arena, n * sizeof(*at));
	if (!at || !keep(text, arena, at, n))
		return false;
	qsort(at, n, sizeof(*at), compare);
	*out = (struct accounts){.at = at, .n = drop_doubles(at, n, trouble)};
	return true;
}

const struct account *accounts_find(const struct accounts *accounts, struct span name)
{
	size_t from = 0, to = accounts->n;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = compare_names(name, span_of(accounts->at[middle].name));
		if (!order)
			return &accounts->at[middle];
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}

void account_format(const struct account *account, struct str *to)
{
	str_printf(to, "%s yescrypt=%s", account->name, account->yescrypt);
	if (account->iterations) {
		str_printf(to, " scram-sha-256=%u,", account->iterations);
		base64_append(to, account->salt, account->salt_len);
		str_append_c(to, ',');
		base64_append(to, account->stored_key, ACCOUNT_KEY_OCTETS);
		str_append_c(to, ',');
		base64_append(to, account->server_key, ACCOUNT_KEY_OCTETS);
	}
	if (account->has_cram) {
		str_append_text(to, " cram-md5=");
		base64_append(to, account->cram, ACCOUNT_KEY_OCTETS);
	}
	str_printf(to, " changed=%" PRId64 "\n", account->changed_ms);
}
