#include "common/spool/envelope_file.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "t/unit/suite.h"

static int open_with(const char *text)
{
	int fd = fd_sealed("message", span_of(text));
	ck_assert_int_ge(fd, 0);
	return fd;
}

static struct str envelope_text;
static struct arena arena;
static struct envelope envelope;
static const char *why;

static int read_envelope(int fd)
{
	str_init(&envelope_text, ENVELOPE_MAX);
	arena_init(&arena, 64 << 20);
	return envelope_file_read(fd, &envelope_text, &arena, &envelope, &why);
}

static void forget_envelope(int fd)
{
	str_free(&envelope_text);
	arena_free(&arena);
	close(fd);
}

START_TEST(envelope_of_a_message)
{
	static const char message[] = "x-sender: a@example.com\r\nx-receiver: b@example.net\r\n"
				      "Received: from there\r\n\r\nbody\r\n";
	int fd = open_with(message);
	ck_assert_int_eq(lseek(fd, 7, SEEK_SET), 7);
	ck_assert_int_eq(read_envelope(fd), 0);
	ck_assert(span_equal(envelope.sender.text, SPAN("a@example.com")));
	ck_assert_uint_eq(envelope.rcpt_count, 1);
	ck_assert(span_equal(envelope.rcpts[0].text, SPAN("b@example.net")));
	ck_assert_ptr_eq(message + envelope.body_at, strstr(message, "Received"));
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 7);
	forget_envelope(fd);
}
END_TEST

/* More recipients than fit into one read; sizes around the first read. */
START_TEST(envelope_of_many_recipients)
{
	struct str text;
	str_init(&text, ENVELOPE_MAX);
	envelope_write_sender(&text, SPAN(""));
	for (int i = 0; i < _i; i++) {
		char rcpt[64];
		snprintf(rcpt, sizeof(rcpt), "user%04d@some-department.example.com", i);
		envelope_write_rcpt(&text, span_of(rcpt));
	}
	size_t body_at = text.len;
	str_append_text(&text, "Received: x\r\n\r\n");
	int fd = open_with(str_text(&text));
	ck_assert_int_eq(read_envelope(fd), 0);
	ck_assert_uint_eq(envelope.rcpt_count, (size_t)_i);
	ck_assert_uint_eq(envelope.body_at, body_at);
	ck_assert_uint_eq(envelope.sender.text.len, 0);
	ck_assert(span_starts(envelope.rcpts[_i - 1].text, SPAN("user")));
	forget_envelope(fd);
	str_free(&text);
}
END_TEST

START_TEST(not_a_message)
{
	static const char *const texts[] = {"", "no envelope here\r\n", "x-sender: a@example.com\r\n",
					    "x-sender: a@example.com\r\nx-rec"};
	int fd = open_with(texts[_i]);
	ck_assert_int_eq(read_envelope(fd), -EBADMSG);
	ck_assert_ptr_nonnull(why);
	forget_envelope(fd);
}
END_TEST

START_TEST(envelope_beyond_the_room)
{
	int fd = open_with("x-sender: a@example.com\r\nx-receiver: b@example.net\r\nReceived: x\r\n\r\n");
	str_init(&envelope_text, 40);
	arena_init(&arena, 64 << 10);
	ck_assert_int_eq(envelope_file_read(fd, &envelope_text, &arena, &envelope, &why), -ENOMEM);
	forget_envelope(fd);
}
END_TEST

START_TEST(envelope_without_end)
{
	char *text = malloc(2 * ENVELOPE_MAX + 1);
	ck_assert_ptr_nonnull(text);
	memset(text, 'x', 2 * ENVELOPE_MAX);
	memcpy(text, "x-sender: ", strlen("x-sender: "));
	text[2 * ENVELOPE_MAX] = '\0';
	int fd = open_with(text);
	ck_assert_int_eq(read_envelope(fd), -EBADMSG);
	ck_assert_ptr_nonnull(why);
	forget_envelope(fd);
	fd = open("/", O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(read_envelope(fd), -EISDIR);
	forget_envelope(fd);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("envelope_file");
	TCase *all = tcase_create("envelope_file");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, envelope_of_a_message);
	tcase_add_loop_test(all, envelope_of_many_recipients, 85, 95);
	tcase_add_loop_test(all, envelope_of_many_recipients, ENVELOPE_RCPT_MAX, ENVELOPE_RCPT_MAX + 1);
	tcase_add_loop_test(all, not_a_message, 0, 4);
	tcase_add_test(all, envelope_beyond_the_room);
	tcase_add_test(all, envelope_without_end);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
