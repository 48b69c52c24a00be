/* ETRN and ATRN in a whole queue: mail waits without attempts, is sent at a request, and is sent over the connection
 * of the client. */
#include "queue/etrn/etrn_server.h"
#include "queue/model/atrn.h"
#include "queue/model/etrn_hold.h"

#include <poll.h>

#include "queue/etrn/atrn_server.h"
#include "t/unit/queue_fixture.h"

enum { DAY = 24 * HOUR };

static const char rules[] = "access { auth plain; auth_requires_tls no }\n"
			    "remote_domain branch.test { etrn yes; route [192.0.2.1]; expire 10d }\n"
			    "remote_domain *.branch.test { etrn yes; route [192.0.2.1] }\n"
			    "remote_domain dial.test { etrn yes; atrn_accounts alice }\n"
			    "remote_domain safe.test { etrn yes; atrn_accounts alice; outbound { tls encrypt } }\n"
			    "smart_host [192.0.2.9]\n"
			    "delivery { retry 1h; expire 2d }";

static char id[MSGID_LEN + 1], other[MSGID_LEN + 1];
static struct hand *hand, *second;

static void setup(void)
{
	fixture_open(rules);
	hand = hire(&f.loop.queue.delivery);
	second = hire(&f.loop.queue.delivery);
}

static void teardown(void)
{
	dismiss(hand);
	dismiss(second);
	fixture_close();
}

/* Sends a request on the arrivals link, with COUNT descriptors, which are closed here. Returns the socket for the
 * answer. */
static int ask(struct span packet, int stream)
{
	int answers[2];
	ck_assert_int_eq(ipc_pair(answers, 4096), 0);
	ck_assert_int_eq(ipc_send(f.arrivals[1], packet, (int[]){answers[1], stream}, stream >= 0 ? 2 : 1), 0);
	close(answers[1]);
	arrivals_receive(&f.loop);
	return answers[0];
}

static enum etrn_event hear(int fd, uint64_t *count)
{
	char buffer[64];
	struct ipc_packet packet;
	struct wire_etrn_answer answer;
	ck_assert_int_eq(ipc_receive(fd, buffer, sizeof(buffer), MSG_DONTWAIT, &packet), 0);
	ck_assert_msg(wire_decode_etrn_answer(packet.text, &answer), "no answer");
	*count = answer.count;
	return (enum etrn_event)answer.event;
}

static enum etrn_event etrn(const char *domain, bool below, uint64_t *count)
{
	const struct wire_etrn request = {.domain = span_of(domain), .below = below};
	struct str packet;
	str_init(&packet, 1024);
	ck_assert(wire_encode_etrn(&request, &packet));
	int fd = ask(str_span(&packet), -1);
	enum etrn_event event = hear(fd, count);
	close(fd);
	str_free(&packet);
	return event;
}

/* The connection of a client as smtpd offers it: our end, and the socket that smtpd keeps. */
static struct {
	int stream, claim;
} turned;

static enum etrn_event atrn(const char *domains, const char *user, bool tls, uint64_t *count)
{
	const struct wire_atrn request = {
		.domains = span_of(domains), .user = span_of(user), .client = SPAN("192.0.2.77"), .tls = tls};
	struct str packet;
	int ends[2];
	str_init(&packet, 4096);
	ck_assert(wire_encode_atrn(&request, &packet));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	turned.claim = ask(str_span(&packet), ends[1]);
	turned.stream = ends[0];
	close(ends[1]);
	str_free(&packet);
	return hear(turned.claim, count);
}

static void let_turned_go(void)
{
	fd_close(&turned.stream);
	fd_close(&turned.claim);
}

static bool closed(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};
	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLRDHUP));
}

static void mail_for(const char *rcpts)
{
	accept_message(id, 0, "app@example.net", rcpts);
}

static size_t waiting(void)
{
	return f.loop.queue.messages.counts[MESSAGE_WAITING];
}

START_TEST(test_waits_without_attempts)
{
	mail_for("user@branch.test");
	expect_nothing(hand);
	ck_assert_uint_eq(waiting(), 1);
	ck_assert(!exists(path_of("cur/%s.log", id)) && !known(id)->in_cur);
	pass(3 * DAY);
	expect_nothing(hand);
	ck_assert_msg(!exists(path_of("cur/%s.log", id)), "delivery expire and retry are not for this mail");
	ck_assert_uint_eq(known(id)->attempts, 0);
}
END_TEST

