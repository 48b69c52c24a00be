/* The pool of SMTP clients as a process. The test is its master, its queue, and the host that takes the mail. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "common/base/clock.h"
#include "common/ipc/hosts.h"
#include "common/ipc/tokens.h"
#include "delivery/auth/security.h"
#include "delivery/smtp_jobs.h"
#include "t/unit/pool_fixture.h"

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
static const struct pool_kind kind = {.role = CHILD_DELIVERY,
				      .link = CHILD_LINK_DELIVERY,
				      .jobs = WIRE_LINK_job_delivery,
				      .work = smtp_jobs_work,
				      .context = &securities};

static int listen_here(uint16_t *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 5) == 0);
	ck_assert(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static void send_job_of(struct fixture *f, int job_link, uint16_t port, const char *security, const char *credentials)
{
	struct str hosts;
	struct ipaddr ip;
	int fd = message();
	str_init(&hosts, 1000);
	ipaddr_parse(SPAN("127.0.0.1"), &ip);
	hosts_append(&hosts, &(struct host){.name = SPAN("mx"), .ip = ip, .port = port});
	struct wire_job_smtp job = {.id = span_of(id),
				    .destination = SPAN("mx"),
				    .security = span_of(security),
				    .credentials = span_of(credentials),
				    .hosts = str_span(&hosts),
				    .size = sizeof(HEAD BODY) - 1,
				    .timeout_ms = 10000};
	send_packet(f, job_link, wire_encode_job_smtp(&job, &f->out), &fd, 1);
	str_free(&hosts);
	close(fd);
}

static void send_job(struct fixture *f, int job_link, uint16_t port)
{
	send_job_of(f, job_link, port, "virtual_server", "");
}

static void expect_text(int peer, const char *text)
{
	char seen[1000] = "";
	size_t want = strlen(text), have = 0;
	while (have < want) {
		ssize_t n = recv(peer, seen + have, want - have, 0);
		ck_assert_int_gt(n, 0);
		have += (size_t)n;
	}
	ck_assert_str_eq(seen, text);
}

static void say(int peer, const char *text)
{
	ck_assert_int_eq(send(peer, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

static void take_message(int peer)
{
	expect_text(peer, "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n");
	say(peer, "250 ok\r\n250 ok\r\n354 go\r\n");
	expect_text(peer, BODY ".\r\n");
	say(peer, "250 taken\r\n");
}

static int take_first(int listener)
{
	int peer = accept(listener, NULL, NULL);
	say(peer, "220 hi\r\n");
	expect_text(peer, "EHLO relay.example.com\r\n");
	say(peer, "250-mx\r\n250 PIPELINING\r\n");
	take_message(peer);
	return peer;
}

static void expect_delivered(struct fixture *f, uint64_t number)
{
	struct wire_verdict v = receive_verdict(f);
	ck_assert(v.event == JOURNAL_DELIVERED && v.worker == number && v.last_of_job && v.connected);
}

/* Two messages over one connection. Without further work the worker sends QUIT and tells the queue. */
START_TEST(serves_and_idles)
{
	struct fixture f;
	struct wire_idle idle;
	uint64_t number;
	uint16_t port;
	int listener = listen_here(&port);
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	send_job(&f, job_link, port);
	int peer = take_first(listener);
	expect_delivered(&f, number);
	send_job(&f, job_link, port);
	take_message(peer);
	expect_delivered(&f, number);
	expect_text(peer, "QUIT\r\n");
	receive(&f, job_link);
	ck_assert(wire_decode_idle(f.packet.text, &idle) && idle.worker == number);
	close(peer);
	close(listener);
	close(job_link);
	tear_down(&f, true);
}
END_TEST

/* The host closes the idle connection: the queue is told at once. */
START_TEST(host_closes)
{
	struct fixture f;
	struct wire_idle idle;
	uint64_t number;
	uint16_t port;
	int listener = listen_here(&port);
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	send_job(&f, job_link, port);
	int peer = take_first(listener);
	expect_delivered(&f, number);
	close(peer);
	receive(&f, job_link);
	ck_assert(wire_decode_idle(f.packet.text, &idle));
	close(listener);
	close(job_link);
	tear_down(&f, false);
}
END_TEST

/* After its number of jobs a worker finishes the jobs that it already has, and ends; another takes its place. */
START_TEST(retires)
{
	struct fixture f;
	uint64_t number, next;
	uint16_t port;
	int listener = listen_here(&port);
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	for (int i = 0; i < 4; i++)
		send_job(&f, job_link, port);
	int peer = take_first(listener);
	for (int i = 1; i < 4; i++)
		take_message(peer);
	for (int i = 0; i < 4; i++)
		expect_delivered(&f, number);
	expect_text(peer, "QUIT\r\n");
	expect_end(&f, job_link);
	close(receive_worker(&f, &next));
	ck_assert_uint_ne(next, number);
	close(peer);
	close(listener);
	tear_down(&f, true);
}
END_TEST

