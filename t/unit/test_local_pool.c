/* The pool of mailroot-local as a process, with the test as its master and its queue. */
#include "delivery/local/local_jobs.h"
#include "t/unit/pool_packets.h"

static struct local_common common;
static const struct pool_kind kind = {.role = CHILD_LOCAL,
				      .link = CHILD_LINK_LOCAL,
				      .jobs = WIRE_LINK_job_local,
				      .work = local_jobs_work,
				      .context = &common,
				      .spool = &common.spool,
				      .hear = local_jobs_hear,
				      .lists = &common.known,
				      .domain = {.name = "example.com", .recipients = "/list"}};

/* A copy, then a notice. */
START_TEST(a_copy_and_a_notice)
{
	struct fixture f;
	uint64_t number;
	char path[256];
	struct wire_arrived arrived;
	set_up(&f, 1);
	int job_link = receive_worker(&f, &number);
	int fds[] = {message(), memfd_create("journal", 0)};
	struct wire_job_copy copy = {.id = span_of(id), .folder = span_of(f.folder), .size = sizeof(HEAD BODY) - 1};
	send_packet(&f, job_link, wire_encode_job_copy(&copy, &f.out), fds, 1);
	ck_assert_uint_eq(receive_verdict(&f).event, JOURNAL_DELIVERED);
	snprintf(path, sizeof(path), "%s/%s.eml", f.folder, id);
	ck_assert_int_eq(access(path, R_OK), 0);

	ck_assert_int_eq(fd_write_all(fds[1], SPAN("2026-11-21T02:00:00Z 0 failed 550 5.1.1 mx no\n")), 0);
	struct wire_job_notice notice = {
		.id = span_of(id), .notice_id = SPAN("00000000BBBBBBBBBBBBBBBB"), .rcpts = {"\x01", 1}, .size = 1000};
	send_packet(&f, job_link, wire_encode_job_notice(&notice, &f.out), fds, 2);
	struct wire_verdict v = receive_verdict(&f);
	ck_assert(v.event == JOURNAL_NOTICED && v.journaled && v.first == 0 && v.last_of_job);
	receive(&f, f.arrivals[1]);
	ck_assert(wire_decode_arrived(f.packet.text, &arrived));
	ck_assert(span_starts(arrived.name, notice.notice_id));
	close(fds[0]);
	close(fds[1]);
	close(job_link);
	tear_down(&f, true);
}
END_TEST

/* Sends the list TEXT; the worker at JOB_LINK, which can't see it, ends. */
static void send_list(struct fixture *f, struct span text, int job_link)
{
	const struct wire_recipients news = {.file = SPAN("/list"), .present = true};
	int fd = fd_sealed("recipients", text);
	ck_assert_int_ge(fd, 0);
	send_packet(f, f->control[0], wire_encode_recipients(&news, &f->out), &fd, 1);
	close(fd);
	expect_end(f, job_link);
}

/* The head of the notice that a worker at JOB_LINK writes about a failure. */
static void write_notice(struct fixture *f, int job_link, char head[200])
{
	char path[256];
	struct wire_arrived arrived;
	int fds[] = {message(), memfd_create("journal", 0)};
	const struct wire_job_notice notice = {
		.id = span_of(id), .notice_id = SPAN("00000000BBBBBBBBBBBBBBBB"), .rcpts = {"\x01", 1}, .size = 1000};
	ck_assert_int_eq(fd_write_all(fds[1], SPAN("2026-11-21T02:00:00Z 0 failed 550 5.1.1 mx no\n")), 0);
	send_packet(f, job_link, wire_encode_job_notice(&notice, &f->out), fds, 2);
	ck_assert_uint_eq(receive_verdict(f).event, JOURNAL_NOTICED);
	receive(f, f->arrivals[1]);
	ck_assert(wire_decode_arrived(f->packet.text, &arrived));
	snprintf(path, sizeof(path), "%s/%.*s", f->base, SPAN_ARGS(arrived.name));
	int file = open(path, O_RDONLY);
	memset(head, 0, 200);
	ck_assert_int_gt(read(file, head, 199), 0);
	close(file);
	close(fds[0]);
	close(fds[1]);
}

/* Workers that were forked before the list came have no part in it. */
START_TEST(a_notice_follows_an_alias)
{
	struct fixture f;
	uint64_t number;
	char head[200];
	set_up(&f, 1);
	send_list(&f, SPAN("a: b c@example.net\nb\n"), receive_worker(&f, &number));
	int job_link = receive_worker(&f, &number);
	write_notice(&f, job_link, head);
	ck_assert_msg(span_starts(span_of(head), SPAN("x-sender: <>\r\nx-receiver: b@example.com\r\n"
						      "x-receiver: c@example.net\r\nReceived:")),
		      "%s", head);
	close(job_link);
	tear_down(&f, true);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("local_pool");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, a_copy_and_a_notice);
	tcase_add_test(all, a_notice_follows_an_alias);
	tcase_add_test(all, packets_for_others);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
