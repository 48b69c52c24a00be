/* The blocks of the configuration that a job of SMTP names: unknown ones, those in trouble, and those that need an
 * access token. */
#include "delivery/smtp_jobs.h"

#include "common/base/clock.h"
#include "common/ipc/tokens.h"
#include "t/unit/smtp_pool_fixture.h"

static char usual[] = "virtual_server", broken[] = "remote_domain broken.test", unreadable[] = "connector unreadable",
	    no_ca[] = "tls_ca can't be read", no_password[] = "password_file can't be read";
static char token[] = "connector token", mailbox[] = "relay@example.com";
static struct security blocks[] = {
	{.name = usual},
	{.name = broken, .trouble = no_ca},
	{.name = unreadable, .user_trouble = no_password},
	{.name = token,
	 .user_name = token,
	 .outbound = {.auth = CONFIG_AUTH_XOAUTH2, .username = mailbox, .auth_unverified = true},
	 .identity = 7}};
static const struct securities securities = {blocks, 4};

/* A block that this process does not know: no verdict, and the link ends. */
START_TEST(other_configuration)
{
	static const struct {
		const char *security, *credentials;
	} unknown[] = {{"remote_domain new.test", ""}, {"virtual_server", "connector new"}, {"", ""}};
	uint16_t port;
	int listener = listen_here(&port);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		struct fixture f;
		uint64_t number;
		set_up(&f, 1);
		int job_link = receive_worker(&f, &number);
		send_job_of(&f, job_link, port, unknown[i].security, unknown[i].credentials);
		expect_end(&f, job_link);
		ck_assert_int_lt(recv(f.verdicts[1], f.buffer, sizeof(f.buffer), MSG_DONTWAIT), 0);
		tear_down(&f, true);
	}
	close(listener);
}
END_TEST

/* An unusable file of a block delays its mail and gives the reason; no host is contacted. */
START_TEST(blocks_in_trouble)
{
	static const struct {
		const char *security, *credentials, *text;
	} cases[] = {{"remote_domain broken.test", "virtual_server", "tls_ca can't be read"},
		     {"virtual_server", "connector unreadable", "password_file can't be read"}};
	struct fixture f;
	uint64_t number;
	uint16_t port;
	int listener = listen_here(&port);
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	for (size_t i = 0; i < 2; i++) {
		send_job_of(&f, job_link, port, cases[i].security, cases[i].credentials);
		struct wire_verdict v = receive_verdict(&f);
		ck_assert(v.event == JOURNAL_DELAYED && v.last_of_job && !v.connected && !v.host.len);
		ck_assert(span_equal(v.enhanced, SPAN("4.3.5")) && span_equal(v.text, span_of(cases[i].text)));
	}
	struct pollfd pfd = {.fd = listener, .events = POLLIN};
	ck_assert_int_eq(poll(&pfd, 1, 0), 0);
	/* Mail that needs no password is not affected. */
	send_job_of(&f, job_link, port, "connector unreadable", "");
	int peer = take_first(listener);
	expect_delivered(&f, number);
	close(peer);
	close(listener);
	close(job_link);
	tear_down(&f, true);
}
END_TEST

/* --- access tokens --- */

static struct tokens *make_page(void)
{
	int write_fd, read_fd;
	ck_assert_int_eq(tokens_create(&write_fd, &read_fd), 0);
	struct tokens *page = tokens_map_writable(write_fd);
	blocks[3].tokens = tokens_map(read_fd);
	ck_assert(page && blocks[3].tokens);
	close(write_fd);
	close(read_fd);
	return page;
}

static void put_token(struct tokens *page, uint64_t serial, int64_t left_ms)
{
	const struct token t = {.identity = 7,
				.serial = serial,
				.until_ms = clock_wall_ms() + left_ms,
				.length = left_ms ? 1 : 0,
				.octets = "t",
				.why = "the issuer is away"};
	tokens_write(page, 3, &t);
}

static int greet(int listener)
{
	int peer = accept(listener, NULL, NULL);
	say(peer, "220 hi\r\n");
	expect_text(peer, "EHLO relay.example.com\r\n");
	say(peer, "250-mx\r\n250 AUTH XOAUTH2\r\n");
	expect_text(peer, "AUTH XOAUTH2 dXNlcj1yZWxheUBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB0AQE=\r\n");
	return peer;
}

