/* The client side of each mechanism against the server side of libgsasl: octet by octet with the examples of the
 * RFCs, and against malicious hosts. */
#include "delivery/auth/sasl.h"
#include "delivery/auth/scram.h"

#include <check.h>
#include <gsasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/base64.h"
#include "common/base/clock.h"
#include "common/ipc/tokens.h"
#include "t/unit/suite.h"

static struct str said;
static const char *why;

static struct sasl_user user_of(enum config_auth auth, const char *name, const char *password)
{
	return (struct sasl_user){.auth = auth, .username = name, .password = password};
}

static void setup(void)
{
	str_init(&said, SASL_LINE_MAX);
	why = "";
}

static void teardown(void)
{
	str_free(&said);
}

static bool begin(const struct sasl *s, const char *offer)
{
	str_clear(&said);
	return s->begin(s->context, span_of(offer), &said, &why);
}

static bool answer(const struct sasl *s, const char *challenge)
{
	str_clear(&said);
	return s->answer(s->context, span_of(challenge), &said, &why);
}

/* A challenge of plain text. */
static bool answer_text(const struct sasl *s, const char *text)
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
static const char *decoded(void)
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

/* --- SCRAM --- */

struct other_side {
	Gsasl *library;
	Gsasl_session *session;
};

static int tell(Gsasl *library, Gsasl_session *session, Gsasl_property wanted)
{
	(void)library;
	if (wanted == GSASL_PASSWORD)
		return gsasl_property_set(session, GSASL_PASSWORD, "p\303\244ssword,=");
	if (wanted == GSASL_SCRAM_ITER)
		return gsasl_property_set(session, GSASL_SCRAM_ITER, "4096");
	return GSASL_NO_CALLBACK;
}

static void other_side_begin(struct other_side *o)
{
	ck_assert_int_eq(gsasl_init(&o->library), GSASL_OK);
	gsasl_callback_set(o->library, tell);
	ck_assert_int_eq(gsasl_server_start(o->library, "SCRAM-SHA-256", &o->session), GSASL_OK);
}

static void other_side_end(struct other_side *o)
{
	gsasl_finish(o->session);
	gsasl_done(o->library);
}

/* The answer of the host to TEXT, in base64; *result is that of gsasl. */
static char *other_side_step(struct other_side *o, const char *text, int *result)
{
	char *out = NULL;
	*result = gsasl_step64(o->session, text, &out);
	return out;
}

static const struct sasl *scram(const char *password)
{
	static struct sasl_user user;
	user = user_of(CONFIG_AUTH_SCRAM_SHA_256, "us,er=", password);
	const struct sasl *s = sasl_open(&user, NULL, "host.test", 587);
	ck_assert(begin(s, "PLAIN SCRAM-SHA-256-PLUS SCRAM-SHA-256"));
	ck_assert(span_starts(str_span(&said), SPAN("SCRAM-SHA-256 "))); /* there is no TLS to bind to */
	return s;
}

START_TEST(scram_both_sides)
{
	struct other_side o;
	int result;
	const struct sasl *s = scram("p\303\244ssword,=");
	other_side_begin(&o);
	char *first = other_side_step(&o, str_text(&said) + strlen("SCRAM-SHA-256 "), &result);
	ck_assert_int_eq(result, GSASL_NEEDS_MORE);
	ck_assert(!s->finish(s->context, &why)); /* not yet */
	ck_assert(answer(s, first));
	char *last = other_side_step(&o, str_text(&said), &result);
	ck_assert_int_eq(result, GSASL_OK);
	ck_assert(!s->finish(s->context, &why));
	ck_assert(answer(s, last));
	ck_assert_uint_eq(said.len, 0);
	ck_assert(s->finish(s->context, &why));
	ck_assert(!answer(s, last)); /* nothing may follow */
	gsasl_free(first);
	gsasl_free(last);
	other_side_end(&o);
	sasl_close(s);
}
END_TEST

