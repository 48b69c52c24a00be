/* Answers of issuers: what is taken of them, and what is refused. */
#include "delivery/web/answer.h"
#include "t/unit/suite.h"

#include <stdio.h>
#include <string.h>

static char why[ANSWER_WHY_MAX];

static const struct {
	const char *body;
	const char *token, *refresh;
	int64_t life_s;
} tokens[] = {
	{"{\"token_type\":\"Bearer\",\"expires_in\":3599,\"ext_expires_in\":3599,\"access_token\":\"eyJ0.e30.s_-\"}",
	 "eyJ0.e30.s_-", "", 3599},
	{"{\"token_type\":\"bearer\",\"expires_in\":\"3599\",\"access_token\":\"t\",\"refresh_token\":\"r\"}", "t", "r",
	 3599},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\"}", "t", "", 3600},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\",\"expires_in\":null}", "t", "", 3600},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\",\"expires_in\":61}", "t", "", 61},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\",\"expires_in\":3599.9}", "t", "", 3599},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\",\"expires_in\":2592000}", "t", "", 86400},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\",\"scope\":\"a\\u0001b\",\"x\":[{}]}", "t", "", 3600},
};

static const struct {
	const char *body, *why;
} refused[] = {
	{"", "no JSON"},
	{"<html>", "no JSON"},
	{"[]", "no JSON"},
	{"\"text\"", "no JSON"},
	{"{}", "no access_token"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\"} x", "no JSON"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\",\"access_token\":\"u\"}", "a member twice"},
	{"{\"token_type\":\"Bearer\",\"x\":{\"y\":1,\"y\":2},\"access_token\":\"t\"}", "a member twice"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"\"}", "access_token of the answer"},
	{"{\"token_type\":\"Bearer\",\"access_token\":7}", "access_token of the answer"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"a b\"}", "access_token of the answer"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"a\\r\\nb\"}", "access_token of the answer"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"a\\u0001auth=x\"}", "access_token of the answer"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"a\\u00e9\"}", "access_token of the answer"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"a\\u0000b\"}", "no JSON"},
	{"{\"token_type\":\"mac\",\"access_token\":\"t\"}", "not Bearer"},
	{"{\"access_token\":\"t\"}", "not Bearer"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\",\"expires_in\":60}", "expires_in"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\",\"expires_in\":-1}", "expires_in"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\",\"expires_in\":1e99}", "expires_in"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\",\"expires_in\":1e999}", "no JSON"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\",\"expires_in\":99999999999999999999}", "no JSON"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\",\"expires_in\":\"1e3\"}", "expires_in"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\",\"expires_in\":true}", "expires_in"},
	{"{\"token_type\":\"Bearer\",\"access_token\":\"t\",\"refresh_token\":\"a\\nb\"}", "refresh_token"},
};

START_TEST(a_token_is_taken)
{
	struct answer_token token;
	ck_assert_msg(answer_token(span_of(tokens[_i].body), &token, why), "%s: %s", tokens[_i].body, why);
	ck_assert_str_eq(token.octets, tokens[_i].token);
	ck_assert_uint_eq(token.length, strlen(tokens[_i].token));
	ck_assert_str_eq(token.refresh_token, tokens[_i].refresh);
	ck_assert_int_eq(token.life_s, tokens[_i].life_s);
}
END_TEST

START_TEST(what_is_no_token_is_refused)
{
	struct answer_token token;
	ck_assert_msg(!answer_token(span_of(refused[_i].body), &token, why), "%s", refused[_i].body);
	ck_assert_msg(strstr(why, refused[_i].why), "%s: %s", refused[_i].body, why);
}
END_TEST

static bool token_of_length(size_t n, struct answer_token *token)
{
	static char body[ANSWER_BODY_MAX];
	const char head[] = "{\"token_type\":\"Bearer\",\"access_token\":\"";
	size_t at = sizeof(head) - 1;
	memcpy(body, head, at);
	memset(body + at, 'x', n);
	memcpy(body + at + n, "\"}", 2);
	return answer_token((struct span){body, at + n + 2}, token, why);
}

START_TEST(a_token_of_12000_octets_is_the_longest)
{
	struct answer_token token;
	ck_assert(token_of_length(TOKENS_TOKEN_MAX, &token));
	ck_assert_uint_eq(token.length, TOKENS_TOKEN_MAX);
	ck_assert(!token_of_length(TOKENS_TOKEN_MAX + 1, &token));
}
END_TEST

START_TEST(a_nul_behind_the_object_is_refused)
{
	struct answer_token token;
	static const char body[] = "{\"token_type\":\"Bearer\",\"access_token\":\"t\"}\0x";
	ck_assert(!answer_token((struct span){body, sizeof(body) - 1}, &token, why));
}
END_TEST