/* want_workers raises the number up to max. A new queue gets new workers, and those of the old queue end. */
START_TEST(wanted_and_restarted)
{
	struct fixture f;
	struct wire_want_workers want = {100};
	uint64_t numbers[6];
	int links[6];
	set_up(&f, 2);
	links[0] = receive_worker(&f, &numbers[0]);
	links[1] = receive_worker(&f, &numbers[1]);
	send_packet(&f, f.link[0], wire_encode_want_workers(&want, &f.out), NULL, 0);
	for (int i = 2; i < 4; i++)
		links[i] = receive_worker(&f, &numbers[i]);
	close(f.link[0]);
	for (int i = 0; i < 4; i++)
		close(links[i]);
	attach(&f);
	for (int i = 4; i < 6; i++) {
		links[i] = receive_worker(&f, &numbers[i]);
		ck_assert_uint_gt(numbers[i], numbers[3]);
		close(links[i]);
	}
	tear_down(&f, true);
}
END_TEST

/* A job in progress is finished and reported even if master has ended and the queue has closed the job link. */
START_TEST(finishes_what_it_has)
{
	struct fixture f;
	uint64_t number;
	uint16_t port;
	int status, listener = listen_here(&port);
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	send_job(&f, job_link, port);
	int peer = accept(listener, NULL, NULL);
	close(job_link);
	close(f.control[0]);
	say(peer, "220 hi\r\n");
	expect_text(peer, "EHLO relay.example.com\r\n");
	say(peer, "250-mx\r\n250 PIPELINING\r\n");
	take_message(peer);
	expect_delivered(&f, number);
	ck_assert_int_eq(waitpid(f.pool, &status, 0), f.pool);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(peer);
	close(listener);
	ck_assert(rmdir(f.folder) == 0 && rmdir(f.base) == 0);
	str_free(&f.out);
}
END_TEST

/* A packet that is not a job, or not one for this role, ends the link. */
START_TEST(hostile_jobs)
{
	struct fixture f;
	uint64_t number;
	struct wire_job_copy copy = {.id = span_of(id), .folder = SPAN("/tmp"), .size = 1};
	int fd = message();
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	send_packet(&f, job_link, wire_encode_job_copy(&copy, &f.out), &fd, 1);
	expect_end(&f, job_link);
	job_link = receive_worker(&f, &number);
	str_append_text(&f.out, "junk");
	send_packet(&f, job_link, true, NULL, 0);
	expect_end(&f, job_link);
	job_link = receive_worker(&f, &number);
	struct wire_job_smtp smtp = {.id = span_of(id), .security = SPAN("virtual_server"), .size = 1};
	send_packet(&f, job_link, wire_encode_job_smtp(&smtp, &f.out), NULL, 0);
	expect_end(&f, job_link);
	close(fd);
	tear_down(&f, true);
}
END_TEST

/* A message that can't be read is reported as delayed, with a recipient of the job. */
START_TEST(unreadable_message)
{
	struct fixture f;
	uint64_t number;
	struct wire_job_smtp job = {
		.id = span_of(id), .security = SPAN("virtual_server"), .rcpts = {"\x08", 1}, .size = 10};
	int fds[] = {memfd_create("empty", 0), message()};
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	for (int i = 0; i < 2; i++) {
		send_packet(&f, job_link, wire_encode_job_smtp(&job, &f.out), &fds[i], 1);
		struct wire_verdict v = receive_verdict(&f);
		ck_assert(v.event == JOURNAL_DELAYED && v.first == 3 && v.last == 3 && v.last_of_job);
	}
	job.rcpts = (struct span){0};
	send_packet(&f, job_link, wire_encode_job_smtp(&job, &f.out), &fds[1], 1);
	ck_assert_uint_eq(receive_verdict(&f).event, JOURNAL_DELAYED);
	close(fds[0]);
	close(fds[1]);
	close(job_link);
	tear_down(&f, true);
}
END_TEST

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

/* Told to mailroot-web with the serial of the token, if there is room; the verdict never waits for that. */
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

/* What is no refusal of the token is none of mailroot-web's business. */
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
	Suite *suite = suite_create("pool");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, serves_and_idles);
	tcase_add_test(all, host_closes);
	tcase_add_test(all, retires);
	tcase_add_test(all, wanted_and_restarted);
	tcase_add_test(all, finishes_what_it_has);
	tcase_add_test(all, hostile_jobs);
	tcase_add_test(all, packets_for_others);
	tcase_add_test(all, unreadable_message);
	tcase_add_test(all, other_configuration);
	tcase_add_test(all, blocks_in_trouble);
	tcase_add_test(all, waits_for_a_token);
	tcase_add_test(all, tells_of_a_refused_token);
	tcase_add_test(all, tells_of_no_other_reply);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
