/* A mechanism of delivery with the test as its host. */
#ifndef T_UNIT_SASL_FIXTURE_H
#define T_UNIT_SASL_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/base/base64.h"
#include "delivery/auth/sasl.h"
#include "t/unit/suite.h"

static struct str said;
static const char *why;

static inline struct sasl_user user_of(enum config_auth auth, const char *name, const char *password)
{
	return (struct sasl_user){.auth = auth, .username = name, .password = password};
}

static inline void fixture_open(void)
{
	str_init(&said, SASL_LINE_MAX);
	why = "";
}

static inline void fixture_close(void)
{
	str_free(&said);
}

static inline bool begin(const struct sasl *s, const char *offer)
{
	str_clear(&said);
	return s->begin(s->context, span_of(offer), &said, &why);
}

static inline bool answer(const struct sasl *s, const char *challenge)
{
	str_clear(&said);
	return s->answer(s->context, span_of(challenge), &said, &why);
}

/* A challenge of plain text. */
static inline bool answer_text(const struct sasl *s, const char *text)
{
	char base64[512];
	struct str to;
	str_init(&to, sizeof(base64) - 1);
	base64_append(&to, text, strlen(text));
	snprintf(base64, sizeof(base64), "%s", str_text(&to));
	str_free(&to);
	return answer(s, base64);
}

/* Our last response, decoded. */
static inline const char *decoded(void)
{
	static char text[SASL_LINE_MAX + 1];
	size_t n;
	struct span words = str_span(&said), last = words;
	while (span_find(words, ' ') < words.len) {
		span_take(&words, ' ');
		last = words;
	}
	ck_assert(base64_decode(last, text, SASL_LINE_MAX, &n));
	text[n] = '\0';
	return text;
}

#endif
