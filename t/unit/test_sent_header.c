/* A header that is read from a message file: in memory, over the border of memory and file, too long, and without end.
 */
#include "common/spool/sent_header.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "t/unit/suite.h"

static const struct send_as rule = {SPAN("relay@example.com"), true, false};

static int file_of(struct span text)
{
	int fd = memfd_create("message", MFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text.at, text.len), (ssize_t)text.len);
	return fd;
}

/* Rewrites the header of TEXT behind an envelope of AT octets, the first HEAD of them all in memory. */
static void check(struct span text, size_t at, size_t head, const char *expected, uint64_t end)
{
	struct str header;
	struct message_text message = {.fd = file_of(text), .head = {text.at, head}, .at = at, .size = text.len};
	int err = sent_header(&message, &rule, &header);
	ck_assert_int_eq(err, expected ? 0 : -EFBIG);
	ck_assert_uint_eq(message.at, err ? at : end);
	ck_assert_str_eq(str_text(&header), expected ? expected : "");
	str_free(&header);
	close(message.fd);
}

START_TEST(memory_and_file_give_the_same)
{
	struct span text = SPAN("ENVELOPE\nSubject: x\r\nFrom: a@old.example\r\n\r\nFrom: b@old.example\r\n");
	for (size_t head = 0; head <= text.len; head++)
		check(text, 9, head, "Subject: x\r\nFrom: <relay@example.com>\r\n", 42);
}
END_TEST

START_TEST(no_header_and_no_text)
{
	check(SPAN("\r\ntext\r\n"), 0, 0, "From: <relay@example.com>\r\n", 0);
	check(SPAN("ENVELOPE\n"), 9, 9, "From: <relay@example.com>\r\n", 9);
	check(SPAN("Subject: x"), 0, 0, "Subject: x\r\nFrom: <relay@example.com>\r\n", 10);
}
END_TEST

START_TEST(too_long)
{
	static char text[SEND_AS_HEADER_MAX + 100];
	memset(text, 'x', sizeof(text));
	memcpy(text, "X: ", 3);
	check((struct span){text, sizeof(text)}, 0, 0, NULL, 0);
	check((struct span){text, sizeof(text)}, 0, 1000, NULL, 0);
}
END_TEST

START_TEST(a_file_shorter_than_it_should_be)
{
	struct str header;
	struct message_text message = {.fd = file_of(SPAN("Subject: x\r\n")), .size = 100};
	ck_assert_int_eq(sent_header(&message, &rule, &header), -EPIPE);
	ck_assert_uint_eq(message.at, 0);
	str_free(&header);
	close(message.fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sent_header");
	TCase *tc = tcase_create("sent_header");
	tcase_add_test(tc, memory_and_file_give_the_same);
	tcase_add_test(tc, no_header_and_no_text);
	tcase_add_test(tc, too_long);
	tcase_add_test(tc, a_file_shorter_than_it_should_be);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
