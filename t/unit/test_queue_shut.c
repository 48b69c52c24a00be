/* A next hop that refuses our password, or whose password can't be read, is left alone until it may be corrected. */
#include "t/unit/queue_fixture.h"
#include "t/unit/suite.h"

enum { MAIL = 4 };

static char id[MSGID_LEN + 1];

static void setup(void)
{
	fixture_open("smart_host [192.0.2.1]\n remote_domain two.test { route [192.0.2.2] }");
}

/* The verdict of a worker for a whole job that failed before MAIL. */
static void refuse(struct hand *w, unsigned code, const char *enhanced, const char *host)
{
	const struct wire_verdict verdict = {.id = span_of(id),
					     .worker = w->number,
					     .event = JOURNAL_DELAYED,
					     .code = code,
					     .enhanced = span_of(enhanced),
					     .host = span_of(host),
					     .text = SPAN("no"),
					     .last_of_job = true};
	send_verdict(&verdict);
	let_go(w);
	turn();
}

static bool given(struct hand *w)
{
	struct wire_job_smtp job;
	struct span text;
	if (next_job(w, &text) != WIRE_job_smtp)
		return false;
	ck_assert(wire_decode_job_smtp(text, &job) && span_copy(job.id, id, sizeof(id)));
	return true;
}

static unsigned tries(struct hand *w, int64_t ms, unsigned code, const char *enhanced, const char *host)
{
	unsigned count = 0;
	for (int64_t at = 0; at < ms; at += 500) {
		while (given(w)) {
			refuse(w, code, enhanced, host);
			count++;
		}
		pass(500);
	}
	return count;
}

static const struct {
	unsigned code;
	const char *enhanced, *host;
	unsigned most; /* attempts in an hour */
} cases[] = {
	{535, "4.7.8", "host.test[192.0.2.1]:587", 13},
	{534, "4.7.8", "host.test[192.0.2.1]:587", 13},
	{530, "4.7.8", "host.test[192.0.2.1]:587", 13},
	{538, "4.7.8", "host.test[192.0.2.1]:587", 13},
	{504, "4.7.8", "host.test[192.0.2.1]:587", 13},
	{550, "4.7.8", "host.test[192.0.2.1]:587", 13},
	{0, "4.3.5", "", 13},
	{0, "4.7.0", "", 13},                           /* no access token */
	{454, "4.7.0", "host.test[192.0.2.1]:587", 25}, /* temporary: 1 s, 2 s, 4 s ... 5 min */
	{0, "4.4.1", "host.test[192.0.2.1]:587", 25},
};

/* It does not depend on the number of waiting messages, and other next hops are not affected. */
START_TEST(is_left_alone)
{
	struct wire_job_smtp job;
	char other[MSGID_LEN + 1];
	struct hand *w = hire(&f.loop.queue.delivery);
	for (int i = 0; i < 50; i++)
		accept_message(id, 0, "app@example.net", "a@one.test");
	unsigned count = tries(w, HOUR, cases[_i].code, cases[_i].enhanced, cases[_i].host);
	ck_assert_msg(count >= 2 && count <= cases[_i].most, "%u tries", count);
	ck_assert_uint_eq(f.loop.queue.messages.counts[MESSAGE_WAITING], 50);
	accept_message(other, 0, "app@example.net", "a@two.test");
	expect_smtp(w, &job);
	ck_assert(span_equal(job.id, span_of(other)));
	ck_assert(span_starts(job.written, SPAN("remote_domain two.test (route in ")));
	report(w, other, 0, 0, JOURNAL_DELIVERED, 250, true);
	dismiss(w);
}
END_TEST

/* A key of DKIM is missing, so the worker has connected to no host. */
START_TEST(mail_that_cannot_be_signed_waits_alone)
{
	static const char *const enhanced[] = {"4.3.5", "4.3.0"};
	struct hand *w = hire(&f.loop.queue.delivery);
	for (int i = 0; i < 3; i++)
		accept_message(id, 0, "app@example.net", "a@one.test");
	for (int i = 0; i < 3; i++) {
		ck_assert(given(w));
		refuse(w, 451, enhanced[i % 2], "");
	}
	ck_assert(!given(w));
	dismiss(w);
}
END_TEST

