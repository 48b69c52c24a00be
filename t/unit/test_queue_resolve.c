/* Answers of the resolver, missing and malformed answers; and smart hosts behind the hosts of a domain. */
#include "common/base/fd.h"
#include "t/unit/queue_fixture.h"

static char id[MSGID_LEN + 1];

static void attach_resolver(void)
{
	int ends[2];
	ck_assert_int_eq(ipc_pair(ends, 1 << 18), 0);
	fd_set_nonblock(ends[0], true);
	fd_close(&f.resolver);
	f.resolver = ends[1];
	resolve_attach(&f.loop.queue, ends[0]);
}

static void setup(void)
{
	fixture_open("");
	attach_resolver();
}

/* The next request; false if there is none. The name is copied. */
static bool next_request(struct wire_resolve *out, char *name)
{
	static char buffer[WIRE_PACKET_MAX];
	struct ipc_packet packet;
	if (ipc_receive(f.resolver, buffer, sizeof(buffer), MSG_DONTWAIT, &packet) < 0)
		return false;
	ck_assert(wire_decode_resolve(packet.text, out));
	ck_assert(span_copy(out->name, name, HOST_NAME_MAX_OCTETS + 1));
	return true;
}

static void answer_with(uint64_t serial, unsigned event, const char *enhanced, const char *hosts)
{
	const struct wire_resolved resolved = {.serial = serial,
					       .event = event,
					       .enhanced = span_of(enhanced),
					       .text = SPAN("the name servers say so"),
					       .ttl_s = 300,
					       .hosts = span_of(hosts)};
	struct str packet;
	str_init(&packet, 1 << 16);
	ck_assert(wire_encode_resolved(&resolved, &packet));
	ck_assert_int_eq(ipc_send(f.resolver, str_span(&packet), NULL, 0), 0);
	str_free(&packet);
	resolved_receive(&f.loop.queue);
	turn();
}

static void answer(uint64_t serial, unsigned event, const char *hosts)
{
	answer_with(serial, event, event == 2 ? "5.1.2" : "4.4.3", hosts);
}

START_TEST(asked_once_for_many)
{
	struct wire_resolve request;
	struct wire_job_smtp job;
	char name[HOST_NAME_MAX_OCTETS + 1];
	struct hand *w = hire(&f.loop.queue.delivery);
	for (int i = 0; i < 5; i++)
		accept_message(id, 0, "app@example.net", "u@One.test");
	ck_assert(next_request(&request, name));
	ck_assert_int_eq(strcasecmp(name, "one.test"), 0);
	ck_assert(request.mx);
	ck_assert_uint_eq(request.port, 25);
	ck_assert(!next_request(&request, name));
	expect_nothing(w);
	answer(request.serial, 0, "mx1.one.test 192.0.2.1 25\nmx2.one.test 2001:db8::2 25\n");
	expect_smtp(w, &job);
	ck_assert(span_equal(job.hosts, SPAN("mx1.one.test 192.0.2.1 25\nmx2.one.test 2001:db8::2 25\n")));
	ck_assert(span_equal(job.destination, SPAN("mx:one.test:25")));
	dismiss(w);
}
END_TEST

START_TEST(never_returns_the_mail)
{
	struct wire_resolve request;
	struct span text;
	char name[HOST_NAME_MAX_OCTETS + 1];
	struct hand *local = hire(&f.loop.queue.local);
	accept_message(id, 0, "app@example.net", "u@one.test");
	ck_assert(next_request(&request, name));
	answer(request.serial, 2, "");
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	ck_assert_ptr_nonnull(
		strstr(read_file(path_of("cur/%s.log", id)), " 0 failed 0 5.1.2 - the name servers say so\n"));
	dismiss(local);
}
END_TEST

/* Each line of the log names its recipients. */
START_TEST(refusals_are_logged_by_recipient)
{
	struct wire_resolve request;
	char name[HOST_NAME_MAX_OCTETS + 1];
	accept_message(id, 0, "app@example.net", "u@one.test v@two.test w@two.test");
	log_keep();
	while (next_request(&request, name))
		answer(request.serial, 2, "");
	const char *one = strstr(log_kept(), " to=<u@one.test> recipients=1 relay=mx:one.test:25 status=failed");
	const char *two = strstr(log_kept(), " to=<v@two.test> recipients=2 relay=mx:two.test:25 status=failed");
	ck_assert_msg(one && two, "%s", log_kept());
}
END_TEST