START_TEST(test_is_sent_at_a_request)
{
	struct wire_job_smtp job;
	uint64_t count;
	mail_for("user@branch.test");
	mail_for("user@branch.test");
	ck_assert_int_eq(etrn("other.test", false, &count), ETRN_REFUSED);
	ck_assert_int_eq(etrn("x.branch.test", false, &count), ETRN_NOTHING);
	expect_nothing(hand);
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_BEGUN);
	ck_assert_uint_eq(count, 2);
	struct hand *hands[] = {hand, second};
	for (int i = 0; i < 2; i++) {
		struct span text;
		ck_assert_int_eq(next_job(hands[i], &text), WIRE_job_smtp);
		ck_assert(wire_decode_job_smtp(text, &job));
		ck_assert(!job.turned);
		ck_assert(span_copy(job.id, id, sizeof(id)));
		report(hands[i], id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELIVERED, 250, true);
	}
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	pass(ETRN_AGAIN_MS);
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_NOTHING);
}
END_TEST

START_TEST(test_open_for_a_while)
{
	struct wire_job_smtp job;
	uint64_t count;
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_NOTHING);
	pass(ETRN_OPEN_MS / 2);
	mail_for("user@branch.test");
	expect_smtp(second, &job);
	report(second, id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELIVERED, 250, true);
	pass(ETRN_OPEN_MS);
	pass(ETRN_OPEN_MS);
	mail_for("user@branch.test");
	expect_nothing(hand);
	expect_nothing(second);
}
END_TEST

/* Mail that a host delays is not tried again in an endless loop: it waits for the next ETRN. */
START_TEST(test_each_message_once)
{
	struct wire_job_smtp job;
	uint64_t count;
	mail_for("user@branch.test");
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_BEGUN);
	expect_smtp(second, &job);
	report(second, id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELAYED, 450, true);
	for (int i = 0; i < 5; i++)
		pass(1000);
	expect_nothing(hand);
	expect_nothing(second);
	ck_assert_uint_eq(waiting(), 1);
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_UNDER_WAY);
	expect_nothing(second);
	pass(ETRN_AGAIN_MS);
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_BEGUN);
	expect_smtp(second, &job);
}
END_TEST

START_TEST(test_below)
{
	struct wire_job_smtp job;
	uint64_t count;
	mail_for("user@a.branch.test");
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_NOTHING);
	expect_nothing(second);
	pass(ETRN_AGAIN_MS);
	ck_assert_int_eq(etrn("branch.test", true, &count), ETRN_BEGUN);
	ck_assert_uint_eq(count, 1);
	expect_smtp(second, &job);
	ck_assert(span_find(job.destination, ' ') < job.destination.len);
}
END_TEST

START_TEST(test_expires_by_its_own_time)
{
	struct hand *local = hire(&f.loop.queue.local);
	struct span text;
	mail_for("user@branch.test");
	pass(10 * DAY - 1000);
	ck_assert_uint_eq(waiting(), 1);
	pass(2000);
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	ck_assert_ptr_nonnull(
		strstr(read_file(path_of("cur/%s.log", id)), "no ETRN or ATRN has requested the mail of branch.test"));
	dismiss(local);
}
END_TEST

/* One recipient is sent at once; its outcome is in the journal, because the other one waits. */
START_TEST(test_beside_others)
{
	struct wire_job_smtp job;
	uint64_t count;
	mail_for("a@elsewhere.test b@branch.test");
	expect_smtp(second, &job);
	ck_assert_int_ge(second->journal, 0);
	report(second, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	ck_assert_uint_eq(waiting(), 1);
	pass(2 * HOUR);
	expect_nothing(second);
	restart();
	turn();
	dismiss(hand);
	dismiss(second);
	hand = hire(&f.loop.queue.delivery);
	second = hire(&f.loop.queue.delivery);
	expect_nothing(second);
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_BEGUN);
	expect_smtp(second, &job);
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], 2);
}
END_TEST

START_TEST(test_for_two_domains_that_wait)
{
	struct wire_job_smtp job;
	uint64_t count;
	mail_for("a@branch.test b@x.branch.test");
	ck_assert_uint_eq(waiting(), 1);
	ck_assert_int_eq(etrn("x.branch.test", false, &count), ETRN_BEGUN);
	ck_assert_uint_eq(count, 0);
	expect_smtp(second, &job);
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], 2);
	report(second, id, 1, 1, JOURNAL_DELIVERED, 250, true);
	expect_nothing(second);
	pass(ETRN_AGAIN_MS);
	(void)etrn("branch.test", false, &count);
	/* The other recipient has another host. */
	expect_smtp(hand, &job);
	report(hand, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
}
END_TEST

