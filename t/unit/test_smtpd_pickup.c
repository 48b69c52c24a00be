#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/door_fixture.h"
#include "t/unit/known_fixture.h"
#include "t/unit/suite.h"

/* The number of allocations until all fail; -1 = none fails. */
static long countdown = -1;

#ifndef __has_feature /* current gcc warns here */
#define __has_feature(feature) 0
#endif

/* The sanitizer makes allocations of its own. */
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { CAN_FAIL = false };
#else
enum { CAN_FAIL = true };
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *at, size_t size);

static bool fails(void)
{
	if (countdown > 0)
		countdown--;
	if (countdown == 0)
		errno = ENOMEM;
	return countdown == 0;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *at, size_t size)
{
	return fails() ? NULL : __libc_realloc(at, size);
}
#endif

/* Long enough to make every buffer grow. */
static void write_message(struct str *text, unsigned rcpts)
{
	str_init(text, 1 << 20);
	str_append_text(text, "From: a\r\nTo: x@example.com");
	for (unsigned i = 0; i < rcpts; i++)
		str_printf(text, ",\r\n user%u@example.net", i);
	str_append_text(text, "\r\nSubject: s\r\n\r\nthe end\r\n");
	ck_assert(!text->failed);
}

/* Whichever allocation fails, nothing is sent and the file stays; otherwise everything is sent. */
START_TEST(no_memory_means_later)
{
	static char first[1 << 17], now[1 << 17];
	struct str text;
	enum pickup_result result = PICKUP_LATER;
	size_t len = 0, nth = 0;
	struct door d;
	if (!CAN_FAIL)
		return;
	write_message(&text, _i ? 100 : 1);
	while (result != PICKUP_SENT) {
		door_open(&d); /* so that no memory of the last round is reused */
		put(&d, str_span(&text));
		countdown = (long)++nth;
		result = pickup_file_send(&d.file, claimed, "a.eml", id_text);
		countdown = -1;
		ck_assert_msg(result == PICKUP_LATER || result == PICKUP_SENT, "allocation %zu: %d %s", nth, result,
			      d.file.why);
		ck_assert_msg(is_there(&d) == (result == PICKUP_LATER), "allocation %zu", nth);
		ck_assert(result == PICKUP_SENT || strstr(d.file.why, "emory"));
		if (result == PICKUP_LATER)
			ck_assert_int_eq(pickup_file_send(&d.file, claimed, "a.eml", id_text), PICKUP_SENT);
		size_t got = read_sent(&d, now, sizeof(now));
		ck_assert(strncmp(now, "x-sender: a@example.com\r\nx-receiver: x@example.com\r\n", 49) == 0);
		ck_assert(nth == 1 || (got == len && strncmp(first, now, 49) == 0));
		memcpy(first, now, len = got);
		door_close(&d);
	}
	ck_assert_uint_gt(nth, 4);
	str_free(&text);
}
END_TEST

/* The last step fails: the message keeps the name that the scan ignores, and is renamed later. */
START_TEST(a_message_without_its_name)
{
	struct door d;
	char taken[MSGNAME_MAX], left[MSGNAME_MAX + 1];
	struct spool_file file = {.text.fd = -1};
	door_open(&d);
	put(&d, SPAN("From: a\r\nTo: b\r\n\r\n"));
	ck_assert_int_eq(pickup_file_send(&d.file, claimed, "a.eml", id_text), PICKUP_SENT);
	strcpy(taken, d.store.file.name);
	put(&d, SPAN("From: a\r\nTo: b\r\n\r\n"));
	ck_assert_int_eq(pickup_file_send(&d.file, claimed, "a.eml", id_text), PICKUP_UNNAMED);
	ck_assert(!is_there(&d));
	snprintf(left, sizeof(left), ".%s", taken);
	ck_assert_str_eq(d.store.file.name, left);
	ck_assert_int_eq(unlinkat(d.new_fd, taken, 0), 0);
	ck_assert_int_eq(spool_take_staged(&d.spool, left, &file), 0);
	ck_assert_int_eq(spool_publish(&file), 0);
	ck_assert_str_eq(file.name, taken);
	spool_release(&file);
	ck_assert_int_eq(spool_take_staged(&d.spool, left, &file), -ENOENT);
	door_close(&d);
}
END_TEST