START_TEST(later_defers)
{
	struct wire_resolve request;
	char name[HOST_NAME_MAX_OCTETS + 1];
	accept_message(id, 0, "app@example.net", "u@one.test");
	ck_assert(next_request(&request, name));
	answer(request.serial, 1, "");
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	ck_assert_ptr_nonnull(strstr(read_file(path_of("cur/%s.log", id)), " 0 delayed 0 4.4.3 - the name"));
	pass(15 * MINUTE);
	ck_assert(next_request(&request, name));
}
END_TEST

START_TEST(silence_defers)
{
	struct wire_resolve request;
	char name[HOST_NAME_MAX_OCTETS + 1];
	accept_message(id, 0, "app@example.net", "u@one.test");
	ck_assert(next_request(&request, name));
	pass(29 * 1000);
	ck_assert_int_eq(known(id)->state, MESSAGE_ACTIVE);
	pass(2 * 1000);
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	/* Too late. */
	answer(request.serial, 0, "mx1.one.test 192.0.2.1 25\n");
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	ck_assert_int_ge(f.loop.queue.resolver, 0);
}
END_TEST

START_TEST(new_link_is_asked_again)
{
	struct wire_resolve request;
	struct wire_job_smtp job;
	char name[HOST_NAME_MAX_OCTETS + 1];
	fd_close(&f.resolver);
	fd_close(&f.loop.queue.resolver);
	accept_message(id, 0, "app@example.net", "u@one.test");
	attach_resolver();
	turn();
	ck_assert(next_request(&request, name));
	answer(request.serial, 0, "mx1.one.test 192.0.2.1 25\n");
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_smtp(w, &job);
	dismiss(w);
}
END_TEST

START_TEST(malformed_answers_cost_the_link)
{
	static const char *const lies[] = {"", "no list", "mx 192.0.2.1 0\n", "mx 192.0.2.1 25",
					   "mx 192.0.2.1 25\nx\n"};
	struct wire_resolve request;
	char name[HOST_NAME_MAX_OCTETS + 1];
	accept_message(id, 0, "app@example.net", "u@one.test");
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		ck_assert(next_request(&request, name));
		answer(request.serial, 0, lies[i]);
		ck_assert_int_eq(f.loop.queue.resolver, -1);
		ck_assert_int_eq(known(id)->state, MESSAGE_ACTIVE);
		attach_resolver();
	}
}
END_TEST

START_TEST(hosts_of_the_configuration_in_order)
{
	struct wire_resolve request;
	struct wire_job_smtp job;
	uint64_t serials[2];
	char name[HOST_NAME_MAX_OCTETS + 1];
	fixture_close();
	fixture_open("smart_host [first.test]:587 [192.0.2.7] third.test");
	attach_resolver();
	accept_message(id, 0, "app@example.net", "u@one.test");
	ck_assert(next_request(&request, name));
	ck_assert_str_eq(name, "first.test");
	ck_assert(!request.mx);
	ck_assert_uint_eq(request.port, 587);
	serials[0] = request.serial;
	ck_assert(next_request(&request, name));
	ck_assert_str_eq(name, "third.test");
	ck_assert(request.mx);
	serials[1] = request.serial;
	answer(serials[1], 0, "mx.third.test 192.0.2.9 25\n");
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_nothing(w);
	answer(serials[0], 2, "");
	/* A smart host that does not exist is skipped; mail is not returned for it. */
	expect_smtp(w, &job);
	ck_assert(span_equal(job.hosts, SPAN("192.0.2.7 192.0.2.7 25\nmx.third.test 192.0.2.9 25\n")));
	dismiss(w);
}
END_TEST

START_TEST(mistaken_smart_host_returns_no_mail)
{
	struct wire_resolve request;
	char name[HOST_NAME_MAX_OCTETS + 1];
	fixture_close();
	fixture_open("smart_host [typo.test]");
	attach_resolver();
	accept_message(id, 0, "app@example.net", "u@one.test");
	ck_assert(next_request(&request, name));
	answer(request.serial, 2, "");
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
	ck_assert_ptr_nonnull(strstr(read_file(path_of("cur/%s.log", id)),
				     " 0 delayed 0 4.4.4 - the name servers say so; "
				     "see smart_host in test.conf:6\n"));
}
END_TEST

/* Queues one message for one.test, directly or to one of the smart hosts WRITTEN, and reads the request for its MX. */
static uint64_t want_direct(const char *smart_host)
{
	struct wire_resolve request;
	char name[HOST_NAME_MAX_OCTETS + 1], settings[100];
	fixture_close();
	snprintf(settings, sizeof(settings), "smart_host %s; direct_first yes", smart_host);
	fixture_open(settings);
	attach_resolver();
	accept_message(id, 0, "app@example.net", "u@one.test");
	ck_assert(next_request(&request, name));
	ck_assert_str_eq(name, "one.test");
	ck_assert(request.mx);
	return request.serial;
}

