/* Mail of the pickup folder and of sendmail through filters: what they see, and what becomes of the file. */
#include "common/mail/msgid.h"
#include "t/unit/door_fixture.h"
#include "t/unit/filter_fixture.h"
#include "t/unit/known_fixture.h"
#include "t/unit/suite.h"

static const char text[] = "x-sender: a@example.com\r\nx-receiver: b@example.net\r\nx-receiver: c@example.net\r\n"
			   "From: a@example.com\r\nSubject: s\r\n\r\nbody\r\n";

static struct door d;
static struct fake *fake;
static char sent[8192];

static void begin(const char *settings)
{
	char lines[512];
	snprintf(lines, sizeof(lines), "filter first { address inet:127.0.0.1:1; %s }\n", settings);
	fake = fake_begin(0, "first");
	door_open_as(&d, lines);
	d.file.services = &fake_services;
	put(&d, span_of(text));
}

static void finish(void)
{
	spool_release(&d.store.file);
	door_close(&d);
	fake_free();
}

static enum pickup_result send_file(void)
{
	enum pickup_result result = pickup_file_send(&d.file, claimed, "a.eml", id_text);
	fake_join();
	return result;
}

/* Removes new/, which only succeeds if it is empty. */
static bool new_is_empty(void)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/new", d.folder);
	return rmdir(path) == 0;
}

static const char *message(void)
{
	sent[read_sent(&d, sent, sizeof(sent) - 1)] = '\0';
	return sent;
}