/* However many requests come, there is one early attempt in ETRN_AGAIN_MS, and requests per second are bounded. */
START_TEST(test_flood)
{
	struct wire_job_smtp job;
	uint64_t count;
	unsigned later = 0;
	mail_for("user@branch.test");
	ck_assert_int_eq(etrn("branch.test", false, &count), ETRN_BEGUN);
	expect_smtp(second, &job);
	report(second, id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELAYED, 0, true);
	for (int i = 0; i < 2 * ETRN_A_SECOND; i++) {
		enum etrn_event event = etrn("branch.test", false, &count);
		later += event == ETRN_LATER;
		ck_assert(event == ETRN_LATER || event == ETRN_UNDER_WAY);
	}
	ck_assert_uint_eq(later, ETRN_A_SECOND + 1);
	expect_nothing(second);
	expect_nothing(hand);
}
END_TEST

START_TEST(test_hostile_packets)
{
	static const char *const wrong[] = {"", "@branch.test", "branch..test", "#x"};
	uint64_t count;
	int fds[2];
	struct str packet;
	str_init(&packet, 8192);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct wire_etrn request = {.domain = span_of(wrong[i])};
		str_clear(&packet);
		ck_assert(wire_encode_etrn(&request, &packet));
		int fd = ask(str_span(&packet), -1);
		ck_assert_msg(closed(fd), "its socket is not kept");
		close(fd);
	}
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	const struct wire_etrn good = {.domain = SPAN("branch.test")};
	str_clear(&packet);
	ck_assert(wire_encode_etrn(&good, &packet));
	ck_assert_int_eq(ipc_send(f.arrivals[1], str_span(&packet), &fds[1], 1), 0); /* no socket */
	ck_assert_int_eq(ipc_send(f.arrivals[1], str_span(&packet), (int[]){fds[1], fds[1], fds[1], fds[1]}, 4), 0);
	ck_assert_int_eq(ipc_send(f.arrivals[1], str_span(&packet), NULL, 0), 0);
	close(fds[1]);
	turn();
	ck_assert_msg(closed(fds[0]), "a descriptor is kept");
	close(fds[0]);
	str_free(&packet);
	mail_for("user@dial.test");
	ck_assert_int_eq(atrn("branch.test", "alice", true, &count), ETRN_REFUSED);
	let_turned_go();
	ck_assert_int_eq(atrn("dial.test", "mallory", true, &count), ETRN_REFUSED);
	ck_assert(closed(turned.stream));
	let_turned_go();
	ck_assert_int_eq(atrn("dial.test branch.test", "alice", true, &count), ETRN_REFUSED);
	let_turned_go();
	expect_nothing(second);
}
END_TEST

/* --- ATRN --- */

/* The stream of the job is the connection of the client: text passes between the two ends. */
static void is_our_stream(int fd)
{
	char octet;
	ck_assert_int_eq(send(turned.stream, "x", 1, MSG_NOSIGNAL), 1);
	ck_assert_int_eq(recv(fd, &octet, 1, MSG_DONTWAIT), 1);
	ck_assert_int_eq(octet, 'x');
}

START_TEST(test_fetch)
{
	struct wire_job_smtp job;
	uint64_t count;
	ck_assert_int_eq(atrn("dial.test", "alice", false, &count), ETRN_NOTHING);
	let_turned_go();
	mail_for("user@dial.test");
	mail_for("user@dial.test");
	ck_assert_int_eq(atrn("", "alice", false, &count), ETRN_BEGUN);
	ck_assert_uint_eq(count, 2);
	expect_smtp(second, &job);
	ck_assert(job.turned && job.stream == 1 && second->journal >= 0);
	int stream = second->journal; /* the second descriptor, because there is no journal */
	second->journal = -1;
	is_our_stream(stream);
	ck_assert(span_copy(job.id, id, sizeof(id)));
	expect_nothing(hand); /* there is one connection */
	int64_t begun = f.loop.queue.mono_ms;
	report(second, id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELIVERED, 250, true);
	expect_smtp(second, &job);
	ck_assert(job.turned && !job.stream && f.loop.queue.mono_ms == begun);
	ck_assert(span_copy(job.id, id, sizeof(id)));
	report(second, id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELIVERED, 250, true);
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	close(stream);
	let_turned_go();
}
END_TEST

