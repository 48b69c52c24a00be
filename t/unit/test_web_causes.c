/* What an administrator reads when an issuer refuses, and how soon it is asked again. */
#include "delivery/web/causes.h"
#include "delivery/web/redact.h"
#include "t/unit/suite.h"

#include <stdio.h>
#include <string.h>

static struct str text;

static void setup(void)
{
	str_init(&text, 2000);
}

static void teardown(void)
{
	str_free(&text);
}

static const struct {
	long status;
	const char *error;
	bool person;
	enum grant_class class;
} classes[] = {
	{400, "invalid_client", false, GRANT_OURS},
	{401, "invalid_client", true, GRANT_OURS},
	{400, "unauthorized_client", false, GRANT_OURS},
	{400, "invalid_request", false, GRANT_OURS},
	{400, "unsupported_grant_type", false, GRANT_OURS},
	{400, "invalid_scope", false, GRANT_OURS},
	{400, "invalid_resource", false, GRANT_OURS},
	{400, "a_word_of_tomorrow", false, GRANT_OURS},
	{400, "invalid_grant", false, GRANT_OURS},
	{400, "invalid_grant", true, GRANT_PERSON},
	{400, "interaction_required", true, GRANT_PERSON},
	{400, "interaction_required", false, GRANT_OURS},
	{400, "temporarily_unavailable", true, GRANT_PASSING},
	{429, "invalid_client", false, GRANT_PASSING},
	{503, "invalid_grant", true, GRANT_PASSING},
	{400, "", false, GRANT_PASSING},
	{0, "", true, GRANT_PASSING},
};

START_TEST(the_word_and_the_status_decide)
{
	ck_assert_int_eq(causes_class(classes[_i].status, classes[_i].error, classes[_i].person), classes[_i].class);
}
END_TEST

START_TEST(a_number_says_more_than_a_word)
{
	const struct answer_error secret = {.error = "invalid_client", .number = 7000222};
	const struct answer_error other = {.error = "invalid_client", .number = 1};
	ck_assert_ptr_nonnull(strstr(causes_find(&secret)->words, "expired"));
	ck_assert_uint_eq(causes_find(&other)->number, 0);
	ck_assert_str_eq(causes_find(&other)->error, "invalid_client");
}
END_TEST

START_TEST(the_line_has_words_remedy_and_what_was_said)
{
	const struct answer_error known = {.error = "invalid_client", .text = "AADSTS7000215: x", .number = 7000215};
	const struct answer_error unknown = {.error = "a_word"};
	causes_append(&known, &text);
	ck_assert_str_eq(str_text(&text), "the client secret is wrong: write the secret's value, not its ID, into "
					  "client_secret_file (invalid_client: AADSTS7000215: x)");
	str_clear(&text);
	causes_append(&unknown, &text);
	ck_assert_str_eq(str_text(&text), "the provider refuses (a_word)");
}
END_TEST

START_TEST(every_number_has_words)
{
	static const uint64_t numbers[] = {7000215, 7000222, 7000218, 700016, 90002, 9001023, 70011,  700022, 500011,
					   50034,   530032,  90055,   90033,  90024, 50033,   700082, 70000,  700024,
					   700027,  50076,   50079,   53003,  50173, 65001,   50196};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		const struct answer_error error = {.error = "x", .number = numbers[i]};
		const struct cause *c = causes_find(&error);
		ck_assert_msg(c, "%llu", (unsigned long long)numbers[i]);
		ck_assert_uint_gt(strlen(c->words), 0);
		ck_assert_uint_gt(strlen(c->remedy), 0);
		ck_assert(!span_eight_bit(span_of(c->words)));
	}
}
END_TEST

static const struct {
	int64_t ours, theirs;
	const char *said;
} clocks[] = {
	{1000, 0, ""},
	{1000, 1060, ""},
	{1060, 1000, ""},
	{1420, 1000, "; the clock of this machine is 7m fast"},
	{1000, 8200, "; the clock of this machine is 2h slow"},
};

START_TEST(a_wrong_clock_is_said_by_how_much)
{
	causes_append_clock(clocks[_i].ours, clocks[_i].theirs, &text);
	ck_assert_str_eq(str_text(&text), clocks[_i].said);
}
END_TEST

START_TEST(secrets_are_taken_out)
{
	char said[] =
		"bad secret s3cr=t and s3cr=t; eyJhbGciOiJQUzI1NiJ9eyJhbGciOiJQUzI1NiJ9eyJhbGciOiJQUzI1NiJ9xyz!! end";
	redact_secret(said, "s3cr=t");
	redact_secret(said, NULL);
	redact_secret(said, "");
	redact_secret(said, "bad"); /* too short to be one */
	redact_long(said);
	ck_assert_str_eq(said, "bad secret ****** and ******; "
			       "***************************************************************** end");
	char whole[66];
	memset(whole, 'x', 64);
	whole[64] = '\0';
	redact_long(whole);
	ck_assert_int_eq(whole[0], 'x');
	memset(whole, 'x', 65);
	whole[65] = '\0';
	redact_long(whole);
	ck_assert_int_eq(whole[64], '*');
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof(*(list)))

int main(void)
{
	Suite *suite = suite_create("web_causes");
	TCase *tcase = tcase_create("causes");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, the_word_and_the_status_decide, 0, COUNT(classes));
	tcase_add_test(tcase, a_number_says_more_than_a_word);
	tcase_add_test(tcase, the_line_has_words_remedy_and_what_was_said);
	tcase_add_test(tcase, every_number_has_words);
	tcase_add_loop_test(tcase, a_wrong_clock_is_said_by_how_much, 0, COUNT(clocks));
	tcase_add_test(tcase, secrets_are_taken_out);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
