#include "ctl/newpassword.h"

#include <gsasl.h>
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "ctl/cmd.h"
#include "ctl/hidden.h"

enum {
	TYPED_MAX = 4 * NEWPASSWORD_MAX, /* preparation may shorten it */
	PROMPT_MAX = 400
};

static size_t characters(const char *utf8)
{
	size_t n = 0;
	for (; *utf8; utf8++)
		n += ((unsigned char)*utf8 & 0xc0) != 0x80;
	return n;
}

static bool take_prepared(const char *prepared, char *to, bool *shorter, const char **why)
{
	*shorter = characters(prepared) < NEWPASSWORD_SHORT;
	if (!prepared[0])
		*why = _("a password must not be empty");
	else if (!span_copy(span_of(prepared), to, NEWPASSWORD_MAX + 1))
		*why = _("a password must not be longer than 128 octets");
	else
		return true;
	return false;
}

bool newpassword_prepare(struct span typed, char to[NEWPASSWORD_MAX + 1], bool *shorter, const char **why)
{
	char text[TYPED_MAX + 1], *prepared = NULL;
	bool good = false;
	*shorter = false;
	if (typed.len > TYPED_MAX)
		*why = _("a password must not be longer than 128 octets");
	else if (!span_copy(typed, text, sizeof(text)) || gsasl_saslprep(text, 0, &prepared, NULL) != GSASL_OK)
		*why = _(
			"it has characters that are not allowed in a password (RFC 4013: control characters, unassigned ones, mixed directions of writing), or is not UTF-8");
	else
		good = take_prepared(prepared, to, shorter, why);
	explicit_bzero(text, sizeof(text));
	if (prepared)
		explicit_bzero(prepared, strlen(prepared));
	gsasl_free(prepared);
	return good;
}

__attribute__((format(printf, 2, 0))) static bool ask(const struct hidden *hidden, const char *prompt, const char *name,
						      char *to, size_t size, struct span *line)
{
	char text[PROMPT_MAX];
	snprintf(text, sizeof(text), prompt, name);
	return hidden_line(hidden, text, to, size, line);
}

static bool ask_twice(const struct hidden *hidden, const char *name, char *first, char *second, size_t size,
		      struct span *line)
{
	struct span again;
	bool good = ask(hidden, _("New password of %s"), name, first, size, line) &&
		    ask(hidden, _("Repeat for %s"), name, second, size, &again);
	if (good && span_equal(*line, again))
		return true;
	cmd_fail(good ? _("the two passwords differ; nothing was done") : _("no password was given; nothing was done"));
	return false;
}

static bool read_typed(const char *name, char *first, char *second, size_t size, struct span *line)
{
	struct hidden hidden;
	if (!hidden_begin(&hidden, _("the password")))
		return false;
	bool good = hidden.terminal ? ask_twice(&hidden, name, first, second, size, line)
				    : hidden_line(&hidden, "", first, size, line);
	hidden_end(&hidden);
	if (!good && !hidden.terminal)
		cmd_fail(_("no password was given on standard input: its first line is the password"));
	return good;
}

bool newpassword_read(const char *name, char to[NEWPASSWORD_MAX + 1])
{
	char first[TYPED_MAX + 2], second[TYPED_MAX + 2];
	const char *why;
	struct span line;
	bool shorter;
	bool good = read_typed(name, first, second, sizeof(first), &line);
	if (good && !newpassword_prepare(line, to, &shorter, &why)) {
		cmd_fail(_("this password can't be used: %s"), why);
		good = false;
	} else if (good && shorter) {
		fprintf(stderr, _("mailrootctl: warning: a password of less than %d characters is easy to guess\n"),
			NEWPASSWORD_SHORT);
	}
	explicit_bzero(first, sizeof(first));
	explicit_bzero(second, sizeof(second));
	return good;
}
