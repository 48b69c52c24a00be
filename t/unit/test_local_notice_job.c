/* The job that writes a notice: the file in the spool, what the queue is told, and the outcome of each recipient. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/ipc/ipc.h"
#include "common/mail/msgid.h"
#include "delivery/local/local.h"
#include "t/unit/known_fixture.h"
#include "t/unit/notice_sample.h"
#include "t/unit/suite.h"

struct fixture {
	char folder[64];
	struct spool spool;
	struct config_server server;
	struct config_local_domain domain;
	struct known known;
	struct local local;
	struct arena arena;
	struct outcomes outcomes;
	int arrivals[2];
	int message, journal;
};

static int memory_file(struct span text)
{
	int fd = memfd_create("file", 0);
	ck_assert_int_eq(fd_write_all(fd, text), 0);
	return fd;
}

static void set_up(struct fixture *f, struct span journal)
{
	memset(f, 0, sizeof(*f));
	strcpy(f->folder, "/tmp/mailroot-notice-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->folder));
	int fd = open(f->folder, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(spool_probe(fd, &f->spool), 0);
	f->server.fqdn = "mail.example.com";
	f->server.default_domain = f->domain.name = "example.com";
	f->server.local_domains = &f->domain;
	f->server.local_domain_count = 1;
	ck_assert_int_eq(ipc_pair(f->arrivals, 100000), 0);
	local_open(&f->local, &f->spool, &f->server, &f->known, f->arrivals[0]);
	arena_init(&f->arena, OUTCOME_ARENA_MAX);
	f->message = memory_file(SPAN("x-sen\nSubject: z\r\n\r\ntext\r\n"));
	f->journal = memory_file(journal);
}

static void tear_down(struct fixture *f)
{
	char command[128];
	local_close(&f->local);
	arena_free(&f->arena);
	close(f->spool.new_fd);
	close(f->arrivals[0]);
	close(f->arrivals[1]);
	close(f->message);
	close(f->journal);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->folder);
	ck_assert_int_eq(system(command), 0);
}

static bool tell(struct fixture *f, const char *bitmap)
{
	struct wire_job_notice job = {
		.id = SPAN("00000000AAAAAAAAAAAAAAAA"), .notice_id = span_of(notice_id), .size = 26};
	const char *why;
	ck_assert(outcomes_select(&f->outcomes, &f->arena, &envelope, (struct span){bitmap, bitmap ? 1 : 0}));
	return local_notice(&f->local, &job, f->message, f->journal, &envelope, &f->outcomes, &why);
}

static bool arrived(struct fixture *f, char name[MSGNAME_MAX])
{
	char buffer[1000];
	struct ipc_packet packet;
	struct wire_arrived wire;
	if (ipc_receive(f->arrivals[1], buffer, sizeof(buffer), MSG_DONTWAIT, &packet) < 0)
		return false;
	return wire_decode_arrived(packet.text, &wire) && span_copy(wire.name, name, MSGNAME_MAX);
}

START_TEST(commits_and_tells)
{
	struct fixture f;
	char name[MSGNAME_MAX], path[256];
	set_up(&f, SPAN(journal_text));
	ck_assert(tell(&f, NULL));
	ck_assert_uint_eq(f.outcomes.n, 2);
	ck_assert_uint_eq(f.outcomes.rcpts[1].ordinal, 3);
	ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_NOTICED);
	ck_assert(arrived(&f, name));
	ck_assert(span_starts(span_of(name), span_of(notice_id)));
	snprintf(path, sizeof(path), "%s/%s", f.folder, name);
	int fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(spool_lock(fd), 0);
	close(fd);
	tear_down(&f);
}
END_TEST

/* As after a crash before it was recorded: there is one notice, and it is announced again, or the queue would not
 * find it. */
START_TEST(commits_once_and_tells_again)
{
	struct fixture f;
	char first[MSGNAME_MAX], again[MSGNAME_MAX];
	set_up(&f, SPAN(journal_text));
	ck_assert(tell(&f, NULL));
	ck_assert(arrived(&f, first));
	ck_assert(tell(&f, NULL));
	ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_NOTICED);
	ck_assert(arrived(&f, again));
	ck_assert_str_eq(first, again);
	tear_down(&f);
}
END_TEST

static void list(struct fixture *f, struct span text)
{
	f->domain.recipients = "/list";
	give_list(&f->known, "/list", text, false);
}

