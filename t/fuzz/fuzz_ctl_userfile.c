/*
 * With any file, an edit changes the lines of one name and keeps all others in their order; an account that was set is
 * found, and a deleted one is not. The first line of the input is the name, the rest is the file.
 */
#include "common/accounts/accounts.h"
#include "ctl/userfile.h"
#include "t/fuzz/must.h"

enum { TEXT_MAX = 1 << 24 };

#define KEYS " yescrypt=$y$j9T$salt$hash changed=1\n"

static bool has(struct span text, struct span name)
{
	struct accounts accounts;
	struct arena arena;
	struct str trouble;
	arena_init(&arena, TEXT_MAX);
	str_init(&trouble, TEXT_MAX);
	MUST(accounts_parse(text, &arena, &accounts, &trouble));
	bool found = accounts_find(&accounts, name);
	arena_free(&arena);
	str_free(&trouble);
	return found;
}

/* Compares both without NAME. */
static bool same_others(struct span a, struct span b, struct span name)
{
	struct str left, right;
	str_init(&left, TEXT_MAX);
	str_init(&right, TEXT_MAX);
	userfile_edit(a, name, SPAN(""), &left);
	userfile_edit(b, name, SPAN(""), &right);
	bool same = span_equal(str_span(&left), str_span(&right));
	MUST(!has(str_span(&left), name));
	str_free(&left);
	str_free(&right);
	return same;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size}, name = span_take(&text, '\n');
	struct str line, to, again;
	if (!account_name_valid(name))
		return 0;
	str_init(&line, TEXT_MAX);
	str_init(&to, TEXT_MAX);
	str_init(&again, TEXT_MAX);
	str_append(&line, name);
	str_append_text(&line, KEYS);
	userfile_edit(text, name, str_span(&line), &to);
	MUST(!to.failed && to.at[to.len - 1] == '\n');
	MUST(has(str_span(&to), name));
	MUST(same_others(text, str_span(&to), name));
	MUST(userfile_edit(str_span(&to), name, str_span(&line), &again) == 1);
	MUST(span_equal(str_span(&to), str_span(&again)));
	str_free(&line);
	str_free(&to);
	str_free(&again);
	return 0;
}
