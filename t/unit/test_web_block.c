/*
 * One block with an access token: what stands on the page after each answer, and that no access token is used before
 * the refresh token that came with it is on disk. No request leaves: the answers are given by hand.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/ipc/ipc.h"
#include "delivery/web/expiry.h"
#include "delivery/web/report.h"
#include "t/unit/web_fixture.h"

static enum block_news told;
static unsigned tellings;

static void tell(void *context, struct block *b, enum block_news news, const struct answer_token *token,
		 const struct answer_device *device)
{
	(void)context, (void)b, (void)token, (void)device;
	told = news;
	tellings++;
}

static void setup(void)
{
	fixture_open("/tmp");
	web.tell = tell;
	tellings = 0;
}

static void answer(long status, const char *body, enum grant_request to)
{
	const struct fetch_result result = {.status = status, .body = span_of(body), .why = "no route to host"};
	grant_asked(&block.grant, to, block_now());
	block_on_token(&block, &result);
}

static bool on_page(void)
{
	ck_assert(tokens_read(web.page, block.identity, &page));
	return token_usable(&page, block_now().wall);
}

static bool queue_was_told(void)
{
	char buffer[WIRE_PACKET_MAX];
	struct ipc_packet packet;
	struct wire_credentials_ready ready;
	block.grant.next_mono = GRANT_NEVER; /* what is due is not asked here */
	block_tend(&block);
	if (ipc_receive(queue[1], buffer, sizeof(buffer), MSG_DONTWAIT, &packet))
		return false;
	ck_assert(wire_decode_credentials_ready(packet.text, &ready));
	ck_assert(span_equal(ready.security, SPAN("connector cloud")));
	return true;
}

#define TOKEN(token) "{\"token_type\":\"Bearer\",\"access_token\":\"" token "\"}"
#define BOTH(token, refresh)                                                                                           \
	"{\"token_type\":\"Bearer\",\"access_token\":\"" token "\",\"refresh_token\":\"" refresh "\"}"

START_TEST(a_token_stands_on_the_page_and_the_queue_is_told)
{
	load(CONFIG_GRANT_CLIENT_CREDENTIALS);
	ck_assert(!on_page());
	ck_assert_str_eq(page.why, "the first access token is being fetched");
	answer(200, TOKEN("one"), GRANT_ASK_TOKEN);
	ck_assert(on_page());
	ck_assert_str_eq(page.octets, "one");
	ck_assert_int_eq(told, BLOCK_TOKEN);
	ck_assert(queue_was_told());
	answer(200, TOKEN("two"), GRANT_ASK_TOKEN);
	ck_assert(on_page());
	ck_assert_str_eq(page.octets, "two");
	ck_assert(!queue_was_told());
}
END_TEST

START_TEST(a_failure_leaves_the_token_and_says_why)
{
	load(CONFIG_GRANT_CLIENT_CREDENTIALS);
	answer(200, TOKEN("one"), GRANT_ASK_TOKEN);
	answer(0, "", GRANT_ASK_TOKEN);
	ck_assert(on_page());
	ck_assert_str_eq(page.octets, "one");
	ck_assert_str_eq(page.why, "no route to host");
	answer(400, "{\"error\":\"invalid_client\",\"error_codes\":[7000222]}", GRANT_ASK_TOKEN);
	ck_assert(on_page());
	ck_assert_ptr_nonnull(strstr(page.why, "the client secret has expired"));
	ck_assert_int_eq(told, BLOCK_FAILED);
}
END_TEST

START_TEST(a_refused_token_is_told_once_it_is_replaced)
{
	load(CONFIG_GRANT_CLIENT_CREDENTIALS);
	answer(200, TOKEN("one"), GRANT_ASK_TOKEN);
	ck_assert(queue_was_told());
	block_refused(&block, block.serial + 2);
	ck_assert(!block.was_refused);
	block_refused(&block, block.serial);
	ck_assert(block.was_refused);
	answer(200, TOKEN("two"), GRANT_ASK_TOKEN);
	ck_assert(queue_was_told());
}
END_TEST

