#include "common/dkim/canon.h"

#include <openssl/evp.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/str.h"
#include "common/dkim/dkim_fields.h"
#include "common/dkim/key.h"
#include "t/unit/dkim_vectors.h"
#include "t/unit/suite.h"

static void append(void *to, struct span text)
{
	str_append(to, text);
}

static const char *field(enum dkim_canon how, const char *text)
{
	static char copy[1024];
	struct str to;
	str_init(&to, sizeof(copy) - 1);
	dkim_canon_field(how, span_of(text), &(struct dkim_canon_sink){append, &to});
	memcpy(copy, str_text(&to), to.len + 1);
	str_free(&to);
	return copy;
}

/* TEXT in pieces of STEP. */
static const char *body(enum dkim_canon how, struct span text, size_t step)
{
	static char copy[4096];
	struct str to;
	struct dkim_canon_body b = {.how = how};
	struct dkim_canon_sink sink = {append, &to};
	str_init(&to, sizeof(copy) - 1);
	for (; text.len; text = span_skip(text, step))
		dkim_canon_body(&b, (struct span){text.at, text.len < step ? text.len : step}, &sink);
	dkim_canon_body_end(&b, &sink);
	memcpy(copy, str_text(&to), to.len + 1);
	str_free(&to);
	return copy;
}

#define CHECK_BODY(how, text, expected)                                                                                \
	do {                                                                                                           \
		for (size_t step = 1; step <= sizeof(text); step++)                                                    \
			ck_assert_str_eq(body(how, SPAN(text), step), expected);                                       \
	} while (0)

/* RFC 6376 3.4.5. */
START_TEST(test_rfc_example)
{
	ck_assert_str_eq(field(DKIM_RELAXED, "A: X\r\n"), "a:X");
	ck_assert_str_eq(field(DKIM_RELAXED, "B : Y\t\r\n\tZ  \r\n"), "b:Y Z");
	ck_assert_str_eq(field(DKIM_SIMPLE, "A: X\r\n"), "A: X");
	ck_assert_str_eq(field(DKIM_SIMPLE, "B : Y\t\r\n\tZ  \r\n"), "B : Y\t\r\n\tZ  ");
	CHECK_BODY(DKIM_RELAXED, " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n");
	CHECK_BODY(DKIM_SIMPLE, " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n");
}
END_TEST

START_TEST(test_odd_fields)
{
	ck_assert_str_eq(field(DKIM_RELAXED, "Subject:\r\n"), "subject:");
	ck_assert_str_eq(field(DKIM_RELAXED, "Subject:  \t \r\n"), "subject:");
	ck_assert_str_eq(field(DKIM_RELAXED, "Subject:\r\n folded behind the colon\r\n"),
			 "subject:folded behind the colon");
	ck_assert_str_eq(field(DKIM_RELAXED, "Subject: a\r\n \t \r\n b\r\n"), "subject:a b");
	ck_assert_str_eq(field(DKIM_RELAXED, "Subject: a\r\n \r\n"), "subject:a");
	ck_assert_str_eq(field(DKIM_RELAXED, "SUBJECT\t :a"), "subject:a");
	ck_assert_str_eq(field(DKIM_RELAXED, "X:a:b : c\r\n"), "x:a:b : c");
	ck_assert_str_eq(field(DKIM_RELAXED, "Subject: \xC3\x9C\xFF  \x80\r\n"), "subject:\xC3\x9C\xFF \x80");
	ck_assert_str_eq(field(DKIM_SIMPLE, "Subject:\r\n a\r\n"), "Subject:\r\n a");
	ck_assert_str_eq(field(DKIM_SIMPLE, "Subject: a"), "Subject: a");
}
END_TEST

START_TEST(test_odd_bodies)
{
	CHECK_BODY(DKIM_RELAXED, "", "");
	CHECK_BODY(DKIM_SIMPLE, "", "\r\n");
	CHECK_BODY(DKIM_RELAXED, "\r\n\r\n", "");
	CHECK_BODY(DKIM_SIMPLE, "\r\n\r\n", "\r\n");
	CHECK_BODY(DKIM_RELAXED, " \t\r\n  \r\n\t", "");
	CHECK_BODY(DKIM_SIMPLE, " \t\r\n  \r\n\t", " \t\r\n  \r\n\t\r\n");
	CHECK_BODY(DKIM_RELAXED, "a", "a\r\n");
	CHECK_BODY(DKIM_SIMPLE, "a", "a\r\n");
	CHECK_BODY(DKIM_RELAXED, "a  ", "a\r\n");
	CHECK_BODY(DKIM_SIMPLE, "a  ", "a  \r\n");
	CHECK_BODY(DKIM_RELAXED, "\r\na", "\r\na\r\n");
	CHECK_BODY(DKIM_RELAXED, " \r\n \r\n a \r\n \r\n", "\r\n\r\n a\r\n");
	CHECK_BODY(DKIM_RELAXED, "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n");
	CHECK_BODY(DKIM_RELAXED, "a\tb \t c", "a b c\r\n");
	CHECK_BODY(DKIM_RELAXED, ".\r\n..a\r\n", ".\r\n..a\r\n");
}
END_TEST

