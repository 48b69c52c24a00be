/* XOAUTH2 and OAUTHBEARER with the access token that stands on the page of tokens at AUTH. */
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/tokens.h"
#include "t/unit/sasl_fixture.h"

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
	fixture_open();
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
	const TTest *const tests[] = {
		bearer_says_its_token, bearer_page_replaced, bearer_without_a_token, bearer_too_long, bearer_refused,
	};
	return run_tests("delivery_sasl_token", tests, sizeof(tests) / sizeof(tests[0]), setup_page, fixture_close);
}