START_TEST(a_refresh_token_is_on_disk_first)
{
	char stored[ANSWER_REFRESH_MAX + 1];
	load(CONFIG_GRANT_REFRESH);
	ck_assert(!on_page());
	ck_assert_ptr_nonnull(strstr(page.why, "somebody must sign in"));
	web.folder = -1; /* a disk that fails */
	answer(200, BOTH("one", "R1"), GRANT_ASK_POLL);
	ck_assert(!on_page());
	ck_assert_ptr_nonnull(strstr(page.why, "can't store the refresh token"));
	ck_assert_uint_eq(tellings, 0);
	ck_assert_int_eq(grant_due(&block.grant, block_now()), GRANT_ASK_NOTHING);
	block_save(&block);
	ck_assert(!on_page());
	web.folder = folder;
	block_save(&block);
	ck_assert(on_page());
	ck_assert_str_eq(page.octets, "one");
	ck_assert_int_eq(store_load(folder, "connector cloud", block.identity, stored), 0);
	ck_assert_str_eq(stored, "R1");
	ck_assert_int_eq(told, BLOCK_TOKEN);
}
END_TEST

START_TEST(a_sign_in_without_a_refresh_token_is_none)
{
	load(CONFIG_GRANT_REFRESH);
	answer(200, TOKEN("one"), GRANT_ASK_POLL);
	ck_assert(!on_page());
	ck_assert_int_eq(told, BLOCK_NO_SIGN_IN);
	ck_assert_ptr_nonnull(strstr(block.error, "offline_access"));
}
END_TEST

START_TEST(a_new_process_takes_over)
{
	load(CONFIG_GRANT_REFRESH);
	answer(200, BOTH("one", "R1"), GRANT_ASK_POLL);
	uint64_t serial = block.serial;
	block_free(&block);
	load(CONFIG_GRANT_REFRESH);
	ck_assert_str_eq(block.refresh, "R1");
	ck_assert_uint_eq(block.serial, serial);
	ck_assert(on_page());
	ck_assert_int_eq(grant_state(&block.grant, block_now()), GRANT_VALID);
	ck_assert(queue_was_told()); /* perhaps once more */
}
END_TEST

START_TEST(a_redirect_is_said)
{
	load(CONFIG_GRANT_CLIENT_CREDENTIALS);
	answer(302, "", GRANT_ASK_TOKEN);
	ck_assert(!on_page());
	ck_assert_ptr_nonnull(strstr(page.why, "a redirect"));
}
END_TEST

START_TEST(trouble_has_place_and_remedy)
{
	struct str text;
	str_init(&text, 2000);
	load(CONFIG_GRANT_REFRESH);
	report_append(&block, &text);
	ck_assert_str_eq(str_text(&text), "mail waits: connector cloud: somebody must sign in: mailrootctl oauth login "
					  "connector cloud (default:0)\n");
	str_free(&text);
}
END_TEST

enum { DAY = 86400, END = 1809129600 /* 2027-05-01 */ };

static const struct {
	int64_t now;
	const char *words;
} expiries[] = {
	{END - 31 * DAY, ""},
	{END - 30 * DAY, "s expires within 30 days (2027-05-01): r (p)\n"},
	{END - 8 * DAY, "s expires within 30 days (2027-05-01): r (p)\n"},
	{END - 7 * DAY, "s expires within 7 days (2027-05-01): r (p)\n"},
	{END - DAY, "s expires within a day (2027-05-01): r (p)\n"},
	{END, "s has expired (2027-05-01): r (p)\n"},
	{END + DAY, "s has expired (2027-05-01): r (p)\n"},
};

START_TEST(an_end_is_told_before_it_comes)
{
	struct str text;
	str_init(&text, 2000);
	expiry_append(END, expiries[_i].now, "s", "r", "p", &text);
	ck_assert_str_eq(str_text(&text), expiries[_i].words);
	str_clear(&text);
	expiry_append(0, expiries[_i].now, "s", "r", "p", &text);
	ck_assert_str_eq(str_text(&text), "");
	str_free(&text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("web_block");
	TCase *tcase = tcase_create("block"), *ends = tcase_create("ends");
	tcase_add_checked_fixture(tcase, setup, fixture_close);
	tcase_add_test(tcase, a_token_stands_on_the_page_and_the_queue_is_told);
	tcase_add_test(tcase, a_failure_leaves_the_token_and_says_why);
	tcase_add_test(tcase, a_refused_token_is_told_once_it_is_replaced);
	tcase_add_test(tcase, a_refresh_token_is_on_disk_first);
	tcase_add_test(tcase, a_sign_in_without_a_refresh_token_is_none);
	tcase_add_test(tcase, a_new_process_takes_over);
	tcase_add_test(tcase, a_redirect_is_said);
	tcase_add_test(tcase, trouble_has_place_and_remedy);
	tcase_add_loop_test(ends, an_end_is_told_before_it_comes, 0, (int)(sizeof(expiries) / sizeof(*expiries)));
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, ends);
	return suite_run(suite);
}
