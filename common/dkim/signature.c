#include "common/dkim/signature.h"

#include <inttypes.h>

#include "common/base/base64.h"

enum {
	LINE_OCTETS = 72, /* of a line of h= */
	CHUNK = 64        /* octets of base64 on a line */
};

const char *dkim_algorithm_word(enum dkim_algorithm algorithm)
{
	return algorithm == DKIM_ED25519_SHA256 ? "ed25519-sha256" : "rsa-sha256";
}

/* h=, folded behind colons. */
static void write_names(const struct dkim_fields *fields, struct str *to)
{
	size_t column = sizeof("\th=") - 1;
	str_append_text(to, "\r\n\th=");
	for (size_t i = 0; i < fields->n; i++) {
		struct span name = span_of(fields->at[i].name);
		if (i)
			str_append_c(to, ':');
		if (column + name.len + 1 > LINE_OCTETS) {
			str_append_text(to, "\r\n\t ");
			column = sizeof("\t ") - 1;
		}
		str_append(to, name);
		column += name.len + 1;
	}
	str_append_c(to, ';');
}

/* Base64 in lines. White space within a value does not count (RFC 6376 3.5, b=). */
static void write_base64(struct span data, struct str *to)
{
	struct str text;
	str_init(&text, 2 * DKIM_SIGNATURE_MAX);
	if (!base64_append(&text, data.at, data.len))
		to->failed = true;
	for (struct span rest = str_span(&text); rest.len; rest = span_skip(rest, CHUNK)) {
		if (rest.len < text.len)
			str_append_text(to, "\r\n\t ");
		str_append(to, (struct span){rest.at, rest.len < CHUNK ? rest.len : CHUNK});
	}
	str_free(&text);
}

void dkim_signature_write(const struct dkim_signature *s, struct span signature, struct str *to)
{
	str_printf(to, "DKIM-Signature: v=1; a=%s; c=%s/%s;\r\n\td=%.*s; s=%.*s;\r\n\tt=%" PRId64 ";",
		   dkim_algorithm_word(s->algorithm), dkim_canon_word(s->header), dkim_canon_word(s->body),
		   SPAN_ARGS(s->domain), SPAN_ARGS(s->selector), s->time_s);
	if (s->expire_s)
		str_printf(to, " x=%" PRId64 ";", s->expire_s);
	write_names(s->fields, to);
	str_append_text(to, "\r\n\tbh=");
	write_base64((struct span){(const char *)s->body_hash, DKIM_HASH}, to);
	str_append_text(to, ";\r\n\tb=");
	write_base64(signature, to);
	if (signature.len)
		str_append_text(to, "\r\n");
}
