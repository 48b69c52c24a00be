/* The badmail folder: which mail is put there with its history, how it is sent again without loss or duplicates, and
 * how long it stays. */
#include "queue/operator/operate.h"
#include "queue/spool/badmail.h"
#include "queue/spool/badmail_sweep.h"
#include "queue/spool/resend.h"
#include "t/unit/queue_fixture.h"

static const int64_t DAY = INT64_C(24) * HOUR;

static char id[MSGID_LEN + 1];

static void setup(void)
{
	fixture_open("smart_host [192.0.2.1]\n remote_domain other.test { route [192.0.2.2] }\n badmail_max 64K");
}

static void teardown(void)
{
	fixture_close();
}

/* A message to two recipients in badmail; the first one has it. */
static void delete_half_delivered(void)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 2 * MINUTE, "app@example.net", "u@one.test v@one.test");
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_DELIVERED, 250, false);
	report(w, id, 1, 1, JOURNAL_DELAYED, 451, true);
	ck_assert_int_eq(operate_act(&f.loop.queue, known(id), ROW_DELETE), OPERATE_DONE);
	ck_assert_ptr_null(known(id));
	dismiss(w);
}

/* Sends ID again; false with WHY when that is refused. */
static bool resend(const char *which, char *why)
{
	struct badmail b;
	struct message as;
	struct resend_look look;
	if (badmail_look(f.loop.queue.store.badmail_fd, which, &b) < 0) {
		strcpy(why, "gone");
		return false;
	}
	struct loaded *w =
		badmail_loaded(f.loop.queue.store.badmail_fd, &b, &as, &f.loop.queue.arena, &f.loop.queue.text);
	bool ok = resend_begin(&f.loop.queue.store, &b, w, &look, why);
	if (w)
		loaded_free(w);
	if (!ok)
		return false;
	while (resend_read(&look))
		;
	return resend_put(&f.loop.queue.store, &f.loop.queue.messages, &b, &look, f.loop.queue.wall_ms, why);
}

START_TEST(deleted_mail_keeps_what_it_knows)
{
	struct badmail b;
	struct message as;
	size_t first;
	delete_half_delivered();
	ck_assert_int_eq(badmail_look(f.loop.queue.store.badmail_fd, id, &b), 0);
	ck_assert(b.deleted && b.has_log);
	ck_assert(strncmp(b.reason, BADMAIL_DELETED " on 20", strlen(BADMAIL_DELETED " on 20")) == 0);
	ck_assert_ptr_nonnull(strstr(read_file(path_of("badmail/%s.txt", id)), " 1 delayed 451 "));
	ck_assert(!exists(path_of("cur/%s.log", id)));
	struct loaded *w =
		badmail_loaded(f.loop.queue.store.badmail_fd, &b, &as, &f.loop.queue.arena, &f.loop.queue.text);
	ck_assert_ptr_nonnull(w);
	ck_assert_uint_eq(badmail_open_recipients(w, &first), 1);
	ck_assert_uint_eq(first, 1);
	loaded_free(w);
}
END_TEST

START_TEST(recipients_that_have_it_do_not_get_it_again)
{
	struct wire_job_smtp job;
	char why[RESEND_WHY_MAX];
	delete_half_delivered();
	ck_assert_msg(resend(id, why), "%s", why);
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 1);
	const struct message *m = f.loop.queue.messages.table;
	ck_assert_str_ne(m->id, id);
	ck_assert(!exists(path_of("badmail/%s.eml", id)));
	ck_assert(!exists(path_of("badmail/%s.txt", id)));
	ck_assert(!exists(path_of("badmail/%s.log", id)));
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_smtp(w, &job);
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], 2);
	char fresh[MSGID_LEN + 1];
	memcpy(fresh, m->id, sizeof(fresh));
	report(w, fresh, 1, 1, JOURNAL_DELIVERED, 250, true);
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
	dismiss(w);
}
END_TEST

/* The same if the queue dies right after the rename, before it knows of the message. */
START_TEST(a_restart_finds_what_was_sent_again)
{
	struct wire_job_smtp job;
	char why[RESEND_WHY_MAX];
	delete_half_delivered();
	ck_assert(resend(id, why));
	restart();
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_smtp(w, &job);
	ck_assert_uint_eq((unsigned char)job.rcpts.at[0], 2);
	expect_nothing(w);
	dismiss(w);
}
END_TEST

/* A journal that a crash left before the rename does not count: the message is still in badmail. */
START_TEST(before_the_rename_it_is_bad_mail)
{
	char other[MSGID_LEN + 1];
	delete_half_delivered();
	make_id(0, other);
	write_file(path_of("cur/%s.log", other), "2026-11-21T01:00:00Z * resent 0 - - by an operator\n");
	restart();
	turn();
	ck_assert(!exists(path_of("cur/%s.log", other)));
	ck_assert(exists(path_of("badmail/%s.eml", id)));
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
}
END_TEST

