/* The records of an outgoing connection for the transaction log. */
#include "delivery/smtp/transcript.h"

#include <check.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/ipc/ipc.h"
#include "t/unit/suite.h"

static int ends[2];
static struct record_writer writer;
static struct transcript transcript;
static char packet_room[WIRE_PACKET_MAX];
static struct wire_records records;

static void setup(void)
{
	struct ipaddr ip;
	ck_assert_int_eq(ipc_pair(ends, 1 << 20), 0);
	record_writer_init(&writer, ends[1]);
	transcript = (struct transcript){.writer = &writer};
	ck_assert(ipaddr_parse(SPAN("192.0.2.25"), &ip));
	transcript_connected(&transcript, -1, &ip, 2525, SPAN("mx.test[192.0.2.25]:2525"));
}

static void teardown(void)
{
	record_writer_free(&writer);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

static bool hear(void)
{
	struct ipc_packet packet;
	transcript_flush(&transcript);
	if (ipc_receive(ends[0], packet_room, sizeof(packet_room), MSG_DONTWAIT, &packet) != 0)
		return false;
	ck_assert(wire_decode_records(packet.text, &records));
	return true;
}

static void expect(const char *verb, const char *argument, uint64_t code, uint64_t in, uint64_t out)
{
	struct wire_record r;
	ck_assert(record_next(&records.list, &r));
	ck_assert_msg(span_equal(r.verb, span_of(verb)), "%.*s is not %s", SPAN_ARGS(r.verb), verb);
	ck_assert_msg(span_equal(r.argument, span_of(argument)), "%.*s", SPAN_ARGS(r.argument));
	ck_assert_uint_eq(r.code, code);
	ck_assert_uint_eq(r.octets_in, in);
	ck_assert_uint_eq(r.octets_out, out);
	ck_assert(r.outbound && span_equal(r.peer, SPAN("192.0.2.25")));
	ck_assert_uint_eq(r.peer_port, 2525);
}

START_TEST(commands_one_by_one_and_replies_whole)
{
	transcript_heard(&transcript, SPAN("220 mx.test ESMTP"));
	transcript_said(&transcript, SPAN("EHLO mail.example.com\r\n"));
	transcript_heard(&transcript, SPAN("250-mx.test"));
	transcript_heard(&transcript, SPAN("250-SIZE 1"));
	transcript_heard(&transcript, SPAN("250 PIPELINING"));
	transcript_said(&transcript, SPAN("MAIL FROM:<a@b> SIZE=3\r\nRCPT TO:<c@d>\r\nDATA\r\n"));
	transcript_sent_text(&transcript, 1000);
	transcript_said(&transcript, SPAN(".\r\n"));
	transcript_heard(&transcript, SPAN("250"));
	transcript_heard(&transcript, SPAN("?"));
	ck_assert(hear());
	expect("", "220 mx.test ESMTP", 220, 19, 0);
	expect("EHLO", "mail.example.com", 0, 0, 23);
	expect("", "250-mx.test", 250, 41, 0);
	expect("MAIL", "FROM:<a@b> SIZE=3", 0, 0, 24);
	expect("RCPT", "TO:<c@d>", 0, 0, 15);
	expect("DATA", "", 0, 0, 6);
	expect("DATA", "", 0, 0, 1000);
	expect("DATA", "", 0, 0, 3);
	expect("", "250", 250, 5, 0);
	expect("", "?", 0, 3, 0);
	ck_assert_uint_eq(records.list.len, 0);
}
END_TEST

START_TEST(passwords_are_left_out)
{
	transcript_said(&transcript, SPAN("AUTH PLAIN c2VjcmV0\r\n"));
	transcript_heard(&transcript, SPAN("334 c2FsdA=="));
	transcript_answered(&transcript, 10);
	transcript_heard(&transcript, SPAN("334"));
	transcript_said(&transcript, SPAN("AUTH GSSAPI\r\n"));
	ck_assert(hear());
	expect("AUTH", "PLAIN", 0, 0, 21);
	expect("", "334", 334, 14, 0);
	expect("AUTH", "", 0, 0, 10);
	expect("", "334", 334, 5, 0);
	expect("AUTH", "GSSAPI", 0, 0, 13);
}
END_TEST

START_TEST(a_line_of_any_length)
{
	static char line[10000];
	for (size_t i = 0; i < sizeof(line); i++)
		line[i] = '2';
	transcript_heard(&transcript, (struct span){line, sizeof(line)});
	ck_assert(hear());
	struct wire_record r;
	ck_assert(record_next(&records.list, &r));
	ck_assert_uint_eq(r.argument.len, RECORD_ARGUMENT_MAX);
	ck_assert_uint_eq(r.octets_in, sizeof(line) + 2);
}
END_TEST

START_TEST(nothing_where_the_log_is_off)
{
	transcript.writer = NULL;
	transcript_said(&transcript, SPAN("NOOP\r\n"));
	transcript_heard(&transcript, SPAN("250 ok"));
	transcript_sent_text(&transcript, 1);
	transcript_flush(&transcript);
	transcript.writer = &writer;
	ck_assert(!hear());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("delivery transcript");
	TCase *tc = tcase_create("transcript");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, commands_one_by_one_and_replies_whole);
	tcase_add_test(tc, passwords_are_left_out);
	tcase_add_test(tc, a_line_of_any_length);
	tcase_add_test(tc, nothing_where_the_log_is_off);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
