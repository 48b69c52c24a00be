/* The message of a trial, in memory. */
#include <errno.h>
#include <string.h>

#include "ctl/filter/trial.h"

static int write_text(void *context, struct span text)
{
	struct trial *t = context;
	return str_append(&t->text, text) ? 0 : -ENOMEM;
}

static int read_text(void *context, uint64_t at, char *to, size_t size, size_t *got)
{
	const struct trial *t = context;
	struct span rest = span_skip(str_span(t->replacing ? &t->replaced : &t->text), (size_t)at);
	*got = rest.len < size ? rest.len : size;
	if (*got)
		memcpy(to, rest.at, *got);
	return 0;
}

static void swap(struct trial *t)
{
	struct str text = t->text;
	t->text = t->replaced;
	t->replaced = text;
}

static int replace_begin(void *context)
{
	struct trial *t = context;
	swap(t);
	str_clear(&t->text);
	t->replacing = true;
	return 0;
}

static int replace_end(void *context, bool take)
{
	struct trial *t = context;
	if (!take)
		swap(t);
	t->replacing = false;
	return 0;
}

struct store trial_store(struct trial *t)
{
	return (struct store){.context = t,
			      .write = write_text,
			      .read = read_text,
			      .replace_begin = replace_begin,
			      .replace_end = replace_end};
}
