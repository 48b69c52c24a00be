/*
 * A whole message is signed. The first octet has the options, the second one the bound of a line and the size of the
 * pieces. If the message can be signed, then its text as it is sent has one field From and a header of fields only, the
 * hash does not depend on the pieces, and the body has the hash of a second, simple implementation.
 */
#include "common/dkim/sign.h"

#include <openssl/evp.h>

#include "common/base/base64.h"
#include "common/mail/dot.h"
#include "common/mail/fields.h"
#include "t/fuzz/dkim_plain.h"

enum { BOUND = 1 << 22 };

static const struct dkim_selector selector = {"s", DKIM_ED25519_SHA256};

/* The DKIM-Signature field, with a hash in place of the signature. False: the message can't be signed. */
static bool sign(const struct dkim_params *params, struct span header, struct span body, size_t step, struct str *field)
{
	const char *why = NULL;
	uint8_t hash[DKIM_HASH];
	struct dkim_sign *s = dkim_sign_begin(params);
	bool good = dkim_sign_header(s, header, &why);
	for (; good && body.len; body = span_skip(body, step))
		dkim_sign_body(s, (struct span){body.at, body.len < step ? body.len : step});
	good = good && dkim_sign_hash(s, 0, hash, &why);
	if (good)
		dkim_sign_field(s, 0, (struct span){(const char *)hash, sizeof(hash)}, field);
	MUST(good == !why && !field->failed);
	dkim_sign_end(s);
	return good;
}

/* LINE begins a field From, whatever fields.h thinks of it. */
static bool is_from(struct span line)
{
	struct span name = {line.at, span_find(line, ':')};
	return name.len < line.len && span_equal_nocase(span_trim(name), SPAN("from"));
}

/* Checks the header of SENT, and returns its body. */
static struct span check_header(struct span sent)
{
	size_t from = 0;
	struct span line;
	while (span_line(&sent, &line) && line.len) {
		bool folded = line.at[0] == ' ' || line.at[0] == '\t';
		MUST(folded || span_find(line, ':') < line.len);
		from += !folded && is_from(line);
	}
	MUST(from == 1);
	return sent;
}

static void check_field(struct span field, enum dkim_canon how, struct span body)
{
	struct str form, bh;
	unsigned char hash[DKIM_HASH];
	str_init(&form, BOUND);
	str_init(&bh, 100);
	plain_body(how, body, &form);
	MUST(EVP_Digest(form.at ? form.at : "", form.len, hash, NULL, EVP_sha256(), NULL) == 1);
	str_append_text(&bh, "\r\n\tbh=");
	base64_append(&bh, hash, sizeof(hash));
	str_append_text(&bh, ";\r\n\tb=");
	MUST(memmem(field.at, field.len, bh.at, bh.len));
	MUST(!memmem(field.at, field.len, "l=", 2));
	str_free(&form);
	str_free(&bh);
}

static void check_sent(struct span text, size_t line_max, enum dkim_canon how, struct span field)
{
	struct dot_writer writer = {.line_max = line_max, .plain = true};
	char *sent = malloc(2 * text.len + 8);
	size_t len = dot_write(&writer, text, sent);
	len += dot_write_end(&writer, sent + len);
	check_field(field, how, check_header((struct span){sent, len}));
	free(sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > BOUND / 4)
		return 0;
	const struct dkim_params params = {
		.domain = "d.example",
		.selectors = &selector,
		.selector_count = 1,
		.oversign = data[0] & 1,
		.header = data[0] & 2 ? DKIM_SIMPLE : DKIM_RELAXED,
		.body = data[0] & 4 ? DKIM_SIMPLE : DKIM_RELAXED,
		.line_max = data[1] < 8 ? 0 : data[1],
	};
	struct span text = {(const char *)data + 2, size - 2};
	size_t end = 0;
	struct str whole, pieces;
	str_init(&whole, DKIM_SIGNATURE_FIELD_MAX);
	str_init(&pieces, DKIM_SIGNATURE_FIELD_MAX);
	MUST(fields_end(text, true, &end));
	struct span header = {text.at, end}, body = span_skip(text, end);
	bool good = sign(&params, header, body, text.len + 1, &whole);
	MUST(sign(&params, header, body, 1 + data[1] % 32, &pieces) == good);
	MUST(span_equal(str_span(&whole), str_span(&pieces)));
	if (good)
		check_sent(text, params.line_max, params.body, str_span(&whole));
	str_free(&whole);
	str_free(&pieces);
	return 0;
}