/* With two file systems cur/.ID.NEWNAME is a copy, which counts when the bad mail is removed. */
START_TEST(a_copy_counts_once_the_bad_mail_is_gone)
{
	struct wire_job_smtp job;
	char fresh[MSGID_LEN + 1], hidden[200];
	for (int gone = 0; gone < 2; gone++) {
		accept_message(id, 2 * MINUTE, "app@example.net", "u@one.test");
		ck_assert_int_eq(operate_act(&f.loop.queue, known(id), ROW_DELETE), OPERATE_DONE);
		make_id(0, fresh);
		size_t size = put_message("cur", fresh, "app@example.net", "u@one.test");
		snprintf(hidden, sizeof(hidden), "%s", path_of("cur/.%s.%s", id, name_of(fresh, size)));
		ck_assert_int_eq(rename(path_of("cur/%s", name_of(fresh, size)), hidden), 0);
		char torn[300];
		snprintf(torn, sizeof(torn), "%s", path_of("cur/..%s.%s", id, name_of(fresh, size)));
		write_file(torn, "x-sender: <");
		if (gone)
			ck_assert_int_eq(unlink(path_of("badmail/%s.eml", id)), 0);
		restart();
		turn();
		pass(61 * 1000);
		ck_assert(!exists(hidden));
		ck_assert(!exists(torn));
		ck_assert_int_eq(known(fresh) != NULL, gone);
	}
	struct hand *w = hire(&f.loop.queue.delivery);
	expect_smtp(w, &job);
	expect_nothing(w);
	dismiss(w);
}
END_TEST

/* A returned message without sender failed for all recipients: it is sent to all again. */
START_TEST(failures_are_open_again)
{
	struct wire_job_smtp job;
	char why[RESEND_WHY_MAX];
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 3 * DAY, "", "u@one.test v@one.test");
	expect_smtp(w, &job);
	report(w, id, 0, 1, JOURNAL_FAILED, 550, true);
	ck_assert(exists(path_of("badmail/%s.eml", id)));
	ck_assert(resend(id, why));
	expect_smtp(w, &job);
	ck_assert_uint_eq(job.rcpts.len, 0); /* all of them */
	char fresh[MSGID_LEN + 1];
	ck_assert(span_copy(job.id, fresh, sizeof(fresh)));
	report(w, fresh, 0, 1, JOURNAL_DELAYED, 451, true);
	ck_assert_int_eq(known(fresh)->state, MESSAGE_WAITING); /* its time to live starts again */
	dismiss(w);
}
END_TEST

START_TEST(what_was_never_accepted_is_not_sent)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"x-sender: a@b.test\r\nx-receiver: c@one.test\r\nSubject: x\r\n\r\nx\r\n",
		 "not a message that Mailroot accepted"},
		{"x-sender: a@b.test\r\nx-receiver: c@one.test\r\nSubject: x\r\n\r\nReceived: x\r\n",
		 "not a message that Mailroot accepted"},
		{"no envelope\r\n", "not a message that Mailroot accepted"},
		{"", "not a message that Mailroot accepted"},
		{"x-sender: a@b.test\r\nx-receiver: c@one.test\r\nReceived: x\r\n\r\nx\n", "do not end in CRLF"},
		{"x-sender: a@b.test\r\nx-receiver: c@one.test\r\nReceived: x\r\n\r\nx\rx\r\n", "do not end in CRLF"},
		{"x-sender: a@b.test\r\nx-receiver: c@one.test\r\nReceived: x\r\n\r\nx", "do not end in CRLF"},
		{"x-sender: a@b.test\r\nx-receiver: c@one.test\r\nReceived: x\r\n\r\n.\n.\r\n", "do not end in CRLF"},
	};
	char why[RESEND_WHY_MAX];
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make_id(0, id);
		write_file(path_of("badmail/%s.eml", id), bad[i].text);
		ck_assert(!resend(id, why));
		ck_assert_msg(strstr(why, bad[i].why) != NULL, "%zu: %s", i, why);
		ck_assert(exists(path_of("badmail/%s.eml", id)));
	}
	write_file(path_of("badmail/foreign.eml"),
		   "x-sender: a@b.test\r\nx-receiver: c@one.test\r\nReceived: x\r\n\r\n");
	ck_assert(!resend("foreign", why));
	ck_assert(!resend("../new/x", why));
	ck_assert(!resend("..", why));
	ck_assert_uint_eq(messages_count(&f.loop.queue.messages), 0);
}
END_TEST

START_TEST(eight_bits_are_known_again)
{
	char why[RESEND_WHY_MAX];
	make_id(0, id);
	write_file(path_of("badmail/%s.eml", id),
		   "x-sender: a@b.test\r\nx-receiver: c@one.test\r\nReceived: x\r\n\r\n\xc3\xa4\r\n");
	ck_assert_msg(resend(id, why), "%s", why);
	ck_assert(f.loop.queue.messages.table->eight_bit);
}
END_TEST

/* Filters may insert fields before our own. */
START_TEST(what_a_filter_has_changed_is_sent)
{
	char why[RESEND_WHY_MAX];
	make_id(0, id);
	write_file(path_of("badmail/%s.eml", id),
		   "x-sender: a@b.test\r\nx-mailroot-hold: spam\r\nx-receiver: c@one.test\r\nX-Spam: yes\r\n\tvery\r\n"
		   "Received: x\r\n\r\nx\r\n");
	ck_assert_msg(resend(id, why), "%s", why);
	turn();
	ck_assert_int_eq(f.loop.queue.messages.table->state, MESSAGE_ACTIVE); /* and is not held again */
}
END_TEST

