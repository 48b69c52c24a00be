/* One real connection: the spool on disk, the arrivals link, time-outs, a stop, a newer policy. */
#include "t/unit/serve_fixture.h"

#include <sys/stat.h>

START_TEST(test_message)
{
	char buffer[4096];
	struct ipc_packet packet;
	struct wire_arrived arrived;
	start("free_space_floor 1K");
	say(envelope);
	say("DATA\r\nSubject: x\r\n\r\n\xe4\r\n.\r\nQUIT\r\n");
	hear_all();
	ck_assert_ptr_nonnull(strstr(str_text(&heard), "250 2.6.0 <"));
	ck_assert_ptr_nonnull(strstr(str_text(&heard), "221 2.0.0 "));
	ck_assert_int_eq(ipc_receive(arrivals[1], buffer, sizeof(buffer), MSG_DONTWAIT, &packet), 0);
	ck_assert(wire_decode_arrived(packet.text, &arrived));
	struct msgname name;
	ck_assert(msgname_parse(arrived.name, &name));
	ck_assert(name.eight_bit);
	ck_assert_ptr_nonnull(strstr(str_text(&heard), name.id));
	int fd = openat(spool.new_fd, strndupa(arrived.name.at, arrived.name.len), O_RDWR);
	struct stat st;
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_size, name.size);
	ck_assert_int_eq(spool_lock(fd), 0);
	close(fd);
	ck_assert_uint_eq(files(false), 1);
	finish();
}
END_TEST

/* The queue can't be notified: the message is not acknowledged, and nothing of it stays. */
START_TEST(test_no_queue)
{
	start("");
	fd_close(&arrivals[1]);
	say(envelope);
	say("DATA\r\n.\r\nQUIT\r\n");
	hear_all();
	ck_assert_ptr_nonnull(strstr(str_text(&heard), "451 4.3.0 "));
	ck_assert_ptr_null(strstr(str_text(&heard), "250 2.6.0 "));
	ck_assert_uint_eq(files(false), 0);
	finish();
}
END_TEST

START_TEST(test_no_space)
{
	start("free_space_floor 8000000G");
	say(envelope);
	hear_all();
	ck_assert_ptr_nonnull(strstr(str_text(&heard), "452 4.3.1 "));
	finish();
}
END_TEST

/* The connection ends after each octet of a message in turn: the message is stored only after the last octet. */
START_TEST(test_cut)
{
	static const char text[] = "DATA\r\nSubject: x\r\n\r\n..\r\n.\r\n";
	for (size_t len = 0; len <= sizeof(text) - 1; len++) {
		start("");
		say(envelope);
		ck_assert_int_eq(fd_write_all(ends[0], (struct span){text, len}), 0);
		hear_all();
		ck_assert_uint_eq(files(false), len == sizeof(text) - 1);
		finish();
	}
}
END_TEST

START_TEST(test_idle)
{
	start("connection_timeout 1s");
	hear("220 ");
	hear("421 4.4.2 mail.example.com Timeout");
	finish();
}
END_TEST

/* The time-out is for the whole command, even if octets keep coming. */
START_TEST(test_trickle)
{
	start("connection_timeout 1s");
	hear("220 ");
	for (int i = 0; !memmem(str_text(&heard), heard.len, "421", 3); i++) {
		char octet;
		ck_assert_int_lt(i, 100);
		send(ends[0], "x", 1, MSG_NOSIGNAL);
		usleep(50 * 1000);
		while (recv(ends[0], &octet, 1, MSG_DONTWAIT) == 1)
			str_append_c(&heard, octet);
	}
	finish();
}
END_TEST

/* A trickle of text has ten minutes; a slow client has as long as it sends 1 KiB/s. */
START_TEST(test_text_time)
{
	const int64_t minute = 60 * 1000, hour = 60 * minute;
	ck_assert_int_eq(serve_text_time_left(0, 0, false), 10 * minute);
	ck_assert_int_eq(serve_text_time_left(10 * minute - 1, 1023, false), 1);
	ck_assert_int_eq(serve_text_time_left(10 * minute + 500, 1024, false), 500);
	ck_assert_int_eq(serve_text_time_left(hour, 3000, false), 1);
	ck_assert_int_eq(serve_text_time_left(hour, 3600 * 1024, false), 10 * minute);
	ck_assert_int_gt(serve_text_time_left(1000 * hour, INT64_MAX, false), 1000 * hour);
	ck_assert_int_eq(serve_text_time_left(0, 0, true), LIMIT_STRESS_MS);
	ck_assert_int_eq(serve_text_time_left(hour, 3600 * 1024, true), LIMIT_STRESS_MS);
	ck_assert_int_eq(serve_text_time_left(hour, 3000, true), 1);
}
END_TEST

/* The same as the signal handler of a worker. */
static void tell_to_stop(void)
{
	stop.stop = 1;
	if (stop.waiting_fd != -1)
		shutdown(stop.waiting_fd, SHUT_RD);
}

START_TEST(test_stop_between_commands)
{
	start("");
	say("EHLO c\r\n");
	hear("250 OK\r\n");
	while (stop.waiting_fd == -1)
		usleep(1000);
	tell_to_stop();
	hear("421 4.3.2 mail.example.com Service not available");
	finish();
}
END_TEST

START_TEST(test_stop_within_message)
{
	start("");
	say(envelope);
	say("DATA\r\nSubject: x\r\n");
	hear("354 ");
	tell_to_stop();
	say("\r\n.\r\n");
	hear("250 2.6.0 ");
	hear("421 4.3.2 ");
	ck_assert_uint_eq(files(false), 1);
	finish();
}
END_TEST

START_TEST(test_newer_policy)
{
	struct str text;
	struct snapshot *snapshot = snapshot_new(1 << 20);
	live.snapshot = snapshot;
	start("relay { list 192.0.2.1 }");
	say("EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<u@example.net>\r\n");
	hear("550 5.7.1 Unable to relay for u@example.net\r\n");
	memory_canonical("", "relay { list 127.0.0.1 }", &text);
	ck_assert(live_publish(snapshot, str_span(&text)));
	say("RCPT TO:<v@example.net>\r\n");
	hear("250 2.1.5 v@example.net\r\n");
	ck_assert(!live_publish(snapshot, SPAN("this is no configuration")));
	say("RCPT TO:<w@example.net>\r\nQUIT\r\n");
	hear("250 2.1.5 w@example.net\r\n");
	finish();
	live = (struct live){0};
	str_free(&text);
	snapshot_free(snapshot);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_message,
				      test_no_queue,
				      test_no_space,
				      test_cut,
				      test_idle,
				      test_trickle,
				      test_text_time,
				      test_stop_between_commands,
				      test_stop_within_message,
				      test_newer_policy};
	log_set_level(LOG_LEVEL_WARNING);
	return run_tests("smtpd_serve", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
