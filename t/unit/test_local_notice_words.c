/* The texts and the advice, in each language. */
#include "delivery/local/notice_words.h"

#include <check.h>
#include <string.h>

#include "t/unit/suite.h"

static const char *advice(enum config_language language, int code, struct enhanced enhanced, const char *text)
{
	const struct journal_line cause = {.code = code, .enhanced = enhanced, .text = span_of(text)};
	return notice_advice(language, &cause);
}

START_TEST(each_language_has_all_texts)
{
	static const struct enhanced statuses[] = {{5, 0, 0}, {5, 1, 0}, {5, 2, 0}, {5, 3, 0}, {5, 4, 0},
						   {5, 5, 0}, {5, 6, 0}, {5, 7, 0}, {5, 3, 4}, {5, 7, 8}};
	enum config_language language = (enum config_language)_i;
	for (enum notice_words words = 0; words < WORDS_COUNT; words++)
		ck_assert_msg(*notice_words(language, words), "words %d", words);
	for (enum notice_action action = NOTICE_NOTHING + 1; action < NOTICE_ACTION_COUNT; action++) {
		ck_assert(notice_subject(language, action) && *notice_subject(language, action));
		ck_assert(notice_heading(language, action) && *notice_heading(language, action));
	}
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		ck_assert(*advice(language, 550, statuses[i], ""));
}
END_TEST

/* If a host requires authentication from us, the system of the recipient is not at fault. */
START_TEST(advice_where_we_lack_a_password)
{
	for (enum config_language language = 0; language < CONFIG_LANGUAGE_COUNT; language++)
		ck_assert_str_ne(advice(language, 535, (struct enhanced){5, 7, 8}, ""),
				 advice(language, 535, (struct enhanced){5, 7, 1}, ""));
	ck_assert_ptr_nonnull(
		strstr(advice(CONFIG_LANGUAGE_EN, 535, (struct enhanced){4, 7, 8}, ""), "Tell postmaster"));
}
END_TEST

/* What a provider has against our mailbox is known by its words: the codes say something else elsewhere. */
START_TEST(advice_by_words)
{
	static const struct {
		int code;
		struct enhanced enhanced;
		const char *text, *english, *japanese;
	} cases[] = {
		{554,
		 {5, 2, 252},
		 "SendAsDenied; a@x.test not allowed to send as b@x.test",
		 "another sender",
		 "差出人"},
		{550,
		 {5, 7, 60},
		 "SMTP; Client does not have permissions to send as this sender",
		 "another sender",
		 "差出人"},
		{554,
		 {5, 2, 0},
		 "STOREDRV.Submission.Exception:SubmissionQuotaExceededException; x",
		 "tomorrow",
		 "一日"},
		{554, {5, 2, 270}, "too large", "too large", "大きすぎ"},
		{554, {5, 2, 252}, "something else", "The mailbox accepts no mail", "受け取れません"},
		{550, {5, 7, 30}, "REQUIRETLS needed", "a rule of its own", "規則"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *english = advice(CONFIG_LANGUAGE_EN, cases[i].code, cases[i].enhanced, cases[i].text);
		const char *japanese = advice(CONFIG_LANGUAGE_JA, cases[i].code, cases[i].enhanced, cases[i].text);
		ck_assert_msg(strstr(english, cases[i].english) != NULL, "%zu: %s", i, english);
		ck_assert_msg(strstr(japanese, cases[i].japanese) != NULL, "%zu: %s", i, japanese);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notice_words");
	TCase *all = tcase_create("all");
	tcase_add_loop_test(all, each_language_has_all_texts, 0, CONFIG_LANGUAGE_COUNT);
	tcase_add_test(all, advice_where_we_lack_a_password);
	tcase_add_test(all, advice_by_words);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