/* A greylisted or temporarily refused recipient: the host does not refuse us. */
START_TEST(replies_about_mail_do_not_count)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	static const unsigned codes[] = {450, 451, 452};
	for (int i = 0; i < 3; i++) {
		accept_message(id, 0, "app@example.net", "a@one.test");
		expect_smtp(w, &job);
		report(w, id, 0, 0, JOURNAL_DELAYED, codes[i], true);
		ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	}
	dismiss(w);
}
END_TEST

/* A host may require a password for some recipients only: other mail is sent. A broken connection is a normal
 * failure. */
START_TEST(a_recipient_that_wants_a_password)
{
	static const unsigned codes[] = {530, 534, 535, 538};
	struct hand *w = hire(&f.loop.queue.delivery);
	for (int i = 0; i < 8; i++) {
		accept_message(id, 0, "app@example.net", "a@one.test");
		ck_assert(given(w));
		const struct wire_verdict verdict = {.id = span_of(id),
						     .worker = w->number,
						     .event = JOURNAL_DELAYED,
						     .code = codes[i / 2],
						     .enhanced = SPAN("4.7.1"),
						     .host = SPAN("host.test[192.0.2.1]:587"),
						     .text = SPAN("no"),
						     .last_of_job = true,
						     .reached = i % 2 ? SPAN("") : SPAN("192.0.2.1 587")};
		send_verdict(&verdict);
		let_go(w);
		turn();
		ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
		if (i % 2)
			pass(2000);
	}
	accept_message(id, 0, "app@example.net", "b@one.test");
	ck_assert(given(w));
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	dismiss(w);
}
END_TEST

/* The administrator corrected the password: new clients start, one message is tried, and the others follow. */
START_TEST(new_clients_try_again)
{
	int ends[2];
	struct hand *w = hire(&f.loop.queue.delivery);
	for (int i = 0; i < MAIL; i++)
		accept_message(id, 0, "app@example.net", "a@one.test");
	ck_assert_uint_eq(tries(w, 1000, 535, "4.7.8", "host.test[192.0.2.1]:587"), 1);
	ck_assert_uint_eq(tries(w, MINUTE, 535, "4.7.8", "host.test[192.0.2.1]:587"), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	links_attach(&f.loop.queue, &f.loop.queue.delivery, ends[0]);
	turn();
	for (int i = 0; i < MAIL; i++) {
		ck_assert(given(w));
		report(w, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	}
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	close(ends[1]);
	dismiss(w);
}
END_TEST

/* The password is still wrong: one attempt, and the next hop is left alone again. */
START_TEST(new_clients_with_the_old_password)
{
	int ends[2];
	struct hand *w = hire(&f.loop.queue.delivery);
	for (int i = 0; i < MAIL; i++)
		accept_message(id, 0, "app@example.net", "a@one.test");
	tries(w, MINUTE, 535, "4.7.8", "host.test[192.0.2.1]:587");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	links_attach(&f.loop.queue, &f.loop.queue.delivery, ends[0]);
	turn();
	ck_assert_uint_eq(tries(w, MINUTE, 535, "4.7.8", "host.test[192.0.2.1]:587"), 1);
	close(ends[1]);
	dismiss(w);
}
END_TEST

/* --- access tokens --- */

#define TOKEN "tls verify; auth xoauth2; username u@x.test; oauth { provider microsoft365; tenant x.test; client_id i; "

static void setup_tokens(void)
{
	fixture_open("connector one { address_space one.test; route [192.0.2.1]; outbound { " TOKEN
		     "client_secret_file /s } } }\n"
		     "delivery { expire 1d; delay_notice 1d }\n"
		     "connector two { address_space two.test; route [192.0.2.2]; outbound { " TOKEN
		     "client_secret_file /s } } }\n");
}

static void say(struct span packet)
{
	ck_assert_int_eq(ipc_send(f.arrivals[1], packet, NULL, 0), 0);
}

static void say_ready(const char *block)
{
	const struct wire_credentials_ready ready = {.security = span_of(block)};
	struct str packet;
	str_init(&packet, 1000);
	ck_assert(wire_encode_credentials_ready(&ready, &packet));
	say(str_span(&packet));
	str_free(&packet);
	turn();
}

static void wait_for_token(struct hand *w, int mail, const char *rcpt)
{
	for (int i = 0; i < mail; i++)
		accept_message(id, 0, "app@example.net", rcpt);
	ck_assert_uint_eq(tries(w, MINUTE, 0, "4.7.0", ""), 1);
	ck_assert_uint_eq(f.loop.queue.messages.counts[MESSAGE_WAITING], (size_t)mail);
}

/* However long it took; all of it goes at once, as far as the window allows. */
START_TEST(a_token_has_come)
{
	struct hand *w = hire(&f.loop.queue.delivery);
	wait_for_token(w, MAIL, "a@one.test");
	tries(w, 6 * HOUR, 0, "4.7.0", "");
	ck_assert_uint_eq(f.loop.queue.messages.counts[MESSAGE_WAITING], MAIL);
	say_ready("connector one");
	for (int i = 0; i < MAIL; i++) {
		ck_assert(given(w));
		report(w, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	}
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	dismiss(w);
}
END_TEST

/* One message tries; when there is no token after all, it was the only one. */
START_TEST(a_token_that_is_gone_again)
{
	struct hand *w = hire(&f.loop.queue.delivery);
	wait_for_token(w, MAIL, "a@one.test");
	for (int i = 0; i < 5; i++) {
		say_ready("connector one");
		ck_assert_uint_eq(tries(w, MINUTE, 0, "4.7.0", ""), 1);
		ck_assert_uint_eq(f.loop.queue.messages.counts[MESSAGE_WAITING], MAIL);
	}
	dismiss(w);
}
END_TEST

/* Another block, none at all, and what no mailroot-web says. */
START_TEST(signs_that_mean_nothing_here)
{
	static const char *const blocks[] = {"connector two", "connector onetwo", "connector", "virtual_server", "",
					     "one",           "connector one "};
	struct hand *w = hire(&f.loop.queue.delivery);
	wait_for_token(w, MAIL, "a@one.test");
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		say_ready(blocks[i]);
		ck_assert_msg(tries(w, 1000, 0, "4.7.0", "") == 0, "%s", blocks[i]);
	}
	dismiss(w);
}
END_TEST

/* The token came while a worker held a job and had found none: its word is not the latest. */
START_TEST(a_refusal_on_its_way)
{
	static const char *const enhanced[] = {"4.7.0", "4.7.8"};
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "a@one.test");
	ck_assert(given(w));
	say_ready("connector one");
	refuse(w, _i ? 535 : 0, enhanced[_i], _i ? "host.test[192.0.2.1]:587" : "");
	ck_assert(!given(w));
	pass(1000);
	ck_assert(given(w));
	/* That was it: the next refusal counts. */
	refuse(w, _i ? 535 : 0, enhanced[_i], _i ? "host.test[192.0.2.1]:587" : "");
	ck_assert_uint_eq(tries(w, MINUTE, 0, "4.7.0", ""), 0);
	dismiss(w);
}
END_TEST

/* What such a worker delivered is delivered. */
START_TEST(a_delivery_on_its_way)
{
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 0, "app@example.net", "a@one.test");
	ck_assert(given(w));
	say_ready("connector one");
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	dismiss(w);
}
END_TEST