/* The spool has none; a CR or LF alone is an octet of its line. */
START_TEST(test_bare_line_ends)
{
	CHECK_BODY(DKIM_RELAXED, "a\nb\r", "a\nb\r\r\n");
	CHECK_BODY(DKIM_SIMPLE, "a\nb\r", "a\nb\r\r\n");
	CHECK_BODY(DKIM_RELAXED, "a \r\r\n", "a \r\r\n");
	CHECK_BODY(DKIM_RELAXED, "a\r \r\n\r", "a\r\r\n\r\r\n");
	CHECK_BODY(DKIM_SIMPLE, "\r\r\r\n", "\r\r\r\n");
}
END_TEST

static const char *sha256(const char *text)
{
	static char copy[64];
	unsigned char hash[32];
	struct str to;
	str_init(&to, sizeof(copy) - 1);
	ck_assert(EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL) == 1);
	base64_append(&to, hash, sizeof(hash));
	memcpy(copy, str_text(&to), to.len + 1);
	str_free(&to);
	return copy;
}

/* RFC 6376 3.4.3, 3.4.4, errata: the hashes of the empty body. */
START_TEST(test_empty_hashes)
{
	ck_assert_str_eq(sha256(body(DKIM_RELAXED, SPAN(""), 1)), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
	ck_assert_str_eq(sha256(body(DKIM_SIMPLE, SPAN(""), 1)), "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
}
END_TEST

/* Checks that KEY signs HEADER and FIELD, whose b= is empty, as the RFC says. */
static void check_vector(const char *header, struct dkim_names names, enum dkim_canon how, const char *signature_field,
			 const char *pem, const char *expected)
{
	char why_key[DKIM_KEY_WHY_MAX];
	const char *why;
	struct dkim_fields fields;
	struct str text, b;
	uint8_t hash[DKIM_HASH], signature[DKIM_SIGNATURE_MAX];
	size_t len;
	str_init(&text, 4096);
	str_init(&b, 4096);
	struct dkim_canon_sink sink = {append, &text};
	ck_assert_msg(dkim_fields_select(span_of(header), names, false, &fields, &why), "%s", why);
	for (size_t i = 0; i < fields.n; i++) {
		dkim_canon_field(how, fields.at[i].whole, &sink);
		str_append_text(&text, "\r\n");
	}
	dkim_canon_field(how, span_of(signature_field), &sink);
	ck_assert(EVP_Digest(text.at, text.len, hash, NULL, EVP_sha256(), NULL) == 1);
	struct dkim_key *key = dkim_key_parse(span_of(pem), why_key);
	ck_assert_msg(key != NULL, "%s", why_key);
	ck_assert(dkim_key_sign(key, hash, signature, &len));
	base64_append(&b, signature, len);
	ck_assert_str_eq(str_text(&b), expected);
	dkim_key_free(key);
	str_free(&text);
	str_free(&b);
}

START_TEST(test_rfc_6376)
{
	static const char *const names[] = {"Received", "From", "To", "Subject", "Date", "Message-ID"};
	ck_assert_str_eq(sha256(body(DKIM_SIMPLE, SPAN(VECTOR_BODY), 7)), VECTOR_BODY_HASH);
	ck_assert_str_eq(sha256(body(DKIM_SIMPLE, SPAN(VECTOR_BODY "\r\n\r\n"), 7)), VECTOR_BODY_HASH);
	check_vector(VECTOR_RECEIVED VECTOR_HEADER, (struct dkim_names){names, 6}, DKIM_SIMPLE, VECTOR_6376,
		     VECTOR_6376_KEY, VECTOR_6376_B);
}
END_TEST

START_TEST(test_rfc_8463)
{
	static const char *const names[] = {"From", "To", "Subject", "Date", "Message-ID"};
	const struct dkim_names list = {names, 5};
	ck_assert_str_eq(sha256(body(DKIM_RELAXED, SPAN(VECTOR_BODY_8463), 7)), VECTOR_BODY_HASH);
	check_vector(VECTOR_HEADER, list, DKIM_RELAXED, VECTOR_ED25519, VECTOR_ED25519_KEY, VECTOR_ED25519_B);
	check_vector(VECTOR_HEADER, list, DKIM_RELAXED, VECTOR_RSA, VECTOR_RSA_KEY, VECTOR_RSA_B);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_rfc_example,  test_odd_fields, test_odd_bodies, test_bare_line_ends,
				      test_empty_hashes, test_rfc_6376,   test_rfc_8463};
	return run_tests("dkim_canon", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