START_TEST(test_client_vanishes)
{
	struct wire_job_smtp job;
	uint64_t count;
	accept_message(other, 0, "app@example.net", "user@dial.test");
	mail_for("user@dial.test");
	ck_assert_int_eq(atrn("dial.test", "alice", false, &count), ETRN_BEGUN);
	expect_smtp(second, &job);
	ck_assert(span_copy(job.id, id, sizeof(id)));
	fd_close(&second->journal);
	report(second, id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELAYED, 0, true);
	pass(1000);
	pass(1000);
	expect_nothing(hand);
	expect_nothing(second);
	ck_assert_uint_eq(waiting(), 2);
	let_turned_go();
	ck_assert_int_eq(atrn("dial.test", "alice", false, &count), ETRN_BEGUN);
	ck_assert_uint_eq(count, 2);
	expect_smtp(second, &job);
	ck_assert(job.turned && job.stream);
	let_turned_go();
}
END_TEST

/* smtpd ends the claim: the current message is finished, and no other one begins. */
START_TEST(test_claim_given_up)
{
	struct wire_job_smtp job;
	uint64_t count;
	for (int i = 0; i < 3; i++)
		mail_for("user@dial.test");
	ck_assert_int_eq(atrn("dial.test", "alice", false, &count), ETRN_BEGUN);
	expect_smtp(second, &job);
	ck_assert(span_copy(job.id, id, sizeof(id)));
	fd_close(&second->journal);
	fd_close(&turned.claim);
	pass(1000);
	report(second, id, 0, ENVELOPE_RCPT_MAX - 1, JOURNAL_DELIVERED, 250, true);
	pass(1000);
	expect_nothing(second);
	expect_nothing(hand);
	ck_assert_uint_eq(waiting(), 2);
	let_turned_go();
}
END_TEST

START_TEST(test_only_one_at_a_time_and_only_under_tls)
{
	uint64_t count;
	mail_for("user@dial.test");
	mail_for("user@safe.test");
	ck_assert_int_eq(atrn("safe.test", "alice", false, &count), ETRN_NEEDS_TLS);
	let_turned_go();
	ck_assert_int_eq(atrn("dial.test", "alice", false, &count), ETRN_BEGUN);
	int claim = turned.claim, stream = turned.stream;
	ck_assert_int_eq(atrn("dial.test", "alice", true, &count), ETRN_LATER);
	let_turned_go();
	ck_assert_int_eq(atrn("safe.test", "alice", true, &count), ETRN_BEGUN);
	let_turned_go();
	close(claim);
	close(stream);
}
END_TEST

START_TEST(test_worker_dies_with_the_connection)
{
	struct wire_job_smtp job;
	uint64_t count;
	mail_for("user@dial.test");
	ck_assert_int_eq(atrn("dial.test", "alice", false, &count), ETRN_BEGUN);
	expect_smtp(second, &job);
	die(second, &f.loop.queue.delivery);
	second = hire(&f.loop.queue.delivery);
	ck_assert_msg(closed(turned.stream), "another process holds it");
	for (int i = 0; i < 4; i++)
		pass(1000);
	expect_nothing(hand);
	expect_nothing(second);
	ck_assert_uint_eq(waiting(), 1);
	let_turned_go();
}
END_TEST

/* After a reload without etrn, no mail waits for a request. */
START_TEST(test_reload_takes_etrn_away)
{
	struct wire_job_smtp job;
	mail_for("user@branch.test");
	expect_nothing(second);
	ck_assert(reload_take(&f.loop.queue, canonical("remote_domain branch.test { route [192.0.2.1] }")));
	expect_smtp(second, &job);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_waits_without_attempts,
		test_is_sent_at_a_request,
		test_open_for_a_while,
		test_each_message_once,
		test_below,
		test_expires_by_its_own_time,
		test_beside_others,
		test_for_two_domains_that_wait,
		test_flood,
		test_hostile_packets,
		test_fetch,
		test_client_vanishes,
		test_claim_given_up,
		test_only_one_at_a_time_and_only_under_tls,
		test_worker_dies_with_the_connection,
		test_reload_takes_etrn_away,
	};
	return run_tests("queue_demand", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
