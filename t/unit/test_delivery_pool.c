/* The pool of SMTP clients as a process: its workers begin, work, idle and end. */
#include "delivery/pool/pool.h"

#include "t/unit/pool_packets.h"
#include "t/unit/smtp_pool_fixture.h"

static char usual[] = "virtual_server";
static struct security blocks[] = {{.name = usual}};
static const struct securities securities = {blocks, 1};

static void send_job(struct fixture *f, int job_link, uint16_t port)
{
	send_job_of(f, job_link, port, "virtual_server", "");
}

/* Two messages over one connection. Without further work the worker sends QUIT and tells the queue. */
START_TEST(serves_and_idles)
{
	struct fixture f;
	struct wire_idle idle;
	uint64_t number;
	uint16_t port;
	int listener = listen_here(&port);
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	send_job(&f, job_link, port);
	int peer = take_first(listener);
	expect_delivered(&f, number);
	send_job(&f, job_link, port);
	take_message(peer);
	expect_delivered(&f, number);
	expect_text(peer, "QUIT\r\n");
	receive(&f, job_link);
	ck_assert(wire_decode_idle(f.packet.text, &idle) && idle.worker == number);
	close(peer);
	close(listener);
	close(job_link);
	tear_down(&f, true);
}
END_TEST

/* The host closes the idle connection: the queue is told at once. */
START_TEST(host_closes)
{
	struct fixture f;
	struct wire_idle idle;
	uint64_t number;
	uint16_t port;
	int listener = listen_here(&port);
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	send_job(&f, job_link, port);
	int peer = take_first(listener);
	expect_delivered(&f, number);
	close(peer);
	receive(&f, job_link);
	ck_assert(wire_decode_idle(f.packet.text, &idle));
	close(listener);
	close(job_link);
	tear_down(&f, false);
}
END_TEST

/* After its number of jobs a worker finishes the jobs that it already has, and ends; another takes its place. */
START_TEST(retires)
{
	struct fixture f;
	uint64_t number, next;
	uint16_t port;
	int listener = listen_here(&port);
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	for (int i = 0; i < 4; i++)
		send_job(&f, job_link, port);
	int peer = take_first(listener);
	for (int i = 1; i < 4; i++)
		take_message(peer);
	for (int i = 0; i < 4; i++)
		expect_delivered(&f, number);
	expect_text(peer, "QUIT\r\n");
	expect_end(&f, job_link);
	close(receive_worker(&f, &next));
	ck_assert_uint_ne(next, number);
	close(peer);
	close(listener);
	tear_down(&f, true);
}
END_TEST

/* want_workers raises the number up to max. A new queue gets new workers, and those of the old queue end. */
START_TEST(wanted_and_restarted)
{
	struct fixture f;
	struct wire_want_workers want = {100};
	uint64_t numbers[6];
	int links[6];
	set_up(&f, 2);
	links[0] = receive_worker(&f, &numbers[0]);
	links[1] = receive_worker(&f, &numbers[1]);
	send_packet(&f, f.link[0], wire_encode_want_workers(&want, &f.out), NULL, 0);
	for (int i = 2; i < 4; i++)
		links[i] = receive_worker(&f, &numbers[i]);
	close(f.link[0]);
	for (int i = 0; i < 4; i++)
		close(links[i]);
	attach(&f);
	for (int i = 4; i < 6; i++) {
		links[i] = receive_worker(&f, &numbers[i]);
		ck_assert_uint_gt(numbers[i], numbers[3]);
		close(links[i]);
	}
	tear_down(&f, true);
}
END_TEST

/* A job in progress is finished and reported even if master has ended and the queue has closed the job link. */
START_TEST(finishes_what_it_has)
{
	struct fixture f;
	uint64_t number;
	uint16_t port;
	int status, listener = listen_here(&port);
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	send_job(&f, job_link, port);
	int peer = accept(listener, NULL, NULL);
	close(job_link);
	close(f.control[0]);
	say(peer, "220 hi\r\n");
	expect_text(peer, "EHLO relay.example.com\r\n");
	say(peer, "250-mx\r\n250 PIPELINING\r\n");
	take_message(peer);
	expect_delivered(&f, number);
	ck_assert_int_eq(waitpid(f.pool, &status, 0), f.pool);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(peer);
	close(listener);
	ck_assert(rmdir(f.folder) == 0 && rmdir(f.base) == 0);
	str_free(&f.out);
}
END_TEST

/* A packet that is not a job, or not one for this role, ends the link. */
START_TEST(hostile_jobs)
{
	struct fixture f;
	uint64_t number;
	struct wire_job_copy copy = {.id = span_of(id), .folder = SPAN("/tmp"), .size = 1};
	int fd = message();
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	send_packet(&f, job_link, wire_encode_job_copy(&copy, &f.out), &fd, 1);
	expect_end(&f, job_link);
	job_link = receive_worker(&f, &number);
	str_append_text(&f.out, "junk");
	send_packet(&f, job_link, true, NULL, 0);
	expect_end(&f, job_link);
	job_link = receive_worker(&f, &number);
	struct wire_job_smtp smtp = {.id = span_of(id), .security = SPAN("virtual_server"), .size = 1};
	send_packet(&f, job_link, wire_encode_job_smtp(&smtp, &f.out), NULL, 0);
	expect_end(&f, job_link);
	close(fd);
	tear_down(&f, true);
}
END_TEST

/* A message that can't be read is reported as delayed, with a recipient of the job. */
START_TEST(unreadable_message)
{
	struct fixture f;
	uint64_t number;
	struct wire_job_smtp job = {
		.id = span_of(id), .security = SPAN("virtual_server"), .rcpts = {"\x08", 1}, .size = 10};
	int fds[] = {memfd_create("empty", 0), message()};
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	for (int i = 0; i < 2; i++) {
		send_packet(&f, job_link, wire_encode_job_smtp(&job, &f.out), &fds[i], 1);
		struct wire_verdict v = receive_verdict(&f);
		ck_assert(v.event == JOURNAL_DELAYED && v.first == 3 && v.last == 3 && v.last_of_job);
	}
	job.rcpts = (struct span){0};
	send_packet(&f, job_link, wire_encode_job_smtp(&job, &f.out), &fds[1], 1);
	ck_assert_uint_eq(receive_verdict(&f).event, JOURNAL_DELAYED);
	close(fds[0]);
	close(fds[1]);
	close(job_link);
	tear_down(&f, true);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("delivery_pool");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, serves_and_idles);
	tcase_add_test(all, host_closes);
	tcase_add_test(all, retires);
	tcase_add_test(all, wanted_and_restarted);
	tcase_add_test(all, finishes_what_it_has);
	tcase_add_test(all, hostile_jobs);
	tcase_add_test(all, packets_for_others);
	tcase_add_test(all, unreadable_message);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
