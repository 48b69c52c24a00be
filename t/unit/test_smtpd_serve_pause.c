/* The pause before the greeting, and what ends it. */
#include "t/unit/serve_fixture.h"

#include "common/base/clock.h"

static int records[2];
static struct record_writer writer;

/* Nothing has shut the socket then, and the client says nothing before the greeting. */
START_TEST(test_stop_before_the_pause)
{
	stop_at_start = 1;
	start("connection_timeout 20s\nconnect { greet_pause 30s; dnsbl_except none }");
	stop_at_start = 0;
	hear("421 4.3.2 mail.example.com Service not available");
	finish();
}
END_TEST

static void expect_one_record(const char *verb, uint64_t code)
{
	char room[4096];
	struct ipc_packet packet;
	struct wire_records all;
	struct wire_record one;
	ck_assert_int_eq(ipc_receive(records[0], room, sizeof(room), MSG_DONTWAIT, &packet), 0);
	ck_assert(wire_decode_records(packet.text, &all));
	ck_assert(record_next(&all.list, &one));
	ck_assert_msg(span_equal(one.verb, span_of(verb)), "%.*s is not %s", SPAN_ARGS(one.verb), verb);
	ck_assert_uint_eq(one.code, code);
	ck_assert_msg(!record_next(&all.list, &one), "%.*s is a second record", SPAN_ARGS(one.verb));
}

/* However the pause ends without a greeting, the transaction log says it once. */
START_TEST(test_records_of_the_pause)
{
	static const char lines[] = "log { format w3c }\nconnect { greet_pause 30s; dnsbl_except none }";
	ck_assert_int_eq(ipc_pair(records, 64 * 1024), 0);
	record_writer_init(&writer, records[1]);
	recorded = &writer;
	stop_at_start = 1;
	start(lines);
	stop_at_start = 0;
	hear("421 4.3.2 ");
	finish();
	expect_one_record("STOP", 421);
	start(lines);
	say("EHLO c\r\n");
	hear("554 5.5.1 ");
	finish();
	expect_one_record("CONNECT", 554);
	start("log { format w3c }\nconnect { allow only-listed; list 192.0.2.1 }");
	hear("554 5.7.1 ");
	finish();
	expect_one_record("CONNECT", 554);
	recorded = NULL;
	record_writer_free(&writer);
	fd_close(&records[0]);
	fd_close(&records[1]);
}
END_TEST

START_TEST(test_stress_ends_the_pause)
{
	int64_t begun = clock_mono_ms();
	start("connect { greet_pause 50s; dnsbl_except none }");
	while (stop.waiting_fd == -1)
		usleep(1000);
	stress = true;
	hear("220 ");
	stress = false;
	ck_assert_int_lt(clock_mono_ms() - begun, 40 * 1000);
	finish();
}
END_TEST

/* A client that begins with TLS could not read a reply. */
START_TEST(test_tls_in_the_pause)
{
	start("connect { greet_pause 30s; dnsbl_except none }");
	say("\x16\x03\x01 hello");
	hear_all();
	ck_assert_uint_eq(heard.len, 0);
	finish();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_stop_before_the_pause, test_records_of_the_pause, test_stress_ends_the_pause,
				      test_tls_in_the_pause};
	log_set_level(LOG_LEVEL_WARNING);
	return run_tests("smtpd_serve_pause", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
