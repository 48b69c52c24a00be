/* The records of a session for the transaction log. */
#include "smtpd/session/transcript.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/ipc/ipc.h"
#include "t/unit/suite.h"

static int ends[2], client;
static struct record_writer writer;
static struct transcript transcript;
static struct config_server server;
static struct session session;
static char packet_room[WIRE_PACKET_MAX];
static struct wire_records records;

static void setup(void)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fd_close(&pair[1]);
	client = pair[0];
	ck_assert_int_eq(ipc_pair(ends, 1 << 20), 0);
	record_writer_init(&writer, ends[1]);
	server = (struct config_server){.log.format = CONFIG_LOG_W3C};
	session = (struct session){.config = &server, .client_text = "192.0.2.1", .helo = "client.test"};
	str_init(&session.out, 1000);
	transcript_begin(&transcript, &writer, client);
}

static void teardown(void)
{
	str_free(&session.out);
	record_writer_free(&writer);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	fd_close(&client);
}

static void say(struct span line, const char *reply)
{
	str_clear(&session.out);
	str_append_text(&session.out, reply);
	transcript_heard(&transcript);
	transcript_command(&transcript, &session, line);
}

/* Sends the collected records and reads them back, all in one packet. False: there were none. */
static bool hear(void)
{
	struct ipc_packet packet;
	transcript_flush(&transcript);
	if (ipc_receive(ends[0], packet_room, sizeof(packet_room), MSG_DONTWAIT, &packet) != 0)
		return false;
	ck_assert(wire_decode_records(packet.text, &records));
	return true;
}

static void expect(const char *verb, struct span argument, uint64_t code, const char *text)
{
	struct wire_record r;
	ck_assert(record_next(&records.list, &r));
	ck_assert_msg(span_equal(r.verb, span_of(verb)), "%.*s is not %s", SPAN_ARGS(r.verb), verb);
	ck_assert_msg(span_equal(r.argument, argument), "%.*s", SPAN_ARGS(r.argument));
	ck_assert_msg(span_equal(r.text, span_of(text)), "%.*s", SPAN_ARGS(r.text));
	ck_assert_uint_eq(r.code, code);
	ck_assert(span_equal(r.peer, SPAN("192.0.2.1")) && span_equal(r.name, SPAN("client.test")));
	ck_assert_uint_eq(r.octets_out, session.out.len);
	ck_assert(!r.outbound);
}

START_TEST(verb_argument_and_reply)
{
	static const struct {
		struct span line;
		const char *reply, *verb;
		struct span argument;
		uint64_t code;
		const char *text;
	} cases[] = {
		{SPAN("NOOP"), "250 2.0.0 OK\r\n", "NOOP", SPAN(""), 250, "2.0.0 OK"},
		{SPAN("ehlo a.test"), "250-host Hello\r\n250 OK\r\n", "EHLO", SPAN("a.test"), 250, "host Hello"},
		{SPAN("Mail  FROM:<a@b>  SIZE=1 "), "250 ok\r\n", "MAIL", SPAN("FROM:<a@b>  SIZE=1"), 250, "ok"},
		{SPAN(""), "500 5.3.3 what\r\n", "", SPAN(""), 500, "5.3.3 what"},
		{SPAN(" x"), "500 what\r\n", "", SPAN("x"), 500, "what"},
		{SPAN("a\0b c\xe6"), "500 what\r\n", "A\0", SPAN("c\xe6"), 500, "what"},
		{SPAN("ABCDEFGHIJKLMNOP x"), "500 what\r\n", "ABCDEFGHIJKLMNOP", SPAN("x"), 500, "what"},
		{SPAN("ABCDEFGHIJKLMNOPQ x"), "500 what\r\n", "", SPAN("ABCDEFGHIJKLMNOPQ x"), 500, "what"},
		{SPAN("AUTH PLAIN c2VjcmV0"), "500 what\r\n", "AUTH", SPAN("PLAIN"), 500, "what"},
		{SPAN("auth  login  dXNlcg== x"), "500 what\r\n", "AUTH", SPAN("login"), 500, "what"},
		{SPAN("AUTH"), "500 what\r\n", "AUTH", SPAN(""), 500, "what"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		say(cases[i].line, cases[i].reply);
		ck_assert(hear());
		if (memchr(cases[i].line.at, '\0', cases[i].line.len))
			continue; /* a verb with NUL: it only must arrive whole */
		expect(cases[i].verb, cases[i].argument, cases[i].code, cases[i].text);
		ck_assert_uint_eq(records.list.len, 0);
	}
}
END_TEST

/* Neither late responses nor our challenges. */
START_TEST(secrets_are_left_out)
{
	session.after_auth = true;
	say(SPAN("c2VjcmV0"), "500 what\r\n");
	ck_assert(hear());
	expect("(HIDDEN)", SPAN(""), 500, "what");
	say(SPAN("AUTH PLAIN c2VjcmV0"), "334 Y2hhbGxlbmdl\r\n");
	ck_assert(hear());
	expect("AUTH", SPAN("PLAIN"), 334, "");
	session.after_auth = false;
}
END_TEST

START_TEST(pipelined_commands_share_a_packet)
{
	for (int i = 0; i < 20; i++)
		say(SPAN("NOOP"), "250 OK\r\n");
	ck_assert(hear());
	for (int i = 0; i < 20; i++)
		expect("NOOP", SPAN(""), 250, "OK");
	ck_assert_uint_eq(records.list.len, 0);
	ck_assert(!hear());
}
END_TEST

START_TEST(texts_have_their_octets)
{
	strcpy(session.tx.id, "01NG4SVKR83AB3PAC6JAXFJ1");
	session.chunk = (struct session_chunk){.octets = 12, .last = true};
	say(SPAN("BDAT 12 LAST"), ""); /* no reply yet */
	ck_assert(!hear());
	str_append_text(&session.out, "250 OK\r\n");
	transcript_text(&transcript, &session, SESSION_DATA, 1000);
	transcript_text(&transcript, &session, SESSION_CHUNK, 12);
	transcript_event(&transcript, &session, SPAN("TIMEOUT"));
	ck_assert(hear());
	expect("DATA", SPAN("<01NG4SVKR83AB3PAC6JAXFJ1>"), 250, "OK");
	expect("BDAT", SPAN("12 LAST"), 250, "OK");
	expect("TIMEOUT", SPAN(""), 250, "OK");
}
END_TEST

START_TEST(nothing_where_the_log_is_off)
{
	server.log.format = CONFIG_LOG_OFF;
	say(SPAN("NOOP"), "250 OK\r\n");
	ck_assert(!hear());
	server.log.format = CONFIG_LOG_JSON;
	say(SPAN("NOOP"), "250 OK\r\n");
	ck_assert(hear());
	transcript_begin(&transcript, NULL, client);
	say(SPAN("NOOP"), "250 OK\r\n");
	ck_assert(!hear());
}
END_TEST

START_TEST(every_session_has_its_number)
{
	uint64_t first = transcript.session;
	transcript_begin(&transcript, &writer, client);
	ck_assert_uint_ne(transcript.session, first);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd transcript");
	TCase *tc = tcase_create("transcript");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, verb_argument_and_reply);
	tcase_add_test(tc, secrets_are_left_out);
	tcase_add_test(tc, pipelined_commands_share_a_packet);
	tcase_add_test(tc, texts_have_their_octets);
	tcase_add_test(tc, nothing_where_the_log_is_off);
	tcase_add_test(tc, every_session_has_its_number);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
