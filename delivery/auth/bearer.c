#include "delivery/auth/bearer.h"

#include <stdio.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/language.h"
#include "delivery/auth/sasl.h"

enum {
	RAW_MAX = (SASL_LINE_MAX - 2) / 4 * 3, /* what fits a line in base64, before CRLF */
	STATUS_MAX = 40,
	SCOPE_MAX = 140 /* with the status: BEARER_SAID_MAX */
};

static bool all_between(struct span text, unsigned char least, unsigned char most)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] < least || (unsigned char)text.at[i] > most)
			return false;
	return text.len > 0;
}

/* A saslname of RFC 5801 4. */
static void append_escaped(struct str *to, struct span user)
{
	for (size_t i = 0; i < user.len; i++) {
		if (user.at[i] == ',')
			str_append_text(to, "=2C");
		else if (user.at[i] == '=')
			str_append_text(to, "=3D");
		else
			str_append_c(to, user.at[i]);
	}
}

static void append_raw(struct str *to, const struct bearer *b)
{
	if (b->form == BEARER_XOAUTH2) {
		str_printf(to, "user=%.*s\1", SPAN_ARGS(b->user));
	} else {
		str_append_text(to, "n,a=");
		append_escaped(to, b->user);
		str_printf(to, ",\1host=%.*s\1port=%u\1", SPAN_ARGS(b->host), b->port);
	}
	str_append_text(to, "auth=Bearer ");
	str_append(to, b->token);
	str_append_text(to, "\1\1");
}

bool bearer_append(const struct bearer *bearer, struct str *to, const char **why)
{
	struct str raw;
	*why = N_("username has octets that can't be sent with an access token");
	if (!all_between(bearer->user, ' ', '~'))
		return false;
	*why = N_("the access token is empty or has octets that no token may have (RFC 6749 A.12)");
	if (!all_between(bearer->token, '!', '~'))
		return false;
	*why = N_("the access token is too long: a line of AUTH holds 12288 octets (RFC 4954)");
	str_init(&raw, RAW_MAX);
	bool good = str_reserve(&raw, RAW_MAX);
	append_raw(&raw, bearer);
	good = good && !raw.failed && base64_append(to, raw.at, raw.len);
	str_wipe(&raw);
	return good;
}

const char *bearer_answer(enum bearer_form form)
{
	return form == BEARER_XOAUTH2 ? "" : "AQ==";
}

/* --- the JSON of a refusal: an object of strings --- */

static void skip_space(struct span *text)
{
	while (text->len && strchr(" \t\r\n", text->at[0]) && text->at[0])
		*text = span_skip(*text, 1);
}

static bool take(struct span *text, char octet)
{
	skip_space(text);
	if (!text->len || text->at[0] != octet)
		return false;
	*text = span_skip(*text, 1);
	return true;
}

/* Takes the character at the head of a string; what is not printable becomes '?'. */
static char take_character(struct span *text)
{
	char octet = text->at[0];
	bool escaped = octet == '\\' && text->len > 1;
	if (escaped)
		octet = text->at[1];
	*text = span_skip(*text, !escaped ? 1 : octet == 'u' ? 6 : 2);
	if (escaped)
		return octet == '"' || octet == '\\' || octet == '/' ? octet : '?';
	return octet >= ' ' && octet <= '~' ? octet : '?';
}

/* Takes a string to TO of SIZE octets, cut to fit. */
static bool take_string(struct span *text, char *to, size_t size)
{
	size_t len = 0;
	if (!take(text, '"'))
		return false;
	while (text->len && text->at[0] != '"') {
		char octet = take_character(text);
		if (len + 1 < size)
			to[len++] = octet;
	}
	to[len] = '\0';
	return take(text, '"');
}

/* Some hosts write the status as a number. */
static bool take_number(struct span *text, char *to, size_t size)
{
	size_t len = 0;
	skip_space(text);
	for (; text->len && text->at[0] >= '0' && text->at[0] <= '9'; *text = span_skip(*text, 1))
		if (len + 1 < size)
			to[len++] = text->at[0];
	to[len] = '\0';
	return len > 0;
}

struct refusal {
	char status[STATUS_MAX], scope[SCOPE_MAX];
};

static bool take_member(struct span *text, struct refusal *out)
{
	char name[STATUS_MAX], value[SCOPE_MAX];
	if (!take_string(text, name, sizeof(name)) || !take(text, ':'))
		return false;
	if (!take_string(text, value, sizeof(value)) && !take_number(text, value, sizeof(value)))
		return false;
	if (!strcmp(name, "status"))
		snprintf(out->status, sizeof(out->status), "%.*s", STATUS_MAX - 1, value);
	if (!strcmp(name, "scope"))
		snprintf(out->scope, sizeof(out->scope), "%s", value);
	return take(text, ',');
}

void bearer_said(struct span challenge, char to[BEARER_SAID_MAX + 1])
{
	char raw[SASL_LINE_MAX];
	struct refusal refusal = {0};
	struct span text = {.at = raw};
	to[0] = '\0';
	if (!base64_decode(challenge, raw, sizeof(raw), &text.len) || !take(&text, '{'))
		return;
	while (take_member(&text, &refusal))
		;
	const char *status = refusal.status, *scope = refusal.scope;
	snprintf(to, BEARER_SAID_MAX + 1, "%s%s%s%s%s", *status ? "status " : "", status, *status && *scope ? ", " : "",
		 *scope ? "scope " : "", scope);
}