/* Puts a bad mail of OCTETS that came here AGE_MS ago. */
static void put_bad(const char *name, size_t octets, int64_t age_ms, const char *reason)
{
	int64_t then = (f.loop.queue.wall_ms - age_ms) / 1000;
	const struct timespec times[2] = {{.tv_sec = then}, {.tv_sec = then}};
	write_file(path_of("badmail/%s.eml", name), "x");
	ck_assert_int_eq(truncate(path_of("badmail/%s.eml", name), (off_t)octets), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, path_of("badmail/%s.eml", name), times, 0), 0);
	if (!reason)
		return;
	write_file(path_of("badmail/%s.txt", name), reason);
	ck_assert_int_eq(utimensat(AT_FDCWD, path_of("badmail/%s.txt", name), times, 0), 0);
}

static void sweep(void)
{
	pass(SWEEP_EVERY_MS);
	for (int i = 0; i < 5; i++)
		pass(SWEEP_SLICE_MS);
}

static bool kept(const char *name)
{
	return exists(path_of("badmail/%s.eml", name));
}

START_TEST(old_mail_is_removed)
{
	put_bad("young", 10, 29 * DAY, "why\n");
	put_bad("old", 10, 31 * DAY, "why\n");
	put_bad("deleted", 10, 8 * DAY, BADMAIL_DELETED " on x.\n");
	put_bad("deleted2", 10, 6 * DAY, BADMAIL_DELETED " on x.\n");
	put_bad("foreign", 10, 300 * DAY, NULL); /* a foreign file: it has no reason */
	put_bad("future", 10, -300 * DAY, "why\n");
	write_file(path_of("badmail/readme.txt"), "mine\n");
	sweep();
	ck_assert(kept("young") && kept("deleted2") && kept("foreign") && kept("future"));
	ck_assert(!kept("old") && !kept("deleted"));
	ck_assert(!exists(path_of("badmail/old.txt")));
	ck_assert(exists(path_of("badmail/readme.txt")));
}
END_TEST

START_TEST(what_stays_is_counted)
{
	const struct badmail_found *found = &f.loop.queue.badmail;
	put_bad("young", 10, 3 * DAY, "why\n");
	put_bad("newer", 10, 2 * DAY, "why\n");
	put_bad("old", 10, 31 * DAY, "why\n");
	put_bad("deleted", 10, DAY, BADMAIL_DELETED " on x.\n");
	put_bad("foreign", 10, DAY, NULL);
	ck_assert(!found->known);
	sweep();
	ck_assert(found->known);
	ck_assert_uint_eq(found->messages, 2);
	ck_assert_int_eq(found->newest_ms / 1000, (f.loop.queue.wall_ms - SWEEP_EVERY_MS) / 1000 - 2 * DAY / 1000);
}
END_TEST

/* Long before the next walk is due. */
START_TEST(a_change_is_seen_soon)
{
	const struct badmail_found *found = &f.loop.queue.badmail;
	sweep();
	ck_assert_uint_eq(found->messages, 0);
	put_bad("m", 10, DAY, "why\n");
	for (int i = 0; i < 12; i++)
		pass(1000);
	ck_assert_uint_eq(found->messages, 1);
	ck_assert_int_eq(unlink(path_of("badmail/m.eml")), 0);
	for (int i = 0; i < 12; i++)
		pass(1000);
	ck_assert_uint_eq(found->messages, 0);
	ck_assert_int_eq(found->newest_ms, 0);
}
END_TEST

START_TEST(the_oldest_are_removed_when_there_are_too_many)
{
	char name[16];
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		put_bad(name, 10000, i * DAY, "why\n");
	}
	sweep();
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		ck_assert_int_eq(kept(name), i < 6); /* 64K */
	}
	sweep();
	ck_assert(kept("m5"));
}
END_TEST

/* All have the same time: no more are removed than necessary. */
START_TEST(no_more_are_removed_than_necessary)
{
	char name[16];
	int left = 0;
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		put_bad(name, 10000, DAY, "why\n");
	}
	sweep();
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		left += kept(name);
	}
	ck_assert_int_eq(left, 6);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		deleted_mail_keeps_what_it_knows,
		recipients_that_have_it_do_not_get_it_again,
		a_restart_finds_what_was_sent_again,
		before_the_rename_it_is_bad_mail,
		a_copy_counts_once_the_bad_mail_is_gone,
		failures_are_open_again,
		what_was_never_accepted_is_not_sent,
		eight_bits_are_known_again,
		what_a_filter_has_changed_is_sent,
		old_mail_is_removed,
		the_oldest_are_removed_when_there_are_too_many,
		what_stays_is_counted,
		a_change_is_seen_soon,
		no_more_are_removed_than_necessary,
	};
	return run_tests("queue_badmail", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
