/* Questions of smtpd about clients: their names, and DNS lists. */
#include <check.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "t/unit/resolver_fixture.h"
#include "t/unit/suite.h"

/* Asks for the name of ADDRESS; the socket on which the answer comes. */
static int ask_name(struct fixture *f, const char *address)
{
	struct wire_name_of wire = {span_of(address)};
	struct str packet;
	int ends[2];
	str_init(&packet, 100);
	ck_assert_int_eq(ipc_pair(ends, 10000), 0);
	ck_assert(wire_encode_name_of(&wire, &packet));
	ck_assert_int_eq(ipc_send(f->names[1], str_span(&packet), &ends[1], 1), 0);
	str_free(&packet);
	close(ends[1]);
	return ends[0];
}

static struct wire_named named(struct fixture *f, int fd)
{
	struct wire_named wire;
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(poll(&pfd, 1, 20000), 1);
	ck_assert_int_eq(ipc_receive(fd, f->buffer, sizeof(f->buffer), 0, &f->packet), 0);
	ck_assert(wire_decode_named(f->packet.text, &wire));
	close(fd);
	return wire;
}

START_TEST(names_of_clients)
{
	static const struct {
		const char *address, *name, *why;
	} clients[] = {
		{"127.0.0.3", "plain.test", ""},
		{"::ffff:127.0.0.3", "plain.test", ""},
		{"127.0.0.17", "", "plain.test does not resolve to the address"},
		{"10.0.1.1", "lan-1.test", ""}, /* private addresses are looked up too */
		{"127.0.0.1", "localhost", ""},
		{"127.0.0.18", "", "the address has no name in DNS"},
		{"127.0.0.66", "", "DNS gave no answer in time"},
	};
	struct fixture f;
	set_up(&f);
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		struct wire_named n = named(&f, ask_name(&f, clients[i].address));
		ck_assert_msg(span_equal(n.name, span_of(clients[i].name)) &&
				      span_equal(n.why, span_of(clients[i].why)),
			      "%s: %.*s %.*s", clients[i].address, SPAN_ARGS(n.name), SPAN_ARGS(n.why));
	}
	tear_down(&f);
}
END_TEST

/* Whatever a worker sends, the next question is answered, and the link of the queue is not affected. */
START_TEST(hostile_worker)
{
	struct fixture f;
	int pipes[2];
	set_up(&f);
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(ipc_send(f.names[1], SPAN("\x01junk"), NULL, 0), 0);
	ck_assert_int_eq(ipc_send(f.names[1], SPAN("\x01junk"), pipes, 2), 0);
	struct wire_name_of wire = {SPAN("127.0.0.3")};
	struct str packet;
	str_init(&packet, 100);
	ck_assert(wire_encode_name_of(&wire, &packet));
	ck_assert_int_eq(ipc_send(f.names[1], str_span(&packet), NULL, 0), 0);
	ck_assert_int_eq(ipc_send(f.names[1], str_span(&packet), &pipes[1], 1), 0);
	ck_assert_int_eq(ipc_send(f.names[1], str_span(&packet), &f.names[1], 1), 0);
	str_clear(&packet);
	wire.address = SPAN("no address");
	ck_assert(wire_encode_name_of(&wire, &packet));
	ck_assert_int_eq(ipc_send(f.names[1], str_span(&packet), pipes, 1), 0);
	str_free(&packet);
	close(ask_name(&f, "127.0.0.3")); /* the worker ends */
	ask(&f, 7, "plain.test", false);
	ck_assert_uint_eq(answer(&f).serial, 7);
	close(pipes[0]);
	close(pipes[1]);
	ck_assert(span_equal(named(&f, ask_name(&f, "10.0.1.1")).name, SPAN("lan-1.test")));
	tear_down(&f);
}
END_TEST

static int ask_lists(struct fixture *f, const char *address, const char *zones, bool text)
{
	struct wire_listed_of wire = {span_of(address), span_of(zones), text};
	struct str packet;
	int ends[2];
	str_init(&packet, 10000);
	ck_assert_int_eq(ipc_pair(ends, 10000), 0);
	ck_assert(wire_encode_listed_of(&wire, &packet));
	ck_assert_int_eq(ipc_send(f->names[1], str_span(&packet), &ends[1], 1), 0);
	str_free(&packet);
	close(ends[1]);
	return ends[0];
}