static void expect_delayed(struct fixture *f, const char *enhanced, const char *text)
{
	struct wire_verdict v = receive_verdict(f);
	ck_assert(v.event == JOURNAL_DELAYED && v.last_of_job && !v.connected);
	ck_assert(span_equal(v.enhanced, span_of(enhanced)) && span_starts(v.text, span_of(text)));
}

/* No host hears of mail that waits for a token; the worker sees each change of the page. */
START_TEST(waits_for_a_token)
{
	struct fixture f;
	uint64_t number;
	uint16_t port;
	struct tokens *page = make_page();
	int listener = listen_here(&port);
	struct pollfd pfd = {.fd = listener, .events = POLLIN};
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	send_job_of(&f, job_link, port, "virtual_server", token);
	expect_delayed(&f, "4.7.0", "no access token for connector token: mailroot-web has not fetched one yet");
	put_token(page, 0, 0);
	send_job_of(&f, job_link, port, "virtual_server", token);
	expect_delayed(&f, "4.7.0", "no access token for connector token: the issuer is away (set in ");
	put_token(page, 1, TOKENS_LEAST_MS / 2);
	send_job_of(&f, job_link, port, "virtual_server", token);
	expect_delayed(&f, "4.7.0", "no access token for connector token: ");
	ck_assert_int_eq(poll(&pfd, 1, 0), 0);
	int next = receive_worker(&f, &number);
	put_token(page, 2, 3600 * 1000);
	send_job_of(&f, next, port, "virtual_server", token);
	int peer = greet(listener);
	say(peer, "235 welcome\r\n");
	expect_text(peer, "MAIL FROM:<a@example.com>\r\n");
	close(peer);
	close(job_link);
	close(next);
	close(listener);
	tear_down(&f, true);
}
END_TEST

/* The worker reports a refused token to mailroot-web with its serial, if the socket has room. The verdict never waits
 * for that. */
START_TEST(tells_of_a_refused_token)
{
	struct fixture f;
	struct wire_token_refused refused;
	uint64_t number;
	uint16_t port;
	struct tokens *page = make_page();
	int listener = listen_here(&port);
	put_token(page, 41, 3600 * 1000);
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	for (int full = 0; full < 2; full++) {
		while (full && send(f.tokens[0], "x", 1, MSG_DONTWAIT) == 1)
			;
		send_job_of(&f, job_link, port, "virtual_server", token);
		int peer = greet(listener);
		put_token(page, 42, 3600 * 1000); /* a new one, meanwhile */
		say(peer, "535 5.7.3 no\r\n");
		expect_delayed(&f, "4.7.8", "the host refused the access token of connector token: 535 5.7.3 no; ");
		close(peer);
		put_token(page, 41, 3600 * 1000);
		if (full)
			continue;
		receive(&f, f.tokens[1]);
		ck_assert(wire_admit(WIRE_LINK_tokens, WIRE_UP, f.packet.text));
		ck_assert(wire_decode_token_refused(f.packet.text, &refused));
		ck_assert(refused.identity == 7 && refused.serial == 41);
	}
	close(job_link);
	close(listener);
	tear_down(&f, true);
}
END_TEST

/* A reply that does not refuse the token is not reported to mailroot-web. */
START_TEST(tells_of_no_other_reply)
{
	static const char *const replies[] = {"454 4.7.0 later\r\n", "421 4.3.2 bye\r\n", "504 5.5.4 what?\r\n"};
	struct fixture f;
	uint64_t number;
	uint16_t port;
	put_token(make_page(), 41, 3600 * 1000);
	int listener = listen_here(&port);
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	for (size_t i = 0; i < 3; i++) {
		send_job_of(&f, job_link, port, "virtual_server", token);
		int peer = greet(listener);
		say(peer, replies[i]);
		ck_assert_uint_eq(receive_verdict(&f).event, JOURNAL_DELAYED);
		close(peer);
	}
	close(job_link);
	tear_down(&f, true);
	ck_assert_int_lt(recv(f.tokens[1], f.buffer, sizeof(f.buffer), MSG_DONTWAIT), 0);
	close(listener);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("delivery_smtp_jobs");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, other_configuration);
	tcase_add_test(all, blocks_in_trouble);
	tcase_add_test(all, waits_for_a_token);
	tcase_add_test(all, tells_of_a_refused_token);
	tcase_add_test(all, tells_of_no_other_reply);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
