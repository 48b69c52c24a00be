/* PLAIN, LOGIN and CRAM-MD5, octet by octet with the examples of the RFCs, and the choice among the mechanisms that a
 * host offers. */
#include "t/unit/sasl_fixture.h"

/* The examples of RFC 4616 and of common documents. */
START_TEST(plain)
{
	struct sasl_user user = user_of(CONFIG_AUTH_PLAIN, "tim", "tanstaaftanstaaf");
	const struct sasl *s = sasl_open(&user, NULL, "host.test", 587);
	ck_assert(begin(s, "LOGIN PLAIN"));
	ck_assert_str_eq(str_text(&said), "PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm");
	ck_assert(s->finish(s->context, &why));
	ck_assert(!answer(s, ""));
	sasl_close(s);
}
END_TEST

/* The longest username and password are not cut. */
START_TEST(plain_long)
{
	char name[256] = "", password[1025] = "";
	memset(name, 'n', 255);
	memset(password, 'p', 1024);
	struct sasl_user user = user_of(CONFIG_AUTH_PLAIN, name, password);
	const struct sasl *s = sasl_open(&user, NULL, "host.test", 587);
	ck_assert(begin(s, "PLAIN"));
	ck_assert_uint_eq(said.len, 6 + (2 + 255 + 1024 + 2) / 3 * 4);
	sasl_close(s);
	user.password = "";
	s = sasl_open(&user, NULL, "host.test", 587);
	ck_assert(begin(s, "plain")); /* case does not count */
	sasl_close(s);
}
END_TEST

/* The prompts may be any text. */
START_TEST(login)
{
	static const char *const prompts[][2] = {{"VXNlcm5hbWU6", "UGFzc3dvcmQ6"},
						 {"VXNlciBOYW1lAA==", "UGFzc3dvcmQA"},
						 {"dXNlcm5hbWU6", "cGFzc3dvcmQ6"},
						 {"", ""},
						 {"Username:", "not base64 at all"}};
	struct sasl_user user = user_of(CONFIG_AUTH_LOGIN, "alice", "wonder land");
	for (size_t i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++) {
		const struct sasl *s = sasl_open(&user, NULL, "host.test", 587);
		ck_assert(begin(s, "PLAIN LOGIN"));
		ck_assert_str_eq(str_text(&said), "LOGIN");
		ck_assert(answer(s, prompts[i][0]));
		ck_assert_str_eq(str_text(&said), "YWxpY2U=");
		ck_assert(answer(s, prompts[i][1]));
		ck_assert_str_eq(str_text(&said), "d29uZGVyIGxhbmQ=");
		ck_assert(s->finish(s->context, &why));
		ck_assert(!answer(s, "bW9yZQ=="));
		ck_assert_uint_eq(said.len, 0);
		sasl_close(s);
	}
}
END_TEST

/* RFC 2195. */
START_TEST(cram_md5)
{
	struct sasl_user user = user_of(CONFIG_AUTH_CRAM_MD5, "tim", "tanstaaftanstaaf");
	const struct sasl *s = sasl_open(&user, NULL, "host.test", 587);
	ck_assert(begin(s, "CRAM-MD5"));
	ck_assert_str_eq(str_text(&said), "CRAM-MD5");
	ck_assert(answer(s, "PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"));
	ck_assert_str_eq(str_text(&said), "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw");
	ck_assert(!answer(s, "PDE+"));
	sasl_close(s);
	s = sasl_open(&user, NULL, "host.test", 587);
	ck_assert(begin(s, "CRAM-MD5"));
	ck_assert(!answer(s, "<1896.697170952@postoffice.reston.mci.net>"));
	ck_assert_ptr_nonnull(strstr(why, "no valid base64"));
	sasl_close(s);
}
END_TEST

START_TEST(only_what_is_wanted)
{
	static const struct {
		enum config_auth auth;
		const char *offer;
	} cases[] = {
		{CONFIG_AUTH_PLAIN, "LOGIN CRAM-MD5 SCRAM-SHA-256"},
		{CONFIG_AUTH_PLAIN, "PLAINX XPLAIN"},
		{CONFIG_AUTH_SCRAM_SHA_256, "PLAIN LOGIN SCRAM-SHA-1"},
		{CONFIG_AUTH_SCRAM_SHA_256, "SCRAM-SHA-256-PLUS"},
		{CONFIG_AUTH_LOGIN, ""},
		{CONFIG_AUTH_CRAM_MD5, "PLAIN \x1b[2J"},
		{CONFIG_AUTH_XOAUTH2, "LOGIN OAUTHBEARER"},
		{CONFIG_AUTH_OAUTHBEARER, "LOGIN XOAUTH2"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sasl_user user = user_of(cases[i].auth, "u", "p");
		const struct sasl *s = sasl_open(&user, NULL, "host.test", 587);
		ck_assert_msg(!begin(s, cases[i].offer), "%zu", i);
		ck_assert_uint_eq(said.len, 0);
		ck_assert_ptr_nonnull(strstr(why, "the host does not offer AUTH "));
		ck_assert_ptr_null(strchr(why, '\x1b'));
		sasl_close(s);
	}
}
END_TEST

START_TEST(questions_without_end)
{
	for (int i = 0; i < 2; i++) {
		struct sasl_user user = user_of(i ? CONFIG_AUTH_LOGIN : CONFIG_AUTH_CRAM_MD5, "u", "p");
		const struct sasl *s = sasl_open(&user, NULL, "host.test", 587);
		unsigned answered = 0;
		ck_assert(begin(s, "LOGIN CRAM-MD5"));
		while (answer(s, "PDE+"))
			answered++;
		ck_assert_uint_le(answered, 2);
		sasl_close(s);
	}
	sasl_close(NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		plain, plain_long, login, cram_md5, only_what_is_wanted, questions_without_end,
	};
	return run_tests("delivery_sasl", tests, sizeof(tests) / sizeof(tests[0]), fixture_open, fixture_close);
}