/* The answers; NULL = the resolver has closed the socket. */
static const char *listed(struct fixture *f, int fd)
{
	static char text[1000];
	struct wire_listed wire;
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(poll(&pfd, 1, 20000), 1);
	ck_assert_int_eq(ipc_receive(fd, f->buffer, sizeof(f->buffer), 0, &f->packet), 0);
	close(fd);
	if (f->packet.eof)
		return NULL;
	ck_assert(wire_decode_listed(f->packet.text, &wire));
	ck_assert(span_copy(wire.answers, text, sizeof(text)));
	return text;
}

START_TEST(lists_of_clients)
{
	struct fixture f;
	set_up(&f);
	ck_assert_str_eq(listed(&f, ask_lists(&f, "127.0.0.5", "bl.test", false)), "127.0.0.2");
	ck_assert_str_eq(listed(&f, ask_lists(&f, "127.0.0.5", "other.test bl.test bl.test", false)),
			 "- 127.0.0.2 127.0.0.2");
	ck_assert_str_eq(listed(&f, ask_lists(&f, "127.0.0.6", "bl.test", false)), "-");
	ck_assert_str_eq(listed(&f, ask_lists(&f, "2001:db8::5", "bl.test", false)), "-");
	ck_assert_str_eq(listed(&f, ask_lists(&f, "127.0.0.5", "bl.test", true)), "see why");
	ck_assert_str_eq(listed(&f, ask_lists(&f, "127.0.0.6", "bl.test", true)), "");
	ck_assert_str_eq(listed(&f, ask_lists(&f, "127.0.0.5", "abcdefghij0123456789.test", true)), "");
	/* While a list is silent, names and hosts are looked up. */
	int slow = ask_lists(&f, "127.0.0.5", "mute.test bl.test", false);
	ck_assert(span_equal(named(&f, ask_name(&f, "10.0.1.1")).name, SPAN("lan-1.test")));
	ask(&f, 7, "plain.test", false);
	ck_assert_uint_eq(answer(&f).serial, 7);
	struct pollfd pfd = {.fd = slow, .events = POLLIN};
	ck_assert_int_eq(poll(&pfd, 1, 0), 0);
	ck_assert_str_eq(listed(&f, slow), "? 127.0.0.2");
	tear_down(&f);
}
END_TEST

START_TEST(hostile_questions_about_lists)
{
	static const char *const zones[] = {"", " ", "a..test", "bl.test  bl.test", "bl.test\nx", "bl\"test"};
	struct fixture f;
	char many[33 * 2 + 1], long_zone[201];
	set_up(&f);
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		ck_assert_msg(!listed(&f, ask_lists(&f, "127.0.0.5", zones[i], false)), "\"%s\"", zones[i]);
	for (size_t i = 0; i < 33; i++)
		memcpy(many + 2 * i, "a ", 3);
	many[sizeof(many) - 2] = '\0';
	ck_assert_ptr_null(listed(&f, ask_lists(&f, "127.0.0.5", many, false)));
	many[sizeof(many) - 4] = '\0';
	ck_assert_ptr_nonnull(listed(&f, ask_lists(&f, "127.0.0.5", many, false)));
	for (size_t i = 0; i < sizeof(long_zone); i++)
		long_zone[i] = i % 10 == 9 ? '.' : 'a';
	long_zone[sizeof(long_zone) - 2] = 'a';
	long_zone[sizeof(long_zone) - 1] = '\0';
	ck_assert_ptr_null(listed(&f, ask_lists(&f, "127.0.0.5", long_zone, false)));
	ck_assert_ptr_null(listed(&f, ask_lists(&f, "no address", "bl.test", false)));
	int old = ask_lists(&f, "127.0.0.5", "mute.test", false);
	ck_assert_str_eq(listed(&f, ask_lists(&f, "127.0.0.5", "bl.test", false)), "127.0.0.2");
	ck_assert_ptr_null(listed(&f, old));
	tear_down(&f);
}
END_TEST

/* A process has one question at a time, the newest, so it can't displace those of others. */
START_TEST(one_at_a_time)
{
	struct fixture f;
	set_up(&f);
	int first = ask_name(&f, "127.0.0.66");
	ck_assert(span_equal(named(&f, ask_name(&f, "127.0.0.3")).name, SPAN("plain.test")));
	ck_assert_int_eq(ipc_receive(first, f.buffer, sizeof(f.buffer), 0, &f.packet), 0);
	ck_assert(f.packet.eof);
	close(first);
	tear_down(&f);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {names_of_clients, hostile_worker, lists_of_clients, hostile_questions_about_lists,
				      one_at_a_time};
	return run_tests("resolver_clients", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