/* A notice that was committed before a crash counts, although its alias leads elsewhere since. */
START_TEST(commits_once_whatever_the_list_says)
{
	struct fixture f;
	char first[MSGNAME_MAX], again[MSGNAME_MAX], path[256], text[200] = "";
	set_up(&f, SPAN(journal_text));
	list(&f, SPAN("a: b\nb\n"));
	ck_assert(tell(&f, NULL));
	ck_assert(arrived(&f, first));
	list(&f, SPAN("a: c\nb\n"));
	ck_assert(tell(&f, NULL));
	ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_NOTICED);
	ck_assert(arrived(&f, again));
	ck_assert_str_eq(first, again);
	snprintf(path, sizeof(path), "%s/%s", f.folder, again);
	int fd = open(path, O_RDONLY);
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	ck_assert_ptr_nonnull(strstr(text, "x-receiver: b@example.com\r\nReceived: "));
	known_free(&f.known);
	tear_down(&f);
}
END_TEST

START_TEST(only_for_those_of_the_job)
{
	struct fixture f;
	char name[MSGNAME_MAX];
	set_up(&f, SPAN(journal_text));
	ck_assert(tell(&f, "\x0e"));
	ck_assert_uint_eq(f.outcomes.n, 1);
	ck_assert_uint_eq(f.outcomes.rcpts[0].ordinal, 3);
	ck_assert(arrived(&f, name));
	tear_down(&f);
}
END_TEST

START_TEST(nobody_to_tell)
{
	struct fixture f;
	char name[MSGNAME_MAX];
	set_up(&f, SPAN("2026-11-21T02:00:00Z * delivered 250 2.0.0 mx[192.0.2.1]:25 ok\n"));
	ck_assert(!tell(&f, NULL));
	ck_assert(!arrived(&f, name));
	tear_down(&f);
	set_up(&f, SPAN(journal_text));
	struct address sender = envelope.sender;
	envelope.sender = (struct address){0};
	ck_assert(tell(&f, NULL));
	envelope.sender = sender;
	ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_NOTICED);
	ck_assert(!arrived(&f, name));
	tear_down(&f);
}
END_TEST

START_TEST(whole_message_is_copied)
{
	struct fixture f;
	char name[MSGNAME_MAX], path[256], text[8192] = "";
	set_up(&f, SPAN(journal_text));
	envelope.dsn.ret = DSN_RET_FULL;
	ck_assert(tell(&f, NULL));
	envelope.dsn.ret = DSN_RET_UNSAID;
	ck_assert(arrived(&f, name));
	snprintf(path, sizeof(path), "%s/%s", f.folder, name);
	int fd = open(path, O_RDONLY);
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	const char *whole = strstr(text, "Content-Type: message/rfc822\r\n\r\nSubject: z\r\n\r\ntext\r\n\r\n--=_");
	ck_assert_ptr_nonnull(whole);
	tear_down(&f);
}
END_TEST

START_TEST(warns_of_a_delay)
{
	struct fixture f;
	char name[MSGNAME_MAX];
	set_up(&f, SPAN("2026-11-21T02:00:00Z 0 failed 550 5.1.1 mx[192.0.2.1]:25 no\n" DELAYED("02:00", "1-3")));
	ck_assert(tell(&f, "\x03"));
	ck_assert_uint_eq(f.outcomes.n, 2);
	ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_NOTICED);
	ck_assert_int_eq(f.outcomes.rcpts[1].outcome->event, JOURNAL_WARNED);
	ck_assert(arrived(&f, name));
	tear_down(&f);
}
END_TEST

START_TEST(delayed_when_it_cant_be_written)
{
	struct fixture f;
	char name[MSGNAME_MAX];
	set_up(&f, SPAN(journal_text));
	struct spool nowhere = {.new_fd = open("/dev/null", O_RDONLY), .unnamed = true};
	f.local.spool = &nowhere;
	ck_assert(tell(&f, NULL));
	ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_DELAYED);
	ck_assert(!arrived(&f, name));
	close(nowhere.new_fd);
	tear_down(&f);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		commits_and_tells,
		commits_once_and_tells_again,
		commits_once_whatever_the_list_says,
		only_for_those_of_the_job,
		nobody_to_tell,
		whole_message_is_copied,
		warns_of_a_delay,
		delayed_when_it_cant_be_written,
	};
	return run_tests("notice_job", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
