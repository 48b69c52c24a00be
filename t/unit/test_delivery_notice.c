#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/host/ipc.h"
#include "common/mail/msgid.h"
#include "delivery/local.h"
#include "delivery/notice.h"

static const char notice_id[] = "00000000BBBBBBBBBBBBBBBB";

static const char journal_text[] =
	"2026-11-21T01:00:00Z 0-2 delayed 451 4.3.0 mx.example.net[192.0.2.1]:25 later\n"
	"2026-11-21T02:00:00Z 0-1 failed 550 5.1.1 mx.example.net[192.0.2.1]:25 no such user here\n"
	"2026-11-21T02:00:00Z 2 delivered 250 2.0.0 mx.example.net[192.0.2.1]:25 ok\n"
	"not a line of ours\n"
	"2026-11-21T02:00:00Z 3-4000000 failed 0 4.4.7 - could not be delivered for 2 days\n"
	"2026-11-21T02:30:00Z 1 noticed 0 - - 00000000CCCCCCCCCCCCCCCC\n"
	"2026-11-21T02:30:00Z 2 failed 550 5.1.1 mx.example.net[192.0.2.1]:25 torn";

START_TEST(folds_the_journal)
{
	struct notice_failure f[5];
	ck_assert_uint_eq(notice_failures(SPAN(journal_text), f, 5), 3);
	ck_assert(f[0].due && !f[1].due && !f[2].due && f[3].due && f[4].due);
	ck_assert(span_equal(f[0].line.text, SPAN("no such user here")));
	ck_assert(f[3].line.host.len == 0);
	ck_assert_uint_eq(notice_failures(SPAN(""), f, 5), 0);
	ck_assert_uint_eq(notice_failures(SPAN("2026-11-21T02:30:00Z * failed 0 4.4.7 - old\n"), f, 5), 5);
	ck_assert_uint_eq(notice_failures(SPAN("2026-11-21T02:30:00Z * failed 0 4.4.7 - old\n"
					       "2026-11-21T02:30:00Z 2-3 deleted 0 - - by an operator\n"),
					  f, 5),
			  3);
}
END_TEST

static struct address rcpts[4] = {{.text = SPAN("b@example.net")},
				  {.text = SPAN("c@example.net")},
				  {.text = SPAN("d@example.net")},
				  {.text = SPAN("e@example.net")}};
static struct envelope envelope = {
	.sender = {.text = SPAN("a@example.com")}, .rcpts = rcpts, .rcpt_count = 4, .body_at = 6};

static void write_notice(struct span journal, struct span headers, struct str *to)
{
	struct notice_failure failures[4];
	notice_failures(journal, failures, 4);
	struct notice notice = {"mail.example.com",
				"postmaster@example.com",
				span_of(notice_id),
				SPAN("THEIRS"),
				&envelope,
				failures,
				headers};
	str_init(to, NOTICE_MAX);
	notice_write(&notice, to);
	ck_assert(!to->failed);
}

/* What was written is a message of ours, of bounded lines, all CRLF, 7 bits. */
static void check_form(struct span text)
{
	struct arena arena;
	struct envelope parsed;
	const char *why;
	size_t column = 0;
	arena_init(&arena, 10000);
	ck_assert_int_eq(envelope_parse(text, true, &arena, &parsed, &why), ENVELOPE_OK);
	ck_assert_uint_eq(parsed.sender.text.len, 0);
	ck_assert_uint_eq(parsed.rcpt_count, 1);
	ck_assert(span_equal(parsed.rcpts[0].text, SPAN("a@example.com")));
	for (size_t i = 0; i < text.len; i++) {
		bool eol = text.at[i] == '\n';
		ck_assert(!eol || (i && text.at[i - 1] == '\r'));
		ck_assert(text.at[i] == '\n' || text.at[i] == '\r' || (text.at[i] >= ' ' && text.at[i] <= '~'));
		column = eol ? 0 : column + 1;
		ck_assert_uint_le(column, 998);
	}
	arena_free(&arena);
}

static bool holds(const struct str *text, const char *part)
{
	return strstr(str_text(text), part) != NULL;
}

START_TEST(says_what_is_known)
{
	struct str text;
	write_notice(
		SPAN(journal_text),
		SPAN("Received: by us\r\n\tfor them\r\nSubject: Invoice 7\r\nMessage-ID: <1@x>\r\n\r\nSECRET BODY\r\n"),
		&text);
	check_form(str_span(&text));
	ck_assert(holds(&text, "\r\nSubject: Undelivered: Invoice 7\r\n"));
	ck_assert(holds(&text, "\r\nFrom: Mail delivery <postmaster@example.com>\r\n"));
	ck_assert(holds(&text, "\r\nTo: <a@example.com>\r\n"));
	ck_assert(holds(&text, "\r\nAuto-Submitted: auto-replied\r\n"));
	ck_assert(holds(&text, "\r\nMessage-ID: <00000000BBBBBBBBBBBBBBBB@mail.example.com>\r\n"));
	ck_assert(holds(
		&text,
		"  <b@example.net>\r\n    mx.example.net[192.0.2.1]:25 said:\r\n    550 5.1.1 no such user here\r\n"));
	ck_assert(holds(&text, "typing mistake"));
	ck_assert(holds(&text, "  <e@example.net>\r\n    This server could not deliver it:\r\n    4.4.7 could not be "
			       "delivered for 2 days\r\n"));
	ck_assert(!holds(&text, "<c@example.net>") && !holds(&text, "<d@example.net>"));
	ck_assert(holds(&text, "  Message-ID: <1@x>\r\n"));
	ck_assert(holds(&text, "  Received: by us\r\n   for them\r\n"));
	ck_assert(!holds(&text, "SECRET"));
	str_free(&text);
}
END_TEST

