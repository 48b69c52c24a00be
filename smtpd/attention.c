#include "smtpd/attention.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/host/child.h"
#include "common/tls/channel.h"

enum { DAY_S = 86400, TEXT_MAX = 256 * 1024 };

static void append(void *context, enum certificate_grade grade, const char *text)
{
	(void)grade;
	str_printf(context, "%s\n", text);
}

void attention_load(struct attention *a, const struct config_server *server)
{
	const struct config_certificates *files = &server->access.tls_certificate;
	const struct certificate_listener to = {.say = append, .context = &a->files};
	bool good = true;

	*a = (struct attention){.at = calloc(files->n + 1, sizeof(*a->at))};
	str_init(&a->files, TEXT_MAX);
	str_init(&a->said, TEXT_MAX);
	for (size_t i = 0; i < ATTENTION_SOURCE_COUNT; i++)
		str_init(&a->sources[i], TEXT_MAX);
	if (!a->at)
		log_fatal(EXIT_TEMPORARY, "out of memory");
	if (files->n && !tls_channel_prepare())
		log_fatal(EXIT_TEMPORARY, "OpenSSL can't be set up; is the installation complete?");
	for (; a->n < files->n; a->n++)
		good &= certificate_examine(files->at[a->n].certificate, files->at[a->n].key, CERTIFICATE_SERVER, &to,
					    &a->at[a->n]);
	if (!good)
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

void attention_tell(const struct attention *a, const struct config_server *server, int64_t now_s, struct str *to)
{
	const struct certificate_listener listener = {.say = append, .context = to};

	str_append(to, str_span(&a->files));
	for (size_t i = 0; i < a->n; i++)
		certificate_dates(&a->at[i], now_s, &listener);
	certificate_name_missing(a->at, a->n, server->fqdn, &listener);
	for (size_t i = 0; i < ATTENTION_SOURCE_COUNT; i++) {
		struct span rest = str_span(&a->sources[i]), line;
		while (span_line(&rest, &line))
			str_printf(to, "%.*s\n", SPAN_ARGS(line));
	}
}

static void log_lines(struct span text)
{
	struct span line;

	while (span_line(&text, &line))
		log_warning("%.*s", SPAN_ARGS(line));
}

void attention_tend(struct attention *a, const struct config_server *server, int64_t now_s)
{
	struct str text;

	/* A clock that was set back far is no reason to be silent for long. */
	if (now_s < a->look_s && a->look_s - now_s <= DAY_S)
		return;
	bool daily = a->look_s != 0;
	a->look_s = now_s + DAY_S;
	str_init(&text, TEXT_MAX);
	attention_tell(a, server, now_s, &text);
	bool news = !span_equal(str_span(&text), str_span(&a->said));
	if (news || daily)
		log_lines(str_span(&text));
	if (news)
		child_trouble(str_text(&text));
	str_free(&a->said);
	a->said = text;
}

void attention_free(struct attention *a)
{
	for (size_t i = 0; i < a->n; i++)
		certificate_free(&a->at[i]);
	free(a->at);
	str_free(&a->files);
	str_free(&a->said);
	for (size_t i = 0; i < ATTENTION_SOURCE_COUNT; i++)
		str_free(&a->sources[i]);
	*a = (struct attention){0};
}