START_TEST(a_code_for_a_person_is_taken)
{
	struct answer_device d;
	ck_assert(answer_device(SPAN("{\"user_code\":\"FJC3VVKXX\",\"device_code\":\"FAQAB\",\"verification_uri\":"
				     "\"https://microsoft.com/devicelogin\",\"expires_in\":900,\"interval\":5,"
				     "\"message\":\"To sign in, use\\na web browser\"}"),
				&d, why));
	ck_assert_str_eq(d.user_code, "FJC3VVKXX");
	ck_assert_str_eq(d.device_code, "FAQAB");
	ck_assert_str_eq(d.url, "https://microsoft.com/devicelogin");
	ck_assert_int_eq(d.life_s, 900);
	ck_assert_int_eq(d.interval_s, 5);
	ck_assert(answer_device(
		SPAN("{\"user_code\":\"A B\",\"device_code\":\"d\",\"verification_url\":\"https://g.example/d\"}"), &d,
		why));
	ck_assert_int_eq(d.life_s, 900);
	ck_assert_int_eq(d.interval_s, 5);
}
END_TEST

static const char *const bad_codes[] = {
	"{\"user_code\":\"A\",\"device_code\":\"d\",\"verification_uri\":\"http://x.example/\"}",
	"{\"user_code\":\"A\",\"device_code\":\"d\",\"verification_uri\":\"https://x.example/\\u001b[2J\"}",
	"{\"user_code\":\"A\\r\",\"device_code\":\"d\",\"verification_uri\":\"https://x.example/\"}",
	"{\"user_code\":\"A\",\"device_code\":\"\",\"verification_uri\":\"https://x.example/\"}",
	"{\"user_code\":\"A\",\"device_code\":\"d\"}",
	"{\"user_code\":\"A\",\"device_code\":\"d\",\"verification_uri\":\"https://x.example/\",\"interval\":0}",
	"{\"user_code\":\"A\",\"device_code\":\"d\",\"verification_uri\":\"https://x.example/\",\"expires_in\":1e99}",
};

START_TEST(a_bad_code_is_refused)
{
	struct answer_device d;
	ck_assert_msg(!answer_device(span_of(bad_codes[_i]), &d, why), "%s", bad_codes[_i]);
	ck_assert_uint_gt(strlen(why), 0);
}
END_TEST

static const struct {
	const char *body, *error, *text;
	uint64_t number;
} errors[] = {
	{"{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid client secret provided.\\r\\nTrace "
	 "ID: 1\",\"error_codes\":[7000215]}",
	 "invalid_client", "AADSTS7000215: Invalid client secret provided.", 7000215},
	{"{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS50173: x\"}", "invalid_grant", "AADSTS50173: x",
	 50173},
	{"{\"error\":\"invalid_grant\",\"error_codes\":[1e99]}", "invalid_grant", "", 0},
	{"{\"error\":\"invalid_grant\",\"error_codes\":[-5],\"error_description\":\"AADSTS\"}", "invalid_grant",
	 "AADSTS", 0},
	{"{\"error\":\"invalid_grant\",\"error_description\":\"\\u001b[2Jgone\"}", "invalid_grant", "\\x1b[2Jgone", 0},
	{"{\"error\":\"slow_down\",\"error_description\":{}}", "slow_down", "", 0},
};

START_TEST(an_error_is_read)
{
	struct answer_error e;
	ck_assert(answer_error(span_of(errors[_i].body), &e));
	ck_assert_str_eq(e.error, errors[_i].error);
	ck_assert_str_eq(e.text, errors[_i].text);
	ck_assert_uint_eq(e.number, errors[_i].number);
}
END_TEST

static const char *const no_errors[] = {
	"", "<html>502</html>", "{}", "{\"error\":{\"code\":400}}", "{\"error\":\"\"}", "{\"error\":\"a\\nb\"}"};

START_TEST(what_is_no_error_is_said_so)
{
	struct answer_error e;
	ck_assert(!answer_error(span_of(no_errors[_i]), &e));
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof(*(list)))

int main(void)
{
	Suite *suite = suite_create("web_answer");
	TCase *tcase = tcase_create("answers");
	tcase_add_loop_test(tcase, a_token_is_taken, 0, COUNT(tokens));
	tcase_add_loop_test(tcase, what_is_no_token_is_refused, 0, COUNT(refused));
	tcase_add_test(tcase, a_token_of_12000_octets_is_the_longest);
	tcase_add_test(tcase, a_nul_behind_the_object_is_refused);
	tcase_add_test(tcase, a_code_for_a_person_is_taken);
	tcase_add_loop_test(tcase, a_bad_code_is_refused, 0, COUNT(bad_codes));
	tcase_add_loop_test(tcase, an_error_is_read, 0, COUNT(errors));
	tcase_add_loop_test(tcase, what_is_no_error_is_said_so, 0, COUNT(no_errors));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