/* The caller can log refused recipients after the file is sent, also those of a large header. */
START_TEST(refused_recipients_can_be_logged)
{
	struct door d;
	struct str text;
	door_open(&d);
	str_init(&text, 1 << 20);
	str_append_text(&text, "From: a\r\nTo: x@example.com, no address at all\r\nX-Long: ");
	for (unsigned i = 0; i < 20000; i++)
		str_append_text(&text, "twelve octet");
	str_append_text(&text, "\r\n\r\nthe end\r\n");
	put(&d, str_span(&text));
	ck_assert_int_eq(pickup_file_send(&d.file, claimed, "a.eml", id_text), PICKUP_SENT);
	const struct submission *sent = &d.file.submission;
	ck_assert_uint_eq(sent->refused_count, 1);
	ck_assert(span_equal(sent->refused[0].field, SPAN("To")));
	ck_assert(span_equal(sent->refused[0].text, SPAN("no address at all")));
	str_free(&text);
	door_close(&d);
}
END_TEST

static void ck_sent(struct door *d, const char *to, enum pickup_result result, const char *why)
{
	struct str text;
	str_init(&text, 1 << 20);
	str_printf(&text, "From: a@example.net\r\nTo: %s\r\n\r\n", to);
	put(d, str_span(&text));
	ck_assert_msg(pickup_file_send(&d->file, claimed, "a.eml", id_text) == result, "%s", d->file.why);
	ck_assert_str_eq(d->file.why, why);
	str_free(&text);
}

/* Aliases and plain recipients share the limit: a file beyond it is bad, and does not wait. */
START_TEST(members_count_as_recipients)
{
	struct door d;
	struct str text;
	door_open_as(&d, "local_domain list.test { recipients /list }\n");
	str_init(&text, 1 << 20);
	for (unsigned alias = 0; alias < 5; alias++) {
		str_printf(&text, "all%u:", alias);
		for (unsigned i = 0; i < ENVELOPE_RCPT_MAX / 5 - (alias == 4); i++)
			str_printf(&text, " m%u@p%u.test", i, alias);
		str_append_text(&text, "\n");
	}
	give_list(&known, "/list", str_span(&text), false);
#define ALL "all0@list.test, all1@list.test, all2@list.test, all3@list.test, all4@list.test"
	ck_sent(&d, ALL ", m1@p1.test, x@example.net, y@example.net", PICKUP_BAD,
		"there are more than 5000 recipients");
	ck_sent(&d, "x@example.net, " ALL, PICKUP_BAD, "there are more than 5000 recipients");
	ck_sent(&d, ALL ", m1@p1.test, x@example.net", PICKUP_SENT, "");
	str_free(&text);
	door_close(&d);
}
END_TEST

START_TEST(a_file_waits_for_the_line_that_decides)
{
	struct door d;
	door_open_as(&d, "local_domain list.test { recipients /list }\nlocal_domain lost.test { recipients /lost }\n");
	give_list(&known, "/list", SPAN("ann\none: two\ntwo: one\nfar: x@lost.test\n"), false);
	ck_sent(&d, "ann@list.test, one@list.test", PICKUP_LATER,
		"a recipient can't be examined now: see `mailrootctl status` and /list:2");
	ck_sent(&d, "x@lost.test", PICKUP_LATER,
		"a recipient can't be examined now: see `mailrootctl status` and test.conf:6");
	ck_sent(&d, "far@list.test", PICKUP_LATER,
		"a recipient can't be examined now: see `mailrootctl status` and test.conf:6");
	door_close(&d);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pickup");
	TCase *tcase = tcase_create("pickup");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, no_memory_means_later, 0, 2);
	tcase_add_test(tcase, a_message_without_its_name);
	tcase_add_test(tcase, refused_recipients_can_be_logged);
	tcase_add_test(tcase, members_count_as_recipients);
	tcase_add_test(tcase, a_file_waits_for_the_line_that_decides);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
