/* Questions of the queue and of mailroot-web, and what comes on their links. */
#include <check.h>
#include <string.h>
#include <unistd.h>

#include "t/unit/resolver_fixture.h"
#include "t/unit/suite.h"
#include "t/unit/wire_sample.h"

static const struct {
	const char *name;
	bool mx;
	unsigned event;
	const char *enhanced;
	const char *hosts;
} cases[] = {
	{"mail.test", true, 0, "",
	 "mx1.mail.test 127.0.0.1 2525\nmx2.mail.test 127.0.0.2 2525\nmx2.mail.test ::1 2525\n"},
	{"MAIL.test", true, 0, "",
	 "mx1.mail.test 127.0.0.1 2525\nmx2.mail.test 127.0.0.2 2525\nmx2.mail.test ::1 2525\n"},
	{"mail.test", false, 2, "5.4.4", ""},
	{"plain.test", true, 0, "", "plain.test 127.0.0.3 2525\n"},
	{"plain.test", false, 0, "", "plain.test 127.0.0.3 2525\n"},
	{"alias.test", false, 0, "", "alias.test 127.0.0.3 2525\n"},
	{"null.test", true, 2, "5.1.10", ""},
	{"gone.test", true, 2, "5.1.2", ""},
	{"gone.test", false, 2, "5.1.2", ""},
	{"dead.test", true, 2, "5.4.4", ""},
	{"broken.test", true, 1, "4.4.3", ""},
	{"broken.test", false, 1, "4.4.3", ""},
	{"silent.test", true, 1, "4.4.3", ""},
	{"half.test", true, 1, "4.4.3", ""},
	{"nothing.test", true, 2, "5.4.4", ""},
	{"not a name", true, 2, "5.1.2", ""},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

/* All at once: a silent server delays no other query, and answers have their serial. The case of a name is that of
 * the first query. */
START_TEST(answers)
{
	struct fixture f;
	bool seen[CASES] = {false};
	set_up(&f);
	for (uint32_t i = 0; i < CASES; i++)
		ask(&f, i, cases[i].name, cases[i].mx);
	for (size_t n = 0; n < CASES; n++) {
		struct wire_resolved r = answer(&f);
		size_t i = (size_t)r.serial;
		ck_assert(i < CASES && !seen[i]);
		seen[i] = true;
		ck_assert_msg(r.event == cases[i].event && span_equal(r.enhanced, span_of(cases[i].enhanced)) &&
				      span_equal_nocase(r.hosts, span_of(cases[i].hosts)),
			      "%s: %u %.*s %.*s %.*s", cases[i].name, (unsigned)r.event, SPAN_ARGS(r.enhanced),
			      SPAN_ARGS(r.text), SPAN_ARGS(r.hosts));
		ck_assert_uint_le(r.ttl_s, 86400);
	}
	tear_down(&f);
}
END_TEST

/* The queue restarts: its old questions are forgotten, the new link works. */
START_TEST(new_link)
{
	struct fixture f;
	set_up(&f);
	ask(&f, 1, "silent.test", true);
	close(f.link[0]);
	attach(&f);
	ask(&f, 2, "plain.test", true);
	struct wire_resolved r = answer(&f);
	ck_assert(r.serial == 2 && r.event == 0);
	tear_down(&f);
}
END_TEST

/* A malformed request ends the link, not the process. */
START_TEST(hostile_link)
{
	struct fixture f;
	set_up(&f);
	ck_assert_int_eq(ipc_send(f.link[0], SPAN("\x01junk"), NULL, 0), 0);
	ck_assert_int_eq(ipc_receive(f.link[0], f.buffer, sizeof(f.buffer), 0, &f.packet), 0);
	ck_assert(f.packet.eof);
	close(f.link[0]);
	attach(&f);
	ask(&f, 3, "plain.test", false);
	ck_assert_uint_eq(answer(&f).serial, 3);
	tear_down(&f);
}
END_TEST

/* A packet for another reader ends the link to the queue; on the link of names it is ignored. */
START_TEST(packets_for_others)
{
	struct fixture f;
	struct str packet;
	set_up(&f);
	str_init(&packet, 1000);
	WIRE_EACH_FOREIGN(type, WIRE_LINK_resolver, WIRE_DOWN)
	{
		wire_sample(type, &packet);
		ck_assert_int_eq(ipc_send(f.link[0], str_span(&packet), NULL, 0), 0);
		ck_assert_int_eq(ipc_receive(f.link[0], f.buffer, sizeof(f.buffer), 0, &f.packet), 0);
		ck_assert_msg(f.packet.eof, "%s", wire_type_name(type));
		close(f.link[0]);
		attach(&f);
	}
	WIRE_EACH_FOREIGN(type, WIRE_LINK_names, WIRE_UP)
	{
		int ends[2];
		ck_assert_int_eq(ipc_pair(ends, 10000), 0);
		wire_sample(type, &packet);
		ck_assert_int_eq(ipc_send(f.names[1], str_span(&packet), &ends[1], 1), 0);
		close(ends[1]);
		ck_assert_int_eq(ipc_receive(ends[0], f.buffer, sizeof(f.buffer), 0, &f.packet), 0);
		ck_assert_msg(f.packet.eof, "%s", wire_type_name(type));
		close(ends[0]);
	}
	str_free(&packet);
	ask(&f, 3, "plain.test", false);
	ck_assert_uint_eq(answer(&f).serial, 3);
	tear_down(&f);
}
END_TEST

/* Asks for addresses on the link of names, as mailroot-web does; our end of the socket for the answer. */
static int ask_addresses(struct fixture *f, const char *name)
{
	struct wire_resolve wire = {.serial = 9, .name = span_of(name), .port = 443, .mx = true};
	struct str packet;
	int ends[2];
	str_init(&packet, 1000);
	ck_assert_int_eq(ipc_pair(ends, 50000), 0);
	ck_assert(wire_encode_resolve(&wire, &packet));
	ck_assert_int_eq(ipc_send(f->names[1], str_span(&packet), &ends[1], 1), 0);
	close(ends[1]);
	str_free(&packet);
	return ends[0];
}

/* An issuer of tokens has no MX: that of its name does not count. The queue's link may come and go. */
START_TEST(addresses_for_the_web)
{
	struct fixture f;
	struct wire_resolved r;
	static const char *const hosts[] = {"plain.test 127.0.0.3 443\n", ""};
	set_up(&f);
	int fds[] = {ask_addresses(&f, "plain.test"), ask_addresses(&f, "mail.test")};
	int silent = ask_addresses(&f, "silent.test");
	close(f.link[0]);
	attach(&f);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(ipc_receive(fds[i], f.buffer, sizeof(f.buffer), 0, &f.packet), 0);
		ck_assert(wire_decode_resolved(f.packet.text, &r) && r.serial == 9);
		ck_assert(span_equal_nocase(r.hosts, span_of(hosts[i])));
		ck_assert_uint_eq(r.event, i ? 2 : 0);
		close(fds[i]);
	}
	ck_assert_int_eq(ipc_receive(silent, f.buffer, sizeof(f.buffer), 0, &f.packet), 0);
	ck_assert(wire_decode_resolved(f.packet.text, &r) && r.event == 1);
	close(silent);
	tear_down(&f);
}
END_TEST

/* More look-ups than it holds at once: each has an answer. */
START_TEST(flood)
{
	enum { MANY = 1500 };
	struct fixture f;
	unsigned refused = 0;
	set_up(&f);
	for (uint32_t i = 0; i < MANY; i += 100) {
		for (uint32_t n = i; n < i + 100; n++)
			ask(&f, n, "silent.test", true);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		struct wire_resolved r = answer(&f);
		ck_assert_uint_eq(r.event, 1);
		refused += memmem(r.text.at, r.text.len, "too many", 8) != NULL;
	}
	ck_assert_uint_ge(refused, 1);
	tear_down(&f);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {answers, new_link, hostile_link, packets_for_others, addresses_for_the_web,
				      flood};
	return run_tests("resolver_loop", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