/* The same facts, the same octets: a notice that is written twice has one name. */
START_TEST(is_the_same_again)
{
	struct str a, b;
	write_notice(SPAN(journal_text), SPAN("Subject: x\r\n\r\n"), &a);
	write_notice(SPAN(journal_text), SPAN("Subject: x\r\n\r\n"), &b);
	ck_assert(span_equal(str_span(&a), str_span(&b)));
	str_free(&a);
	str_free(&b);
}
END_TEST

/* Headers of a stranger: control characters, 8 bits, long lines, no end, folded or doubled subject. */
START_TEST(hostile_headers)
{
	char headers[NOTICE_HEADERS_MAX];
	struct str text;
	memset(headers, '\xe9', sizeof(headers));
	memcpy(headers, "Subject: a\x1b[2J\tb\r\n c\r\nX: \x7f\x01\r\nY: ", 32);
	write_notice(SPAN(journal_text), (struct span){headers, sizeof(headers)}, &text);
	check_form(str_span(&text));
	ck_assert(holds(&text, "Undelivered: a\\x1b[2J"));
	ck_assert_uint_lt(text.len, 8 * 1024);
	str_free(&text);
	write_notice(SPAN(journal_text), SPAN(""), &text);
	check_form(str_span(&text));
	ck_assert(holds(&text, "\r\nSubject: Undelivered mail\r\n"));
	str_free(&text);
}
END_TEST

/* Neighbours that failed alike share the words. */
START_TEST(groups)
{
	struct str text;
	write_notice(SPAN("2026-11-21T02:30:00Z * failed 550 5.7.1 mx[192.0.2.1]:25 spam\n"), SPAN(""), &text);
	check_form(str_span(&text));
	const char *first = strstr(str_text(&text), "550 5.7.1 spam");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "550 5.7.1 spam"));
	ck_assert(holds(&text,
			"  <b@example.net>\r\n  <c@example.net>\r\n  <d@example.net>\r\n  <e@example.net>\r\n    mx"));
	str_free(&text);
}
END_TEST

struct fixture {
	char folder[64];
	struct spool spool;
	struct config_server server;
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
	f->server.default_domain = "example.com";
	ck_assert_int_eq(ipc_pair(f->arrivals, 100000), 0);
	local_open(&f->local, &f->spool, &f->server, f->arrivals[0]);
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

static bool notice(struct fixture *f, const char *bitmap)
{
	struct wire_job_notice job = {.id = SPAN("00000000AAAAAAAAAAAAAAAA"), .notice_id = span_of(notice_id)};
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
	ck_assert(notice(&f, NULL));
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

/* As after a crash before it was recorded: there is one notice, and it is told of again, or nobody would look for it.
 */
START_TEST(commits_once_and_tells_again)
{
	struct fixture f;
	char first[MSGNAME_MAX], again[MSGNAME_MAX];
	set_up(&f, SPAN(journal_text));
	ck_assert(notice(&f, NULL));
	ck_assert(arrived(&f, first));
	ck_assert(notice(&f, NULL));
	ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_NOTICED);
	ck_assert(arrived(&f, again));
	ck_assert_str_eq(first, again);
	tear_down(&f);
}
END_TEST

START_TEST(only_for_those_of_the_job)
{
	struct fixture f;
	char name[MSGNAME_MAX];
	set_up(&f, SPAN(journal_text));
	ck_assert(notice(&f, "\x0e"));
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
	set_up(&f, SPAN("2026-11-21T02:00:00Z * delivered 250 2.0.0 - ok\n"));
	ck_assert(!notice(&f, NULL));
	ck_assert(!arrived(&f, name));
	tear_down(&f);
	set_up(&f, SPAN(journal_text));
	struct address sender = envelope.sender;
	envelope.sender = (struct address){0};
	ck_assert(notice(&f, NULL));
	envelope.sender = sender;
	ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_NOTICED);
	ck_assert(!arrived(&f, name));
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
	ck_assert(notice(&f, NULL));
	ck_assert_int_eq(f.outcomes.rcpts[0].outcome->event, JOURNAL_DELAYED);
	ck_assert(!arrived(&f, name));
	close(nowhere.new_fd);
	tear_down(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notice");
	TCase *all = tcase_create("all");
	tcase_add_test(all, folds_the_journal);
	tcase_add_test(all, says_what_is_known);
	tcase_add_test(all, is_the_same_again);
	tcase_add_test(all, hostile_headers);
	tcase_add_test(all, groups);
	tcase_add_test(all, commits_and_tells);
	tcase_add_test(all, commits_once_and_tells_again);
	tcase_add_test(all, only_for_those_of_the_job);
	tcase_add_test(all, nobody_to_tell);
	tcase_add_test(all, delayed_when_it_cant_be_written);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
