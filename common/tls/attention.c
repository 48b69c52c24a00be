#include "common/tls/attention.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/process/child.h"
#include "common/tls/channel.h"

enum { DAY_S = 86400 };

static void append(void *context, enum certificate_grade grade, const char *text)
{
	(void)grade;
	str_printf(context, "%s\n", text);
}

static void append_warning(void *context, enum certificate_grade grade, const char *text)
{
	if (grade == CERTIFICATE_WARNING)
		append(context, grade, text);
}

void attention_init(struct attention *a)
{
	*a = (struct attention){0};
	trouble_init(&a->trouble);
	str_init(&a->files, TROUBLE_MAX);
	for (size_t i = 0; i < ATTENTION_SOURCE_COUNT; i++)
		str_init(&a->sources[i], TROUBLE_MAX);
}

static bool is_known(const struct attention *a, const char *path)
{
	for (size_t i = 0; i < a->n; i++) {
		if (a->at[i].path && strcmp(a->at[i].path, path) == 0)
			return true;
	}
	return false;
}

void attention_examine(struct attention *a, const struct config_certificates *pairs, enum certificate_use use)
{
	const struct certificate_listener to = {.say = use == CERTIFICATE_SERVER ? append : append_warning,
						.context = &a->files};
	bool good = true;
	if (!pairs->n)
		return;
	a->at = realloc(a->at, (a->n + pairs->n) * sizeof(*a->at));
	if (!a->at)
		log_fatal(EXIT_TEMPORARY, "out of memory");
	if (!tls_channel_prepare())
		log_fatal(EXIT_TEMPORARY, "can't set up OpenSSL; is the installation complete?");
	for (size_t i = 0; i < pairs->n; i++) {
		if (!is_known(a, pairs->at[i].certificate))
			good &= certificate_examine(pairs->at[i].certificate, pairs->at[i].key, use, &to,
						    &a->at[a->n++]);
	}
	if (!good && use == CERTIFICATE_SERVER)
		child_fail(EXIT_PERMANENT, str_text(&a->files));
}

void attention_set(struct attention *a, enum attention_source source, const char *text)
{
	str_clear(&a->sources[source]);
	str_append_text(&a->sources[source], text ? text : "");
	attention_look(a);
}

void attention_look(struct attention *a)
{
	a->look_s = 0;
}

void attention_tell(const struct attention *a, const char *fqdn, int64_t now_s, struct str *to)
{
	const struct certificate_listener listener = {.say = append, .context = to};
	str_append(to, str_span(&a->files));
	for (size_t i = 0; i < a->n; i++)
		certificate_dates(&a->at[i], now_s, &listener);
	if (fqdn)
		certificate_name_missing(a->at, a->n, fqdn, &listener);
	for (size_t i = 0; i < ATTENTION_SOURCE_COUNT; i++) {
		struct span rest = str_span(&a->sources[i]), line;
		while (span_line(&rest, &line))
			str_printf(to, "%.*s\n", SPAN_ARGS(line));
	}
}

void attention_tend(struct attention *a, const char *fqdn, int64_t now_s)
{
	struct str text;
	/* A clock that was set back far must not stop the daily check. */
	if (now_s < a->look_s && a->look_s - now_s <= DAY_S)
		return;
	a->look_s = now_s + DAY_S;
	str_init(&text, TROUBLE_MAX);
	attention_tell(a, fqdn, now_s, &text);
	trouble_tell(&a->trouble, str_span(&text), now_s);
	str_free(&text);
}

void attention_free(struct attention *a)
{
	for (size_t i = 0; i < a->n; i++)
		certificate_free(&a->at[i]);
	free(a->at);
	str_free(&a->files);
	trouble_free(&a->trouble);
	for (size_t i = 0; i < ATTENTION_SOURCE_COUNT; i++)
		str_free(&a->sources[i]);
	*a = (struct attention){0};
}
