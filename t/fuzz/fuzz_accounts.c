/* An account that accounts_parse accepts is written and read back the same. A name finds its account in any case. */
#include <ctype.h>
#include <string.h>

#include "common/accounts/accounts.h"
#include "t/fuzz/must.h"

enum { ARENA_MAX = 64 << 20, TROUBLE_MAX = 1 << 20 };

static void write_all(const struct accounts *accounts, struct str *to)
{
	for (size_t i = 0; i < accounts->n; i++)
		account_format(&accounts->at[i], to);
	MUST(!to->failed);
}

static void find_each(const struct accounts *accounts)
{
	for (size_t i = 0; i < accounts->n; i++) {
		char shouted[ACCOUNT_NAME_MAX + 1];
		struct span name = span_of(accounts->at[i].name);
		MUST(account_name_valid(name));
		for (size_t k = 0; k < name.len; k++)
			shouted[k] = (char)toupper((unsigned char)name.at[k]);
		MUST(accounts_find(accounts, (struct span){shouted, name.len}) == &accounts->at[i]);
		MUST(!i || strcasecmp(accounts->at[i - 1].name, name.at) < 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena, other;
	struct accounts accounts, again;
	struct str text, text_again, trouble;
	arena_init(&arena, ARENA_MAX);
	arena_init(&other, ARENA_MAX);
	str_init(&text, ARENA_MAX);
	str_init(&text_again, ARENA_MAX);
	str_init(&trouble, TROUBLE_MAX);
	MUST(accounts_parse((struct span){(const char *)data, size}, &arena, &accounts, &trouble));
	for (size_t i = 0; i < trouble.len; i++)
		MUST(trouble.at[i] == '\n' || (trouble.at[i] >= ' ' && trouble.at[i] <= '~'));
	find_each(&accounts);
	write_all(&accounts, &text);
	str_clear(&trouble);
	MUST(accounts_parse(str_span(&text), &other, &again, &trouble));
	MUST(again.n == accounts.n && !trouble.len);
	write_all(&again, &text_again);
	MUST(span_equal(str_span(&text), str_span(&text_again)));
	arena_free(&arena);
	arena_free(&other);
	str_free(&text);
	str_free(&text_again);
	str_free(&trouble);
	return 0;
}
