#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/ipc/ipc.h"
#include "delivery/report/verdict.h"
#include "t/unit/suite.h"

/* How many of the next sends fail, and with which errno. */
static struct {
	int count, err;
} failing;

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (failing.count-- > 0) {
		errno = failing.err;
		return -1;
	}
	return syscall(SYS_sendmsg, fd, message, flags);
}

static const char id[] = "00000000AAAAAAAAAAAAAAAA";

struct fixture {
	struct address rcpts[6];
	struct envelope envelope;
	struct arena arena;
	struct outcomes outcomes;
	struct verdict_job job;
	int ends[2];
	char packet[WIRE_PACKET_MAX];
};

static void decide(struct fixture *f, size_t rcpt, enum journal_event event, int code, const char *text)
{
	outcomes_decide(&f->outcomes, &f->outcomes.rcpts[rcpt],
			&(struct outcome){.event = event,
					  .code = code,
					  .enhanced = {5, 1, 1},
					  .host = SPAN("mx[192.0.2.1]:25"),
					  .text = span_of(text)});
}

static void set_up(struct fixture *f, int journal)
{
	*f = (struct fixture){.envelope = {.rcpts = f->rcpts, .rcpt_count = 6}};
	arena_init(&f->arena, OUTCOME_ARENA_MAX);
	ck_assert_int_eq(ipc_pair(f->ends, 100000), 0);
	ck_assert(outcomes_select(&f->outcomes, &f->arena, &f->envelope, (struct span){0}));
	f->job = (struct verdict_job){.link = f->ends[0],
				      .worker = 7,
				      .id = span_of(id),
				      .sender = SPAN("a@example.com"),
				      .journal = journal,
				      .connected = true,
				      .transactions = 2,
				      .reached = SPAN("192.0.2.1 25"),
				      .failed = SPAN("192.0.2.2 25\n")};
	decide(f, 0, JOURNAL_FAILED, 550, "no");
	decide(f, 1, JOURNAL_FAILED, 550, "no");
	decide(f, 2, JOURNAL_DELAYED, 450, "later");
	decide(f, 3, JOURNAL_DELIVERED, 250, "yes");
	decide(f, 4, JOURNAL_DELIVERED, 250, "yes");
	decide(f, 5, JOURNAL_DELIVERED, 250, "yes\x01 too");
}

static void tear_down(struct fixture *f)
{
	struct ipc_packet packet;
	ck_assert_int_eq(ipc_receive(f->ends[1], f->packet, sizeof(f->packet), MSG_DONTWAIT, &packet), -EAGAIN);
	close(f->ends[0]);
	close(f->ends[1]);
	arena_free(&f->arena);
}

static struct wire_verdict receive(struct fixture *f)
{
	struct ipc_packet packet;
	struct wire_verdict v;
	ck_assert_int_eq(ipc_receive(f->ends[1], f->packet, sizeof(f->packet), MSG_DONTWAIT, &packet), 0);
	ck_assert(wire_decode_verdict(packet.text, &v));
	ck_assert(span_equal(v.id, span_of(id)) && v.worker == 7 && v.connected);
	/* What concerns the whole job is reported once, at its end. */
	ck_assert_uint_eq(v.transactions, v.last_of_job ? f->job.transactions : 0);
	ck_assert(span_equal(v.reached, v.last_of_job ? f->job.reached : SPAN("")));
	ck_assert(span_equal(v.failed, v.last_of_job ? f->job.failed : SPAN("")));
	return v;
}

static void expect(struct fixture *f, unsigned first, unsigned last, enum journal_event event, bool journaled, bool end)
{
	struct wire_verdict v = receive(f);
	ck_assert_msg(v.first == first && v.last == last && v.event == event && v.journaled == journaled &&
			      v.last_of_job == end,
		      "%u-%u", (unsigned)v.first, (unsigned)v.last);
	ck_assert(span_equal(v.enhanced, SPAN("5.1.1")) && span_equal(v.host, SPAN("mx[192.0.2.1]:25")));
}

START_TEST(packets)
{
	struct fixture f;
	set_up(&f, -1);
	verdict_send(&f.job, &f.outcomes);
	expect(&f, 0, 1, JOURNAL_FAILED, false, false);
	expect(&f, 2, 2, JOURNAL_DELAYED, false, false);
	expect(&f, 3, 4, JOURNAL_DELIVERED, false, false);
	expect(&f, 5, 5, JOURNAL_DELIVERED, false, true);
	tear_down(&f);
}
END_TEST

