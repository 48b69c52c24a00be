/* What an access token looks like on the wire, by the examples of Microsoft and of RFC 7628; what a refusal says. */
#include "delivery/auth/bearer.h"

#include <check.h>
#include <string.h>

#include "common/base/base64.h"
#include "delivery/auth/sasl.h"
#include "t/unit/suite.h"

static struct str said;
static const char *why;

static bool append(enum bearer_form form, const char *user, const char *host, uint16_t port, const char *token)
{
	const struct bearer bearer = {form, span_of(user), span_of(host), port, span_of(token)};
	why = "";
	str_clear(&said);
	return bearer_append(&bearer, &said, &why);
}

static void setup(void)
{
	str_init(&said, SASL_LINE_MAX);
}

static void teardown(void)
{
	str_free(&said);
}

START_TEST(examples)
{
	ck_assert(append(BEARER_XOAUTH2, "test@contoso.onmicrosoft.com", "", 0,
			 "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA"));
	ck_assert_str_eq(str_text(&said),
			 "dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3QkFBbDNCQUFVRkZwVUFvN0oz"
			 "VmUwYmpMQldaV0NjbFJDM0VvQUEBAQ==");
	ck_assert(append(BEARER_OAUTHBEARER, "user@example.com", "server.example.com", 143,
			 "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="));
	ck_assert_str_eq(str_text(&said),
			 "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVy"
			 "IHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB");
}
END_TEST

/* RFC 5801 4: only where the user stands in a list. */
START_TEST(escapes)
{
	char raw[200];
	size_t n;
	ck_assert(append(BEARER_OAUTHBEARER, "a,b=c@example.com", "h", 25, "t"));
	ck_assert(base64_decode(str_span(&said), raw, sizeof(raw), &n));
	ck_assert(span_starts((struct span){raw, n}, SPAN("n,a=a=2Cb=3Dc@example.com,\1host=h\1port=25\1")));
	ck_assert(append(BEARER_XOAUTH2, "a,b=c@example.com", "h", 25, "t"));
	ck_assert(base64_decode(str_span(&said), raw, sizeof(raw), &n));
	ck_assert(span_starts((struct span){raw, n}, SPAN("user=a,b=c@example.com\1auth=Bearer t\1\1")));
}
END_TEST

/* Nothing that is inside a value may end it. */
START_TEST(octets_that_cannot_be_sent)
{
	static const char *const users[] = {"", "a\1auth=Bearer x", "a\r\nb", "\303\244@example.com", "a\177"};
	static const char *const tokens[] = {"", "a b", "a\1b", "a\r\nRSET", "\303\244", "a\177"};
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		ck_assert_msg(!append(i % 2 ? BEARER_XOAUTH2 : BEARER_OAUTHBEARER, users[i], "h", 25, "t"), "%zu", i);
		ck_assert_ptr_nonnull(strstr(why, "username"));
	}
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		ck_assert_msg(!append(i % 2 ? BEARER_XOAUTH2 : BEARER_OAUTHBEARER, "u", "h", 25, tokens[i]), "%zu", i);
		ck_assert_ptr_nonnull(strstr(why, "access token"));
		ck_assert_uint_eq(said.len, 0);
	}
}
END_TEST

static const char *decode(const char *json)
{
	static char to[BEARER_SAID_MAX + 1];
	struct str text;
	str_init(&text, SASL_LINE_MAX);
	ck_assert(base64_append(&text, json, strlen(json)));
	bearer_said(str_span(&text), to);
	str_free(&text);
	return to;
}

START_TEST(refusals)
{
	static const char *const cases[][2] = {
		{"{\"status\":\"invalid_token\",\"scope\":\"example_scope\","
		 "\"openid-configuration\":\"https://example.com/.well-known/openid-configuration\"}",
		 "status invalid_token, scope example_scope"},
		{"{\"status\":\"400\",\"schemes\":\"Bearer\",\"scope\":\"https://mail.google.com/\"}",
		 "status 400, scope https://mail.google.com/"},
		{" {\r\n\t\"scope\" : \"a\" , \"status\" : 401 } ", "status 401, scope a"},
		{"{\"status\":\"400\"}", "status 400"},
		{"{\"scope\":\"a\\\"b\\\\c\\/d\\u0041\\n\\u20\"}", ""}, /* the last escape takes the quote: no end */
		{"{\"scope\":\"a\\\"b\\\\c\\/d\\u0041\\n\"}", "scope a\"b\\c/d??"},
		{"{\"scope\":\"a\1\r\n\303\244\177b\"}", "scope a\?\?\?\?\?\?b"},
		{"{\"status\":\"400\",\"more\":{\"scope\":\"inner\"}}", "status 400"},
		{"{\"status\":\"400", ""},
		{"{\"status\"", ""},
		{"{\"status\":\"400\\", ""},
		{"[\"status\"]", ""},
		{"status", ""},
		{"", ""},
		{"{}", ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(!strcmp(decode(cases[i][0]), cases[i][1]), "%zu: %s", i, decode(cases[i][0]));
}
END_TEST

START_TEST(refusal_is_bounded)
{
	char json[3000] = "{\"status\":\"", *end = json + strlen(json), to[BEARER_SAID_MAX + 1];
	memset(end, 's', 1000);
	strcpy(end + 1000, "\",\"scope\":\"");
	end += strlen(end);
	memset(end, 'c', 1000);
	strcpy(end + 1000, "\"}");
	size_t len = strlen(decode(json));
	ck_assert_uint_le(len, BEARER_SAID_MAX);
	ck_assert_uint_gt(len, 150);
	bearer_said(SPAN("not base64"), to);
	ck_assert_str_eq(to, "");
	bearer_said(SPAN("eyJz"), to);
	ck_assert_str_eq(to, "");
}
END_TEST

START_TEST(answers)
{
	ck_assert_str_eq(bearer_answer(BEARER_XOAUTH2), "");
	ck_assert_str_eq(bearer_answer(BEARER_OAUTHBEARER), "AQ==");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bearer");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, examples);
	tcase_add_test(all, escapes);
	tcase_add_test(all, octets_that_cannot_be_sent);
	tcase_add_test(all, refusals);
	tcase_add_test(all, refusal_is_bounded);
	tcase_add_test(all, answers);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
