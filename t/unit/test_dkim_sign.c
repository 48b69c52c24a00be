#include "common/dkim/sign.h"

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
			 "\t Message-ID:MIME-Version:Content-Type;\r\n"
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

int main(void)
{
	const TTest *const tests[] = {test_field, test_pieces, test_refused};
	return run_tests("dkim_sign", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
