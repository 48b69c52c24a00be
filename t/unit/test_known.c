/* The files of recipients that a process gets from master, and what keeps a list in force. */
#include "common/recipients/known.h"
#include "smtpd/policy/rcpt_reply.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log_level.h"
#include "t/unit/config_fixture.h"
#include "t/unit/known_fixture.h"
#include "t/unit/suite.h"

static struct known known;
static struct str trouble;

static void setup(void)
{
	log_set_level(LOG_LEVEL_ERROR - 1);
	known = (struct known){0};
	str_init(&trouble, 1 << 16);
}

static void teardown(void)
{
	known_free(&known);
	str_free(&trouble);
}

static const char *complaint(void)
{
	str_clear(&trouble);
	known_trouble(&known, &trouble);
	return str_text(&trouble);
}

static bool take_as(const char *file, struct span text, bool reload)
{
	return give_list(&known, file, text, reload);
}

static bool take(struct span text)
{
	return take_as("/etc/list", text, false);
}

/* N recipients user0, user1 ... and BAD bad lines. */
static void take_many(unsigned n, unsigned bad, bool reload)
{
	struct str text;
	str_init(&text, 64 << 20);
	for (unsigned i = 0; i < n; i++)
		str_printf(&text, "user%u\n", i);
	for (unsigned i = 0; i < bad; i++)
		str_printf(&text, "user %u\n", i);
	take_as("/etc/list", str_span(&text), reload);
	str_free(&text);
}

static enum recipient_answer answer(const char *file, const char *local)
{
	struct recipient_finding found = {.answer = RECIPIENT_UNKNOWN};
	const struct known_lists *lists = known_lists(&known);
	for (size_t i = 0; i < lists->n; i++)
		if (strcmp(lists->at[i].file, file) == 0)
			recipient_map_find(lists->at[i].map, span_of(local), SPAN("example.com"), true, &found);
	return found.answer;
}

static bool has(const char *local)
{
	return answer("/etc/list", local) == RECIPIENT_KNOWN;
}

static void ck_state(bool used, bool good, size_t entries)
{
	struct known_state state;
	ck_assert(known_state(&known, 0, &state));
	ck_assert_str_eq(state.file, "/etc/list");
	ck_assert(state.used == used);
	ck_assert(state.good == good);
	ck_assert_uint_eq(state.entries, entries);
}

static void ck_complaint(const char *part)
{
	ck_assert_msg(strstr(complaint(), part), "%s", complaint());
}

START_TEST(newest_file_holds)
{
	ck_assert_ptr_null(known_lists(&known));
	ck_assert(take(SPAN("ann\nbob\n")));
	const struct known_lists *before = known_lists(&known);
	ck_assert(has("ann"));
	ck_assert(!take(SPAN("bob\ncat\n")));
	ck_assert(!has("ann") && has("cat"));
	ck_assert_ptr_ne(known_lists(&known), before); /* an older reader may still use it */
	ck_assert_uint_eq(recipient_map_entries(before->at[0].map), 2);
	ck_assert_str_eq(complaint(), "");
	ck_state(true, true, 2);
}
END_TEST

START_TEST(same_file_takes_no_memory)
{
	take(SPAN("ann\n"));
	const struct known_lists *before = known_lists(&known);
	for (int i = 0; i < 100; i++)
		ck_assert(!take(SPAN("ann\n")));
	ck_assert_ptr_eq(known_lists(&known), before);
}
END_TEST

START_TEST(files_stand_side_by_side)
{
	take(SPAN("ann\n"));
	take_as("/etc/other", SPAN("bob: ann\n"), false);
	take(SPAN("cat\n"));
	ck_assert(has("cat") && !has("bob"));
	ck_assert_int_eq(answer("/etc/other", "bob"), RECIPIENT_LEADS);
	ck_assert_int_eq(answer("/etc/other", "cat"), RECIPIENT_UNKNOWN);
}
END_TEST

/* Many versions of a large list: areas follow one another, and the lists move along. */
START_TEST(areas_follow_one_another)
{
	const struct snapshot *area = NULL;
	unsigned areas = 0;
	take_as("/etc/other", SPAN("bob\n"), false);
	for (unsigned i = 0; i < 20; i++) {
		const struct known_lists *before = known_lists(&known);
		take_many(20000 + i, 0, false);
		ck_assert(known_lists(&known) != before);
		ck_assert(has("user20") && !has("user20020"));
		ck_assert_int_eq(answer("/etc/other", "bob"), RECIPIENT_KNOWN);
		areas += known.snapshot != area;
		area = known.snapshot;
	}
	ck_assert_uint_gt(areas, 2);
	ck_assert_uint_lt(areas, 12);
}
END_TEST