START_TEST(a_filter_sees_localhost_and_edits)
{
	begin("");
	FAKE_ANSWER(fake, 'E', 'h', "X-Spam\0no\0");
	FAKE_ANSWER(fake, 'E', '-', "<c@example.net>\0");
	FAKE_ANSWER(fake, 'E', 'c', "");
	ck_assert_msg(send_file() == PICKUP_SENT, "%s", d.file.why);
	ck_assert(!is_there(&d));
	ck_assert_str_eq(str_text(&fake->letters), "OCHMRRTLLLLNBEQ");
	const char *seen = str_text(&fake->seen);
	ck_assert_ptr_nonnull(strstr(seen, "C localhost|4"));
	ck_assert_ptr_nonnull(strstr(seen, "|127.0.0.1|\n"));
	ck_assert_ptr_nonnull(
		strstr(seen, "H localhost|\nM <a@example.com>|\nR <b@example.net>|\nR <c@example.net>|\n"));
	ck_assert_ptr_nonnull(strstr(seen, "B body\r\n\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&fake->macros), "0123456789ABCDEFGHJKMNPQ"));
	struct msgname name;
	ck_assert(msgname_parse(span_of(d.store.file.name), &name));
	ck_assert_ptr_nonnull(strstr(message(), "\r\nX-Spam: no\r\n"));
	ck_assert_uint_eq(name.size, strlen(sent));
	ck_assert_ptr_null(strstr(sent, "c@example.net"));
	ck_assert_ptr_nonnull(strstr(sent, "x-receiver: b@example.net\r\n"));
	ck_assert_uint_eq(d.file.message.rcpt_count, 1);
	ck_assert_uint_gt(d.file.message.octets, d.file.octets);
	ck_assert_str_eq(d.file.message.sender, "a@example.com");
	finish();
}
END_TEST

START_TEST(quarantine_holds)
{
	begin("");
	FAKE_ANSWER(fake, 'E', 'q', "looks bad\0");
	FAKE_ANSWER(fake, 'E', 'c', "");
	ck_assert_msg(send_file() == PICKUP_SENT, "%s", d.file.why);
	ck_assert_ptr_nonnull(strstr(message(), "\r\nx-mailroot-hold: filter first: looks bad\r\n"));
	finish();
}
END_TEST

/* As by SMTP: a filter sees the members of an alias, but may remove the alias, too. */
START_TEST(removing_an_alias_keeps_a_member_that_the_file_names)
{
	begin("}\nlocal_domain example.com { recipients /list");
	force_list(&known, "/list", SPAN("ann\nbob\nteam: ann bob\n"));
	put(&d, SPAN("x-sender: a@example.com\r\nx-receiver: team\r\nx-receiver: bob\r\nSubject: s\r\n\r\nbody\r\n"));
	FAKE_ANSWER(fake, 'E', '-', "<team@example.com>\0");
	FAKE_ANSWER(fake, 'E', 'c', "");
	ck_assert_msg(send_file() == PICKUP_SENT, "%s", d.file.why);
	ck_assert_ptr_nonnull(strstr(message(), "x-receiver: bob@example.com\r\n"));
	ck_assert_ptr_null(strstr(sent, "ann@example.com"));
	finish();
}
END_TEST

/* A program writes more to the file while the filter looks at its content. */
static void write_more(void *context, const char *name)
{
	(void)context;
	if (!name || !d.file.octets)
		return;
	int fd = openat(d.folder_fd, claimed, O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_eq(fd_write_all(fd, SPAN("more\r\n")), 0);
	fd_close(&fd);
}

START_TEST(a_file_that_grows_meanwhile_stays)
{
	struct filter_services services = fake_services;
	services.waiting = write_more;
	begin("");
	d.file.services = &services;
	FAKE_ANSWER(fake, 'E', "cd"[_i], "");
	ck_assert_int_eq(send_file(), PICKUP_LATER);
	ck_assert(is_there(&d));
	ck_assert(new_is_empty());
	finish();
}
END_TEST

/* The answer to a command, and what becomes of the file. */
static const struct {
	char command, answer;
	const char *text; /* of the answer y */
	enum pickup_result result;
	const char *why;
} answers[] = {
	{'E', 'r', NULL, PICKUP_BAD, "filter first refuses it"},
	{'E', 't', NULL, PICKUP_LATER, "filter first refuses it for now"},
	{'E', 'd', NULL, PICKUP_DISCARDED, ""},
	{'E', 'y', "550 5.7.1 a virus: \"x\"", PICKUP_BAD, "filter first refuses it: 550 a virus: 'x'"},
	{'E', 'y', "451 4.7.1 not now", PICKUP_LATER, "filter first refuses it: 451 not now"},
	{'E', 'a', NULL, PICKUP_SENT, ""},
	{'R', 'r', NULL, PICKUP_BAD, "filter first refuses it"},
	{'M', 'y', "550 5.7.1 not you", PICKUP_BAD, "filter first refuses it: 550 not you"},
	{'M', 'd', NULL, PICKUP_DISCARDED, ""},
	{'M', 'a', NULL, PICKUP_SENT, ""},
	{'C', 'a', NULL, PICKUP_SENT, ""},
	{'C', 'r', NULL, PICKUP_BAD, "filter first refuses it"},
	{'H', 't', NULL, PICKUP_LATER, "filter first refuses it for now"},
};
enum { ANSWERS = sizeof(answers) / sizeof(answers[0]) };

START_TEST(each_answer)
{
	char octets[64] = "";
	size_t len = 0;
	begin("");
	if (answers[_i].text)
		len = (size_t)snprintf(octets, sizeof(octets), "%s", answers[_i].text) + 1;
	fake_answer(fake, answers[_i].command, answers[_i].answer, octets, len);
	ck_assert_int_eq(send_file(), answers[_i].result);
	ck_assert_str_eq(d.file.why, answers[_i].why);
	ck_assert(is_there(&d) == (answers[_i].result == PICKUP_BAD || answers[_i].result == PICKUP_LATER));
	if (answers[_i].result == PICKUP_SENT)
		message();
	ck_assert(new_is_empty());
	finish();
}
END_TEST

/* The sender of a discarded message knows as much as without the filter. */
START_TEST(the_notice_of_a_discarded_message)
{
	char name[MSGNAME_MAX + 1], path[256], notice[8192] = "";
	begin("");
	put(&d, SPAN("From: a@example.com\r\nTo: b@example.net, no address at all\r\n\r\nbody\r\n"));
	fake_answer(fake, "ME"[_i], 'd', "", 0);
	ck_assert_int_eq(send_file(), PICKUP_DISCARDED);
	ck_assert(!is_there(&d));
	snprintf(name, sizeof(name), "%s", d.file.notice.name);
	snprintf(path, sizeof(path), "%s/new/%s", d.folder, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(read(fd, notice, sizeof(notice) - 1), 0);
	fd_close(&fd);
	ck_assert_ptr_nonnull(strstr(notice, "x-receiver: a@example.com\r\n"));
	ck_assert_ptr_nonnull(strstr(notice, "no address at all"));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert(new_is_empty());
	finish();
}
END_TEST

enum { ABSENT, DIES_AT_MAIL, DIES_AT_END, STALLS, MANNERS };
static const struct {
	const char *when_down;
	enum pickup_result result;
} downs[] = {
	{"tempfail", PICKUP_LATER},
	{"reject", PICKUP_BAD},
	{"accept", PICKUP_SENT},
	{"hold", PICKUP_SENT},
};
enum { DOWNS = sizeof(downs) / sizeof(downs[0]) };

/* Whatever the filter wanted before it broke off: nothing of it is done. */
START_TEST(each_when_down)
{
	char settings[128];
	int manner = _i % MANNERS, row = _i / MANNERS;
	snprintf(settings, sizeof(settings), "when_down %s; timeout connect 1s command 1s content 1s",
		 downs[row].when_down);
	begin(settings);
	fake->absent = manner == ABSENT ? ECONNREFUSED : 0;
	fake->deeds['M'] = manner == DIES_AT_MAIL ? FAKE_DIES : FAKE_ANSWERS;
	if (manner == STALLS)
		FAKE_ANSWER(fake, 'E', 'h', "X-Spam\0half\0");
	fake->deeds['E'] = manner == DIES_AT_END ? FAKE_DIES : FAKE_ANSWERS;
	ck_assert_int_eq(send_file(), downs[row].result);
	if (downs[row].result == PICKUP_SENT) {
		ck_assert(!is_there(&d));
		bool held = strstr(message(), "\r\nx-mailroot-hold: filter first is down: ") != NULL;
		ck_assert(held == !strcmp(downs[row].when_down, "hold"));
		ck_assert_ptr_null(strstr(sent, "half"));
		ck_assert_ptr_nonnull(strstr(sent, "\r\n\r\nbody\r\n"));
	} else {
		ck_assert(is_there(&d));
		ck_assert_msg(strstr(d.file.why, "filter first is down: ") == d.file.why, "%s", d.file.why);
	}
	ck_assert(new_is_empty());
	finish();
}
END_TEST

START_TEST(only_the_mail_that_it_is_for)
{
	static const struct {
		const char *only;
		bool maildrop, asked;
	} rows[] = {{"smtp", false, false},
		    {"smtp", true, false},
		    {"pickup", false, true},
		    {"pickup", true, false},
		    {"sendmail", true, true},
		    {"sendmail", false, false},
		    {"smtp pickup sendmail", true, true}};
	char settings[64];
	snprintf(settings, sizeof(settings), "only %s", rows[_i].only);
	begin(settings);
	d.file.maildrop = rows[_i].maildrop;
	struct msgname name = {.size = sizeof(text) - 1};
	char own[MSGNAME_MAX];
	memcpy(name.id, id_text, sizeof(name.id));
	msgname_format(&name, own);
	ck_assert_int_eq(pickup_file_send(&d.file, claimed, own, id_text), PICKUP_SENT);
	fake_join();
	ck_assert(rows[_i].asked == (fake->letters.len > 0));
	message();
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pickup_filter");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, a_filter_sees_localhost_and_edits);
	tcase_add_test(all, removing_an_alias_keeps_a_member_that_the_file_names);
	tcase_add_test(all, quarantine_holds);
	tcase_add_loop_test(all, a_file_that_grows_meanwhile_stays, 0, 2);
	tcase_add_loop_test(all, each_answer, 0, ANSWERS);
	tcase_add_loop_test(all, the_notice_of_a_discarded_message, 0, 2);
	tcase_add_loop_test(all, each_when_down, 0, MANNERS * DOWNS);
	tcase_add_loop_test(all, only_the_mail_that_it_is_for, 0, 7);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
