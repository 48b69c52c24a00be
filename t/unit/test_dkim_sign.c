#include "common/dkim/sign.h"

#include <stdio.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/dkim/key.h"
#include "t/unit/dkim_vectors.h"
#include "t/unit/suite.h"

static const struct dkim_selector selectors[] = {{"test", DKIM_RSA_SHA256}, {"brisbane", DKIM_ED25519_SHA256}};

static const struct dkim_params relaxed = {
	.domain = "football.example.com",
	.selectors = selectors,
	.selector_count = 2,
	.now_s = 1528637909,
};

/* What is signed of HEADER and BODY, in pieces of STEP. *why is NULL if it can be signed. */
static void sign(const struct dkim_params *params, struct span header, struct span body, size_t step, size_t which,
		 uint8_t hash[DKIM_HASH], struct str *field, const char **why)
{
	struct dkim_sign *s = dkim_sign_begin(params);
	struct span signature = SPAN("signature");
	*why = NULL;
	bool good = dkim_sign_header(s, header, why);
	for (; good && body.len; body = span_skip(body, step))
		dkim_sign_body(s, (struct span){body.at, body.len < step ? body.len : step});
	if (good && dkim_sign_hash(s, which, hash, why) && field)
		dkim_sign_field(s, which, signature, field);
	dkim_sign_end(s);
}

/* The reason why HEADER and BODY can't be signed; "" = they can. */
static const char *refused(const char *header, const char *body)
{
	const char *why;
	uint8_t hash[DKIM_HASH];
	sign(&relaxed, span_of(header), span_of(body), 3, 0, hash, NULL, &why);
	return why ? why : "";
}

static const char *field_of(struct dkim_params params, const char *header, const char *body, size_t which)
{
	static char copy[DKIM_SIGNATURE_FIELD_MAX];
	const char *why;
	uint8_t hash[DKIM_HASH];
	struct str field;
	str_init(&field, sizeof(copy) - 1);
	sign(&params, span_of(header), span_of(body), 5, which, hash, &field, &why);
	ck_assert_msg(!why, "%s", why);
	memcpy(copy, str_text(&field), field.len + 1);
	str_free(&field);
	return copy;
}

START_TEST(test_field)
{
	struct dkim_params params = relaxed;
	ck_assert_str_eq(field_of(params, VECTOR_HEADER, "\r\n" VECTOR_BODY, 1),
			 "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
			 "\td=football.example.com; s=brisbane;\r\n"
			 "\tt=1528637909;\r\n"
			 "\th=From:To:Subject:Date:Message-ID;\r\n"
			 "\tbh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
			 "\tb=c2lnbmF0dXJl\r\n");
	params.oversign = true;
	params.header = params.body = DKIM_SIMPLE;
	params.expire_s = 86400;
	ck_assert_str_eq(field_of(params, VECTOR_HEADER, "\r\n" VECTOR_BODY, 0),
			 "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple;\r\n"
			 "\td=football.example.com; s=test;\r\n"
			 "\tt=1528637909; x=1528724309;\r\n"
			 "\th=From:From:Sender:Reply-To:To:To:Cc:Subject:Subject:Date:Date:\r\n"
			 "\t Message-ID:MIME-Version:Content-Type:Content-Transfer-Encoding;\r\n"
			 "\tbh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
			 "\tb=c2lnbmF0dXJl\r\n");
}
END_TEST

/* The pieces don't matter. */
START_TEST(test_pieces)
{
	const char *why;
	uint8_t whole[DKIM_HASH], hash[DKIM_HASH];
	struct span body = SPAN("\r\na  b\r\n.\r\n\r\n \r\n" VECTOR_BODY "\r\n\r\n");
	sign(&relaxed, SPAN(VECTOR_HEADER), body, body.len, 0, whole, NULL, &why);
	ck_assert(!why);
	for (size_t step = 1; step < body.len; step++) {
		sign(&relaxed, SPAN(VECTOR_HEADER), body, step, 0, hash, NULL, &why);
		ck_assert(!why);
		ck_assert_mem_eq(hash, whole, DKIM_HASH);
	}
	sign(&relaxed, SPAN(VECTOR_HEADER), SPAN("\r\na  b\r\nc\r\n\r\n \r\n"), 1, 0, hash, NULL, &why);
	ck_assert_mem_ne(hash, whole, DKIM_HASH);
}
END_TEST

START_TEST(test_refused)
{
	ck_assert_str_eq(refused(VECTOR_HEADER, "\r\nHi.\r\n"), "");
	ck_assert_str_eq(refused(VECTOR_HEADER, "\r\n"), "");
	ck_assert_str_eq(refused(VECTOR_HEADER, ""), "");
	ck_assert_str_eq(refused(VECTOR_HEADER "From: <a@example.com>\r\n", ""), "it has more than one field From");
	ck_assert_str_eq(refused("Subject: a\r\n", ""), "it has no field From");
	ck_assert_str_eq(refused("", "\r\nHi.\r\n"), "it has no field From");
	ck_assert_str_eq(refused(VECTOR_HEADER "no field\r\n", ""),
			 "a line of its header is no field: it has no colon");
	ck_assert_str_eq(refused(VECTOR_HEADER, "Hi.\r\n"), "no empty line ends its header");
	ck_assert_str_eq(refused(VECTOR_HEADER, "\r"), "");
	/* On the wire it is a field of its own. */
	ck_assert_str_eq(refused(VECTOR_HEADER "X: a\rFrom: b@example.com\r\n", ""), "it has more than one field From");
}
END_TEST