START_TEST(missing_file_leaves_the_list)
{
	const struct wire_recipients missing = {.file = SPAN("/etc/list")};
	const struct wire_recipients closed = {.file = SPAN("/etc/list"), .why = SPAN("Permission denied")};
	known_take(&known, &missing, -1);
	ck_state(false, false, 0);
	ck_complaint("recipients /etc/list is missing; mail for its domains is put off with 451; correct it");
	take(SPAN("ann\n"));
	ck_assert_str_eq(complaint(), "");
	known_take(&known, &closed, -1);
	ck_complaint("recipients /etc/list can't be opened: Permission denied; the list before it stays in force");
	known_take(&known, &missing, -1);
	ck_assert(has("ann"));
	ck_state(true, false, 1);
	take(SPAN("ann\n"));
	ck_assert_str_eq(complaint(), "");
	ck_state(true, true, 1);
}
END_TEST

START_TEST(unreadable_file_leaves_the_list)
{
	const struct wire_recipients news = {.file = SPAN("/etc/list"), .present = true};
	take(SPAN("ann\n"));
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	known_take(&known, &news, fd);
	close(fd);
	ck_complaint("can't be read: Is a directory");
	take(SPAN("# nobody\n"));
	ck_complaint("has no recipient");
	take(SPAN(""));
	ck_complaint("has no recipient");
	take(SPAN("b\0o\0b\0\n\0"));
	ck_complaint("can't be used: it holds a NUL");
	ck_assert(has("ann"));
}
END_TEST

START_TEST(bad_lines_are_told)
{
	take(SPAN("ann\nbob\ncat\ndan\neve\nbob ann\n"));
	ck_assert_str_eq(complaint(),
			 "recipients /etc/list, line 6: there is text after the address; a colon is missing "
			 "if it leads elsewhere; this line is ignored\n");
	ck_state(true, true, 5);
	take(SPAN("")); /* the list stays, its lines are not told again until the file is back */
	ck_complaint("has no recipient");
	ck_assert_ptr_null(strstr(complaint(), "line 6"));
	take(SPAN("ann\nbob\ncat\ndan\neve\nbob ann\n"));
	ck_complaint("line 6");
	take_many(1000, 100, false);
	ck_complaint("recipients /etc/list has more such lines\n");
	ck_state(true, true, 1000);
}
END_TEST

START_TEST(shrunken_file_needs_a_reload)
{
	take_many(100, 0, false);
	take_many(80, 0, false); /* a fifth fewer is usual */
	ck_state(true, true, 80);
	take_many(63, 0, false);
	ck_state(true, false, 80);
	ck_complaint("has 63 recipients, and the list in force has 80; the list before it stays in force; if that is "
		     "meant: mailrootctl reload\n");
	ck_assert(has("user79"));
	take_many(63, 0, false);
	ck_state(true, false, 80);
	take_many(62, 0, true); /* not the one that was refused */
	ck_state(true, false, 80);
	take_many(62, 0, true);
	ck_state(true, true, 62);
	ck_assert(!has("user79"));
	ck_assert_str_eq(complaint(), "");
}
END_TEST

/* A reload for another reason must not take a file that no one has looked at. */
START_TEST(reload_alone_is_not_enough)
{
	take_many(100, 0, true);
	take_many(1, 0, true);
	ck_state(true, false, 100);
	take(SPAN(""));
	take_as("/etc/list", SPAN(""), true);
	take_as("/etc/list", SPAN(""), true);
	ck_state(true, false, 100);
}
END_TEST

START_TEST(small_lists_may_shrink)
{
	take_many(5, 0, false);
	take_many(1, 0, false);
	ck_state(true, true, 1);
}
END_TEST

START_TEST(file_with_many_bad_lines_is_none)
{
	take_many(3, 1, false);
	ck_state(false, false, 0);
	ck_complaint("has 1 bad lines beside 3 good ones; mail for its domains is put off");
	take_many(4, 1, false);
	ck_state(true, true, 4);
}
END_TEST

