/* Connections to filters, filters that are down, and the orders of master. */
#include "t/unit/dialer_fixture.h"

START_TEST(a_connection_is_handed_over)
{
	struct answering a = answering("a"), b = answering("b");
	char octets[100];
	wake(&a);
	wake(&b);
	start();
	for (int i = 0; i < 6; i++) {
		int fd = dial(i % 2 ? "a" : "b");
		ck_assert_msg(fd >= 0, "%s", why);
		ck_assert(reach_greet(fd));
		ck_assert_int_eq(fd_await(fd, clock_mono_ms() + SOON_MS), 0);
		ck_assert_int_eq(read(fd, octets, sizeof(octets)), 17);
		ck_assert_int_eq(octets[16], i % 2 ? 'a' : 'b');
		close(fd);
	}
	end(&a);
	end(&b);
}
END_TEST

START_TEST(a_filter_that_is_down_is_told_at_once_and_found_again)
{
	struct answering a = answering("a");
	wake(&a);
	start();
	expect_trouble("/b does not exist: is the filter running");
	ck_assert_ptr_nonnull(strstr(trouble, "filter b is down since 20"));
	ck_assert_ptr_null(strstr(trouble, "filter a"));
	ck_assert_int_eq(dial("b"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "/b does not exist"));
	struct answering b = answering("b");
	wake(&b);
	expect_trouble("");
	int fd = dial("b");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	end(&b);
	ck_assert_int_eq(dial("b"), -ECONNREFUSED);
	expect_trouble("nothing listens at");
	fd = dial("a");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	end(&a);
}
END_TEST

/* It accepts connections, or rather the kernel does: a question after that is answered at once. */
START_TEST(a_filter_that_hangs_costs_its_time_once)
{
	struct answering a = answering("a"), b = answering("b");
	wake(&b);
	start();
	int fd = dial("a");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	dial_doubt(questions[0], "a");
	expect_trouble("/a accepts connections, but does not answer: does the filter hang?");
	int64_t before = clock_mono_ms();
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(dial("a"), -ETIME);
	ck_assert_int_lt(clock_mono_ms() - before, 1000);
	wake(&a);
	expect_trouble("");
	end(&a);
	end(&b);
}
END_TEST

/* Nobody is believed: the filter is asked. */
START_TEST(a_doubt_is_looked_into)
{
	struct answering a = answering("a"), b = answering("b");
	wake(&a);
	wake(&b);
	start();
	int fd = dial("a");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	dial_doubt(questions[0], "a");
	dial_doubt(questions[0], "nonsense");
	fd = dial("a");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	end(&a);
	a = answering("a");
	do
		dial_doubt(questions[0], "a"); /* those that come soon after another one do not count */
	while (fd_await(control[0], clock_mono_ms() + 100) == -ETIMEDOUT);
	expect_trouble("/a accepts connections, but does not answer");
	ck_assert_int_eq(dial("a"), -ETIME);
	wake(&a);
	end(&a);
	end(&b);
}
END_TEST

START_TEST(what_is_no_filter)
{
	int a = listen_at("a", 5), b = listen_at("b", 5);
	start();
	close(accept(a, NULL, NULL)); /* the try at the start */
	close(accept(b, NULL, NULL));
	dial_doubt(questions[0], "a");
	dial_doubt(questions[0], "b");
	int fd = accept(a, NULL, NULL);
	ck_assert_int_eq(write(fd, "220 mail.example.com ESMTP\r\n", 28), 28);
	close(accept(b, NULL, NULL));
	expect_trouble("/a does not speak the milter protocol: correct address");
	expect_trouble("/b ends each connection at once: does the filter accept this host?");
	close(fd);
	close(a);
	close(b);
}
END_TEST

/* A reload changes the address of one filter, and the other one keeps its state. */
START_TEST(reload)
{
	char blocks[500], since[40];
	struct answering b = answering("b"), c = answering("c");
	wake(&b);
	wake(&c);
	start();
	expect_trouble("filter a is down since 20");
	snprintf(since, sizeof(since), "%.26s", strstr(trouble, "since"));
	snprintf(blocks, sizeof(blocks), "filter a {\naddress unix:%s/a\n}\nfilter b {\naddress unix:%s/c\n}\n", folder,
		 folder);
	int fd = configuration(blocks);
	order(WIRE_reload, &fd);
	close(fd);
	end(&b);
	fd = dial("b");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	ck_assert_int_eq(dial("a"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(trouble, since));
	fd = configuration("filter b {\naddress unix:/nowhere/at/all\n}\n");
	order(WIRE_reload, &fd);
	close(fd);
	expect_trouble("filter b is down since 20");
	ck_assert_ptr_null(strstr(trouble, "filter a"));
	ck_assert_int_eq(dial("a"), -DIAL_OURS);
	ck_assert_str_eq(why, "the configuration has no such filter any more");
	end(&c);
}
END_TEST

START_TEST(master_is_obeyed)
{
	struct ipc_packet packet;
	int a = listen_at("a", 50), b = listen_at("b", 50);
	start();
	order(WIRE_ping, NULL);
	ck_assert_int_eq(fd_await(control[0], clock_mono_ms() + SOON_MS), 0);
	ck_assert_int_eq(ipc_receive(control[0], buffer, sizeof(buffer), 0, &packet), 0);
	ck_assert_int_eq(wire_admit(WIRE_LINK_control_filters, WIRE_UP, packet.text), WIRE_pong);
	ipc_packet_close(&packet);
	order(WIRE_stop, NULL);
	expect_end();
	close(a);
	close(b);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {a_connection_is_handed_over,
				      a_filter_that_is_down_is_told_at_once_and_found_again,
				      a_filter_that_hangs_costs_its_time_once,
				      a_doubt_is_looked_into,
				      what_is_no_filter,
				      reload,
				      master_is_obeyed};
	return run_tests("filters_dialer", tests, sizeof(tests) / sizeof(tests[0]), set_up, tear_down);
}