#define SMART_HOSTS "[192.0.2.8] [192.0.2.9]"
#define WRITTEN     "192.0.2.8 192.0.2.8 25\n192.0.2.9 192.0.2.9 25\n"

static void expect_hosts(const char *hosts, unsigned found)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_smtp(w, &job);
	ck_assert(span_equal(job.hosts, span_of(hosts)));
	ck_assert_uint_eq(job.found, found);
	ck_assert(span_equal(job.destination, SPAN("mx:one.test:25 else [192.0.2.8]:25 [192.0.2.9]:25")));
	dismiss(w);
}

START_TEST(smart_host_when_the_look_up_fails)
{
	answer_with(want_direct(SMART_HOSTS), 1, "4.4.3", "");
	expect_hosts(WRITTEN, 0);
	answer_with(want_direct(SMART_HOSTS), 2, "5.1.2", "");
	expect_hosts(WRITTEN, 0);
	answer_with(want_direct(SMART_HOSTS), 2, "5.4.4", "");
	expect_hosts(WRITTEN, 0);
}
END_TEST

START_TEST(smart_host_behind_those_of_the_domain)
{
	answer(want_direct(SMART_HOSTS), 0, "a.test 192.0.2.1 25\nb.test 192.0.2.2 25\n");
	expect_hosts("a.test 192.0.2.1 25\nb.test 192.0.2.2 25\n" WRITTEN, 2);
}
END_TEST

/* However many hosts a domain has, there is room for the smart hosts. */
START_TEST(smart_host_has_room)
{
	struct wire_job_smtp job;
	struct str hosts;
	str_init(&hosts, 1 << 16);
	for (int i = 0; i < HOSTS_MAX; i++)
		str_printf(&hosts, "a.test 192.0.3.%d 25\n", i);
	answer(want_direct(SMART_HOSTS), 0, str_text(&hosts));
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_smtp(w, &job);
	ck_assert_uint_eq(job.found, HOSTS_MAX / 2);
	ck_assert_uint_gt(job.hosts.len, strlen(WRITTEN));
	ck_assert(span_equal(span_skip(job.hosts, job.hosts.len - strlen(WRITTEN)), SPAN(WRITTEN)));
	str_free(&hosts);
	dismiss(w);
}
END_TEST

/* A domain that accepts no mail, or whose host is this server: a smart host could do no better. */
static void expect_closed(const char *enhanced)
{
	struct wire_resolve request;
	char name[HOST_NAME_MAX_OCTETS + 1];
	struct span text;
	uint64_t serial = want_direct("[smart.test]");
	struct hand *w = hire(&f.loop.queue.delivery), *local = hire(&f.loop.queue.local);
	ck_assert(next_request(&request, name));
	ck_assert_str_eq(name, "smart.test");
	answer_with(serial, 2, enhanced, "");
	answer(request.serial, 0, "smart.test 192.0.2.1 25\n"); /* no more look-ups */
	expect_nothing(w);
	ck_assert_int_eq(next_job(local, &text), WIRE_job_notice);
	dismiss(w);
	dismiss(local);
}

START_TEST(domains_without_mail_go_to_no_smart_host)
{
	expect_closed("5.1.10");
	expect_closed("5.4.6");
}
END_TEST

/* If both fail the mail waits, because the smart host is expected to work. */
START_TEST(if_both_fail_mail_waits)
{
	struct wire_resolve request;
	char name[HOST_NAME_MAX_OCTETS + 1];
	uint64_t serial = want_direct("[smart.test]");
	ck_assert(next_request(&request, name));
	answer(serial, 2, "");
	answer(request.serial, 2, "");
	ck_assert_int_eq(known(id)->state, MESSAGE_WAITING);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		asked_once_for_many,
		never_returns_the_mail,
		refusals_are_logged_by_recipient,
		later_defers,
		silence_defers,
		new_link_is_asked_again,
		malformed_answers_cost_the_link,
		hosts_of_the_configuration_in_order,
		mistaken_smart_host_returns_no_mail,
		smart_host_when_the_look_up_fails,
		smart_host_behind_those_of_the_domain,
		smart_host_has_room,
		domains_without_mail_go_to_no_smart_host,
		if_both_fail_mail_waits,
	};
	return run_tests("queue_resolve", tests, sizeof(tests) / sizeof(tests[0]), setup, fixture_close);
}