#define BLOCKS                                                                                                         \
	"local_domain host.example.com { recipients /etc/list }\nlocal_domain b.test { recipients /etc/b; tags no }\n" \
	"local_domain c.test { recipients /etc/list; unknown accept }\nremote_domain *.r.test { recipients /etc/r }\n"

static void ck_decision(const char *address, enum known_verdict verdict, const char *text)
{
	struct known_decision decision;
	struct address rcpt;
	const char *why;
	struct str to;
	str_init(&to, 4096);
	ck_assert(address_parse(span_of(address), &rcpt, &why));
	known_decide(&config.servers[0], known_lists(&known), &rcpt, &decision);
	ck_assert_msg(decision.verdict == verdict, "%s: %d", address, decision.verdict);
	if (verdict != KNOWN_UNLISTED)
		str_printf(&to, "%s:%u ", decision.origin.file, decision.origin.line);
	known_format(&decision, &to);
	ck_assert_str_eq(str_text(&to), text);
	ck_assert(known_accepts(verdict) == (rcpt_reply_known(verdict) == REPLY_NONE));
	str_free(&to);
}

START_TEST(decisions)
{
	build(SERVER(BLOCKS));
	ck_assert_msg(!report.errors, "%s", str_text(&report.text));
	ck_assert(!known_complete(&known, &config.servers[0]));
	ck_decision("ann@host.example.com", KNOWN_LATER,
		    "test.conf:2 recipients /etc/list of local_domain host.example.com can't be used, see `mailrootctl "
		    "status`: refused for now");
	take(SPAN("ann\nsales: ann bob@c.test\n"));
	take_as("/etc/b", SPAN("ann\n"), false);
	take_as("/etc/r", SPAN("@x.r.test\n"), false);
	ck_assert(known_complete(&known, &config.servers[0]));
	ck_decision("Ann+x@host.example.com", KNOWN_YES,
		    "/etc/list:1 recipients /etc/list of local_domain host.example.com has it: accepted");
	ck_decision(
		"sales@host.example.com", KNOWN_LEADS,
		"/etc/list:2 recipients /etc/list of local_domain host.example.com leads to ann bob@c.test: accepted");
	ck_decision("bob@host.example.com", KNOWN_NO,
		    "test.conf:2 recipients /etc/list of local_domain host.example.com does not have it, unknown is "
		    "reject: refused");
	ck_decision("postmaster@host.example.com", KNOWN_YES,
		    "test.conf:2 recipients /etc/list of local_domain host.example.com is not asked for a postmaster: "
		    "accepted");
	ck_decision(
		"ann+x@b.test", KNOWN_NO,
		"test.conf:3 recipients /etc/b of local_domain b.test does not have it, unknown is reject: refused");
	ck_decision("bob@c.test", KNOWN_TRIED,
		    "test.conf:4 recipients /etc/list of local_domain c.test does not have it, unknown is accept: "
		    "accepted");
	ck_decision("any@x.r.test", KNOWN_YES, "/etc/r:1 recipients /etc/r of remote_domain *.r.test has it: accepted");
	ck_decision("any@y.r.test", KNOWN_NO,
		    "test.conf:5 recipients /etc/r of remote_domain *.r.test does not have it, unknown is reject: "
		    "refused");
	ck_decision("any@r.test", KNOWN_UNLISTED, "");
	done();
}
END_TEST

START_TEST(files_that_are_no_longer_named_are_forgotten)
{
	build(SERVER(BLOCKS));
	take_as("/etc/old", SPAN("bob\n"), false);
	take(SPAN("ann\n"));
	take_as("/etc/older", SPAN("bob\n"), false);
	known_prune(&known, &config.servers[0]);
	ck_assert_uint_eq(known_lists(&known)->n, 1);
	ck_assert(has("ann"));
	ck_state(true, true, 1);
	done();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {newest_file_holds,
				      same_file_takes_no_memory,
				      files_stand_side_by_side,
				      areas_follow_one_another,
				      missing_file_leaves_the_list,
				      unreadable_file_leaves_the_list,
				      bad_lines_are_told,
				      shrunken_file_needs_a_reload,
				      reload_alone_is_not_enough,
				      small_lists_may_shrink,
				      file_with_many_bad_lines_is_none,
				      decisions,
				      files_that_are_no_longer_named_are_forgotten};
	return run_tests("known", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