/* The worker waits while an error may pass: if it ended instead, the recipients would get a second copy. */
START_TEST(sends_that_fail)
{
	static const int errs[] = {ENOBUFS, ENOMEM, EIO, EAGAIN};
	for (size_t i = 0; i < sizeof(errs) / sizeof(errs[0]); i++) {
		struct fixture f;
		set_up(&f, -1);
		failing.count = 3;
		failing.err = errs[i];
		verdict_send(&f.job, &f.outcomes);
		expect(&f, 0, 1, JOURNAL_FAILED, false, false);
		expect(&f, 2, 2, JOURNAL_DELAYED, false, false);
		expect(&f, 3, 4, JOURNAL_DELIVERED, false, false);
		expect(&f, 5, 5, JOURNAL_DELIVERED, false, true);
		tear_down(&f);
	}
}
END_TEST

/* Only final outcomes are in the journal, and the verdict says that they are. */
START_TEST(journal)
{
	struct fixture f;
	struct str text;
	struct span rest, line;
	struct journal_line parsed;
	int fd = memfd_create("journal", 0), count = 0;
	ck_assert(fcntl(fd, F_SETFL, O_APPEND) == 0);
	ck_assert_int_eq(fd_write_all(fd, SPAN("before\n")), 0);
	set_up(&f, fd);
	verdict_send(&f.job, &f.outcomes);
	expect(&f, 0, 1, JOURNAL_FAILED, true, false);
	expect(&f, 2, 2, JOURNAL_DELAYED, false, false);
	expect(&f, 3, 4, JOURNAL_DELIVERED, true, false);
	expect(&f, 5, 5, JOURNAL_DELIVERED, true, true);
	str_init(&text, 10000);
	lseek(fd, 0, SEEK_SET);
	ck_assert_int_eq(fd_read_all(fd, &text), 0);
	rest = str_span(&text);
	ck_assert(span_line(&rest, &line) && span_equal(line, SPAN("before")));
	static const uint32_t firsts[] = {0, 3, 5}, lasts[] = {1, 4, 5};
	while (span_line(&rest, &line)) {
		ck_assert(count < 3 && journal_parse(line, &parsed));
		ck_assert_uint_eq(parsed.first, firsts[count]);
		ck_assert_uint_eq(parsed.last, lasts[count]);
		ck_assert_int_ne(parsed.event, JOURNAL_DELAYED);
		count++;
	}
	ck_assert_int_eq(count, 3);
	str_free(&text);
	close(fd);
	tear_down(&f);
}
END_TEST

/* If the journal can't be written, the packets are sent and say so. */
START_TEST(broken_journal)
{
	struct fixture f;
	int fd = open("/dev/full", O_WRONLY | O_APPEND);
	ck_assert_int_ge(fd, 0);
	set_up(&f, fd);
	verdict_send(&f.job, &f.outcomes);
	expect(&f, 0, 1, JOURNAL_FAILED, false, false);
	expect(&f, 2, 2, JOURNAL_DELAYED, false, false);
	expect(&f, 3, 4, JOURNAL_DELIVERED, false, false);
	expect(&f, 5, 5, JOURNAL_DELIVERED, false, true);
	close(fd);
	tear_down(&f);
}
END_TEST

START_TEST(nothing_tried)
{
	struct fixture f;
	set_up(&f, -1);
	verdict_send_none(&f.job, 4, "input/output error");
	struct wire_verdict v = receive(&f);
	ck_assert(v.first == 4 && v.last == 4 && v.event == JOURNAL_DELAYED && v.last_of_job && !v.journaled);
	ck_assert_uint_eq(v.code, 451);
	ck_assert(span_equal(v.text, SPAN("input/output error")) && v.host.len == 0);
	tear_down(&f);
}
END_TEST

/* The longest texts fit into the packet. */
START_TEST(longest)
{
	struct fixture f;
	char text[3000];
	memset(text, 'x', sizeof(text));
	set_up(&f, -1);
	for (size_t i = 0; i < 6; i++)
		outcomes_decide(&f.outcomes, &f.outcomes.rcpts[i],
				&(struct outcome){.event = JOURNAL_FAILED,
						  .code = 599,
						  .enhanced = {5, 999, 999},
						  .host = {text, 3000},
						  .text = {text, 3000}});
	verdict_send(&f.job, &f.outcomes);
	struct wire_verdict v = receive(&f);
	ck_assert(v.first == 0 && v.last == 5 && v.host.len == 300 && v.text.len == 512);
	tear_down(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("verdict");
	TCase *all = tcase_create("all");
	tcase_add_test(all, packets);
	tcase_add_test(all, sends_that_fail);
	tcase_add_test(all, journal);
	tcase_add_test(all, broken_journal);
	tcase_add_test(all, nothing_tried);
	tcase_add_test(all, longest);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
