/* Questions to mailroot-filters that are malformed or too many, and a lack of descriptors. */
#include "t/unit/dialer_fixture.h"

#include "common/ipc/ask.h"

START_TEST(unknown_filters_and_malformed_questions)
{
	struct str packet;
	struct answering b = answering("b");
	wake(&b);
	start();
	ck_assert_int_eq(dial("c"), -DIAL_OURS);
	ck_assert_str_eq(why, "the configuration has no such filter any more");
	str_init(&packet, 4096);
	str_append_text(&packet, "x");
	WIRE_EACH_FOREIGN(type, WIRE_LINK_filters, WIRE_UP)
	{
		ck_assert_int_eq(ipc_send(questions[0], str_span(&packet), NULL, 0), 0);
		wire_sample(type, &packet);
		int fd = ask_begin(questions[0], str_span(&packet));
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(fd_await(fd, clock_mono_ms() + SOON_MS), 0);
		ck_assert_int_eq(recv(fd, buffer, 1, 0), 0);
		close(fd);
	}
	str_free(&packet);
	int fd = dial("b");
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	end(&b);
}
END_TEST

/* There is a descriptor for the question, and none for the connection. */
START_TEST(lack_of_descriptors_is_no_fault_of_a_filter)
{
	int a = listen_at("a", 50);
	crowded = true;
	start();
	crowded = false;
	ck_assert_int_eq(dial("a"), -DIAL_OURS);
	ck_assert_str_eq(why, "mailroot-filters can't connect: Too many open files");
	close(a);
}
END_TEST

static pid_t worker(void)
{
	const struct wire_filter_of of = {SPAN("a")};
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct str packet;
		str_init(&packet, 100);
		if (!wire_encode_filter_of(&of, &packet) || ask_begin(questions[0], str_span(&packet)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	return pid;
}

/* Each process has one, and there is an end to them. Filter a hangs for longer than the test takes. */
START_TEST(questions_are_bounded)
{
	pid_t workers[DIALER_QUESTIONS];
	char blocks[500];
	int a = listen_at("a", 0), fds[8];
	struct answering b = answering("b");
	size_t n = 0;
	snprintf(blocks, sizeof(blocks),
		 "filter a {\naddress unix:%s/a\ntimeout connect 1m\n}\nfilter b {\naddress unix:%s/b\n}\n", folder,
		 folder);
	wake(&b);
	start();
	int fd = configuration(blocks);
	order(WIRE_reload, &fd);
	close(fd);
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/a", folder);
	do
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	while (connect(fds[n], (struct sockaddr *)&to, sizeof(to)) == 0 && ++n < 8);
	ck_assert_uint_lt(n, 8);
	for (int i = 0; i < DIALER_QUESTIONS; i++)
		workers[i] = worker();
	int64_t until = clock_mono_ms() + SOON_MS;
	while ((fd = dial("b")) >= 0 && clock_mono_ms() < until)
		close(fd);
	ck_assert_int_eq(fd, -DIAL_OURS);
	ck_assert_str_eq(why, "too many connections to filters are being made");
	for (int i = 0; i < DIALER_QUESTIONS; i++) {
		kill(workers[i], SIGKILL);
		waitpid(workers[i], NULL, 0);
	}
	fd = dial("b"); /* they have ended */
	ck_assert_msg(fd >= 0, "%s", why);
	close(fd);
	close(a);
	end(&b);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {unknown_filters_and_malformed_questions,
				      lack_of_descriptors_is_no_fault_of_a_filter, questions_are_bounded};
	return run_tests("filters_questions", tests, sizeof(tests) / sizeof(tests[0]), set_up, tear_down);
}