START_TEST(test_header_bound)
{
	const char *why;
	uint8_t hash[DKIM_HASH];
	struct str header;
	str_init(&header, DKIM_HEADER_MAX + 1);
	str_append_text(&header, "From: a@example.com\r\nX: ");
	while (header.len < DKIM_HEADER_MAX - 2)
		str_append_c(&header, 'x');
	str_append_text(&header, "\r\n");
	sign(&relaxed, str_span(&header), SPAN("\r\n"), 1, 0, hash, NULL, &why);
	ck_assert_ptr_null(why);
	struct dkim_params folded = relaxed;
	folded.line_max = 8;
	sign(&folded, str_span(&header), SPAN("\r\n"), 1, 0, hash, NULL, &why);
	ck_assert_ptr_null(why);
	str_append_c(&header, ' ');
	sign(&relaxed, str_span(&header), SPAN("\r\n"), 1, 0, hash, NULL, &why);
	ck_assert_str_eq(why, "its header has more than 262144 octets");
	str_free(&header);
}
END_TEST

/* What is signed is what is sent: with folded lines, and CRLF for each line end. */
START_TEST(test_as_sent)
{
	struct dkim_params folding = relaxed, simple = relaxed;
	folding.header = folding.body = simple.header = simple.body = DKIM_SIMPLE;
	folding.line_max = 10;
	char expected[DKIM_SIGNATURE_FIELD_MAX];
	uint8_t sent[DKIM_HASH], hash[DKIM_HASH];
	const char *why;
	const char *header = "From: a@b.\r\n example\r\nTo: 789012\r\n 34\r\n",
		   *body = "\r\n1234567890\r\n 123\r\n.\r\n";
	snprintf(expected, sizeof(expected), "%s", field_of(simple, header, body, 0));
	sign(&simple, span_of(header), span_of(body), 1, 0, sent, NULL, &why);
	header = "From: a@b.example\nTo: 78901234", body = "\n1234567890123\r.";
	ck_assert_str_eq(field_of(folding, header, body, 0), expected);
	sign(&folding, span_of(header), span_of(body), 1, 0, hash, NULL, &why);
	ck_assert_mem_eq(hash, sent, DKIM_HASH);
}
END_TEST

/* Every selector has its own hash, as a= and s= are part of it, and the order of the questions does not matter. */
START_TEST(test_selectors)
{
	const char *why;
	uint8_t hashes[2][DKIM_HASH], again[DKIM_HASH];
	struct dkim_sign *s = dkim_sign_begin(&relaxed);
	ck_assert(dkim_sign_header(s, SPAN(VECTOR_HEADER), &why));
	dkim_sign_body(s, SPAN("\r\nHi.\r\n"));
	for (size_t i = 0; i < 2; i++)
		ck_assert(dkim_sign_hash(s, i, hashes[i], &why));
	ck_assert_mem_ne(hashes[0], hashes[1], DKIM_HASH);
	ck_assert(dkim_sign_hash(s, 0, again, &why));
	ck_assert_mem_eq(hashes[0], again, DKIM_HASH);
	dkim_sign_end(s);
	dkim_sign_end(NULL);
}
END_TEST

/* As many fields as are signed, with the longest names, and the signature of the longest key. */
START_TEST(test_largest_field)
{
	static char name[DKIM_FIELDS_NAME_MAX + 1];
	static const char *const names[] = {name};
	static const uint8_t signature[DKIM_SIGNATURE_MAX];
	const char *why;
	uint8_t hash[DKIM_HASH];
	struct str header, field;
	struct dkim_params params = relaxed;
	params.names = (struct dkim_names){names, 1};
	memset(name, 'x', DKIM_FIELDS_NAME_MAX);
	str_init(&header, DKIM_HEADER_MAX);
	str_init(&field, DKIM_SIGNATURE_FIELD_MAX);
	str_append_text(&header, "From: a@example.com\r\n");
	for (int i = 0; i < DKIM_FIELDS_MAX - 1; i++)
		str_printf(&header, "%s: x\r\n", name);
	struct dkim_sign *s = dkim_sign_begin(&params);
	ck_assert(dkim_sign_header(s, str_span(&header), &why));
	ck_assert(dkim_sign_hash(s, 0, hash, &why));
	dkim_sign_field(s, 0, (struct span){(const char *)signature, sizeof(signature)}, &field);
	ck_assert(!field.failed);
	struct span line, rest = str_span(&field);
	while (span_line(&rest, &line))
		ck_assert_uint_le(line.len, 78);
	dkim_sign_end(s);
	str_free(&header);
	str_free(&field);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_field,   test_pieces,    test_refused,      test_header_bound,
				      test_as_sent, test_selectors, test_largest_field};
	return run_tests("dkim_sign", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