/* It does not wait for ever, but as long as any mail: then its sender is told why. */
START_TEST(no_token_before_it_expires)
{
	struct hand *w = hire(&f.loop.queue.delivery);
	wait_for_token(w, 1, "a@one.test");
	const int64_t expire = queue_server(&f.loop.queue)->delivery.expire;
	tries(w, expire - HOUR, 0, "4.7.0", "");
	ck_assert_uint_eq(f.loop.queue.messages.counts[MESSAGE_WAITING], 1);
	say_ready("connector one");
	ck_assert(given(w));
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	dismiss(w);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue_shut");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, fixture_close);
	tcase_add_loop_test(all, is_left_alone, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(all, mail_that_cannot_be_signed_waits_alone);
	tcase_add_test(all, replies_about_mail_do_not_count);
	tcase_add_test(all, a_recipient_that_wants_a_password);
	tcase_add_test(all, new_clients_try_again);
	tcase_add_test(all, new_clients_with_the_old_password);
	suite_add_tcase(suite, all);
	TCase *tokens = tcase_create("tokens");
	tcase_set_timeout(tokens, 60);
	tcase_add_checked_fixture(tokens, setup_tokens, fixture_close);
	tcase_add_test(tokens, a_token_has_come);
	tcase_add_test(tokens, a_token_that_is_gone_again);
	tcase_add_test(tokens, signs_that_mean_nothing_here);
	tcase_add_loop_test(tokens, a_refusal_on_its_way, 0, 2);
	tcase_add_test(tokens, a_delivery_on_its_way);
	tcase_add_test(tokens, no_token_before_it_expires);
	suite_add_tcase(suite, tokens);
	return suite_run(suite);
}