/* The host accepts any proof but does not know the password: its 235 does not count. */
START_TEST(scram_host_without_password)
{
	char text[256], nonce[64];
	const struct sasl *s = scram("secret");
	const char *r = strstr(decoded(), ",r=") + 1;
	ck_assert(strlen(r) < sizeof(nonce));
	snprintf(nonce, sizeof(nonce), "%s", r);
	snprintf(text, sizeof(text), "%sabc,s=c2FsdA==,i=4096", nonce);
	ck_assert(answer_text(s, text));
	ck_assert_ptr_nonnull(strstr(decoded(), ",p="));
	ck_assert(!s->finish(s->context, &why));
	ck_assert_ptr_nonnull(strstr(why, "without proof"));
	ck_assert(!answer_text(s, "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
	ck_assert_ptr_nonnull(strstr(why, "could not prove"));
	ck_assert(!s->finish(s->context, &why));
	sasl_close(s);
}
END_TEST

/* First messages that are malformed, that ask for endless work, or whose nonce is not ours. */
START_TEST(scram_bad_first)
{
	static const char *const bad[] = {"",
					  "r=x,s=c2FsdA==,i=4096",
					  "%s,s=c2FsdA==,i=4096",
					  "%sabc,s=c2FsdA==,i=0",
					  "%sabc,s=c2FsdA==,i=1000001",
					  "%sabc,s=c2FsdA==,i=99999999999999999999",
					  "%sabc,s=c2FsdA==,i=-1",
					  "%sabc,s=c2FsdA==,i=",
					  "%sabc,s=c2FsdA==",
					  "%sabc,i=4096,s=c2FsdA==",
					  "m=x,%sabc,s=c2FsdA==,i=4096",
					  "e=other-error"};
	char text[256], nonce[64];
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct sasl *s = scram("secret");
		snprintf(nonce, sizeof(nonce), "%s", strstr(decoded(), ",r=") + 1);
		const char *at = strstr(bad[i], "%s");
		snprintf(text, sizeof(text), "%.*s%s%s", at ? (int)(at - bad[i]) : 0, bad[i], at ? nonce : "",
			 at ? at + 2 : bad[i]);
		bool taken = answer_text(s, text);
		/* A nonce to which the host adds nothing is bad style but harmless. */
		ck_assert_msg(!taken || i == 2, "%s was taken", text);
		ck_assert(!s->finish(s->context, &why));
		sasl_close(s);
	}
}
END_TEST

START_TEST(iteration_counts)
{
	ck_assert_uint_eq(scram_iterations(SPAN("r=a,s=b,i=4096")), 4096);
	ck_assert_uint_eq(scram_iterations(SPAN("r=a,s=b,i=1000000")), 1000000);
	ck_assert_uint_eq(scram_iterations(SPAN("r=a,s=b,i=4096,x=extension")), 4096);
	ck_assert_uint_eq(scram_iterations(SPAN("r=a,s=b,i=1000001")), 0);
	ck_assert_uint_eq(scram_iterations(SPAN("r=a,i=4096,s=b")), 0);
	ck_assert_uint_eq(scram_iterations(SPAN("r=a,s=b,j=4096")), 0);
	ck_assert_uint_eq(scram_iterations(SPAN("i=4096")), 0);
	ck_assert_uint_eq(scram_iterations(SPAN("")), 0);
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

/* --- access tokens --- */

static struct tokens *writable;
static const struct tokens *page;

static void put_token(const char *octets, int64_t left_ms, uint64_t serial)
{
	struct token token = {
		.identity = 7, .serial = serial, .until_ms = clock_wall_ms() + left_ms, .length = strlen(octets)};
	ck_assert_uint_le(token.length, TOKENS_TOKEN_MAX);
	memcpy(token.octets, octets, token.length);
	tokens_write(writable, 3, &token);
}

static void setup_page(void)
{
	int write_fd, read_fd;
	setup();
	ck_assert_int_eq(tokens_create(&write_fd, &read_fd), 0);
	writable = tokens_map_writable(write_fd);
	page = tokens_map(read_fd);
	ck_assert(writable && page);
	close(write_fd);
	close(read_fd);
}

static const struct sasl *bearer(enum config_auth auth)
{
	static struct sasl_user user;
	user = (struct sasl_user){.auth = auth, .username = "relay@example.com", .tokens = page, .identity = 7};
	return sasl_open(&user, NULL, "smtp.example.com", 587);
}

START_TEST(bearer_says_its_token)
{
	put_token("ya29.first", 3600 * 1000, 41);
	const struct sasl *s = bearer(CONFIG_AUTH_XOAUTH2);
	ck_assert(begin(s, "LOGIN XOAUTH2"));
	ck_assert(span_starts(str_span(&said), SPAN("XOAUTH2 ")));
	ck_assert_str_eq(decoded(), "user=relay@example.com\1auth=Bearer ya29.first\1\1");
	ck_assert_uint_eq(s->token, 41);
	ck_assert(s->finish(s->context, &why));
	sasl_close(s);
	s = bearer(CONFIG_AUTH_OAUTHBEARER);
	ck_assert(begin(s, "OAUTHBEARER XOAUTH2"));
	ck_assert(span_starts(str_span(&said), SPAN("OAUTHBEARER ")));
	ck_assert_str_eq(decoded(),
			 "n,a=relay@example.com,\1host=smtp.example.com\1port=587\1auth=Bearer ya29.first\1\1");
	sasl_close(s);
}
END_TEST

/* Each AUTH takes what stands on the page then, and tells which token it was. */
START_TEST(bearer_page_replaced)
{
	put_token("ya29.first", 3600 * 1000, 41);
	const struct sasl *s = bearer(CONFIG_AUTH_XOAUTH2);
	ck_assert(begin(s, "XOAUTH2"));
	ck_assert_uint_eq(s->token, 41);
	put_token("ya29.second", 3600 * 1000, 42);
	ck_assert_uint_eq(s->token, 41);
	sasl_close(s);
	s = bearer(CONFIG_AUTH_XOAUTH2);
	put_token("ya29.third", 3600 * 1000, 43); /* between the connection and AUTH */
	ck_assert(begin(s, "XOAUTH2"));
	ck_assert_ptr_nonnull(strstr(decoded(), "Bearer ya29.third\1"));
	ck_assert_uint_eq(s->token, 43);
	sasl_close(s);
}
END_TEST

/* None, one of another block, one that ends in 30 s, and one that only its writer can have spoiled. */
START_TEST(bearer_without_a_token)
{
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			put_token("", 3600 * 1000, 1);
		if (i == 2)
			put_token("ya29.first", 30 * 1000, 41);
		const struct sasl *s = bearer(CONFIG_AUTH_XOAUTH2);
		ck_assert(!begin(s, "XOAUTH2"));
		ck_assert_str_eq(str_text(&said), "XOAUTH2 ");
		ck_assert_ptr_nonnull(strstr(why, "no access token"));
		ck_assert_uint_eq(s->token, 0);
		sasl_close(s);
	}
	put_token("ya29\1auth=Bearer other", 3600 * 1000, 44);
	const struct sasl *s = bearer(CONFIG_AUTH_XOAUTH2);
	ck_assert(!begin(s, "XOAUTH2"));
	ck_assert_ptr_nonnull(strstr(why, "octets that no token may have"));
	sasl_close(s);
}
END_TEST

/* RFC 4954 4: with its line end the line of AUTH has 12288 octets at most. */
START_TEST(bearer_too_long)
{
	char octets[TOKENS_TOKEN_MAX + 1];
	const size_t most = (SASL_LINE_MAX - 2) / 4 * 3 - strlen("user=relay@example.com.auth=Bearer ..");
	memset(octets, 't', sizeof(octets));
	octets[most] = '\0';
	put_token(octets, 3600 * 1000, 1);
	const struct sasl *s = bearer(CONFIG_AUTH_XOAUTH2);
	str_free(&said);
	str_init(&said, 2 * SASL_LINE_MAX);
	ck_assert(begin(s, "XOAUTH2"));
	ck_assert_uint_le(said.len - strlen("XOAUTH2 "), SASL_LINE_MAX - 2);
	sasl_close(s);
	octets[most] = 't';
	octets[most + 1] = '\0';
	put_token(octets, 3600 * 1000, 1);
	s = bearer(CONFIG_AUTH_XOAUTH2);
	ck_assert(!begin(s, "XOAUTH2"));
	ck_assert_ptr_nonnull(strstr(why, "too long"));
	sasl_close(s);
}
END_TEST

/* The refusal in words is not the end of the exchange; a second one is no refusal. */
START_TEST(bearer_refused)
{
	static const struct {
		enum config_auth auth;
		const char *answer;
	} cases[] = {{CONFIG_AUTH_XOAUTH2, ""}, {CONFIG_AUTH_OAUTHBEARER, "AQ=="}};
	put_token("ya29.first", 3600 * 1000, 41);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct sasl *s = bearer(cases[i].auth);
		ck_assert(begin(s, "XOAUTH2 OAUTHBEARER"));
		ck_assert_str_eq(s->said, "");
		ck_assert(answer_text(s, "{\"status\":\"400\",\"schemes\":\"bearer\",\"scope\":\"mail\"}"));
		ck_assert_str_eq(str_text(&said), cases[i].answer);
		ck_assert_str_eq(s->said, "status 400, scope mail");
		ck_assert(!answer_text(s, "{\"status\":\"500\"}"));
		ck_assert_str_eq(s->said, "status 400, scope mail");
		sasl_close(s);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sasl");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, plain);
	tcase_add_test(all, plain_long);
	tcase_add_test(all, login);
	tcase_add_test(all, cram_md5);
	tcase_add_test(all, only_what_is_wanted);
	tcase_add_test(all, scram_both_sides);
	tcase_add_test(all, scram_host_without_password);
	tcase_add_test(all, scram_bad_first);
	tcase_add_test(all, iteration_counts);
	tcase_add_test(all, questions_without_end);
	suite_add_tcase(suite, all);
	TCase *tokens = tcase_create("tokens");
	tcase_add_checked_fixture(tokens, setup_page, teardown);
	tcase_add_test(tokens, bearer_says_its_token);
	tcase_add_test(tokens, bearer_page_replaced);
	tcase_add_test(tokens, bearer_without_a_token);
	tcase_add_test(tokens, bearer_too_long);
	tcase_add_test(tokens, bearer_refused);
	suite_add_tcase(suite, tokens);
	return suite_run(suite);
}
