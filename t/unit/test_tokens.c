/* The page of access tokens: whole tokens or none, and slots that stay where they are. */
#include "common/ipc/tokens.h"
#include "t/unit/suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int write_fd, read_fd;
static struct tokens *page;
static const struct tokens *reader;

static void setup(void)
{
	ck_assert_int_eq(tokens_create(&write_fd, &read_fd), 0);
	page = tokens_map_writable(write_fd);
	reader = tokens_map(read_fd);
	ck_assert(page && reader);
}

static void teardown(void)
{
	close(write_fd);
	close(read_fd);
}

static void put(unsigned slot, uint64_t identity, const char *octets)
{
	static struct token t;
	t = (struct token){.identity = identity, .serial = 1, .until_ms = 100000, .length = strlen(octets)};
	memcpy(t.octets, octets, t.length);
	tokens_write(page, slot, &t);
}

START_TEST(a_token_is_found_by_whom_it_is_for)
{
	static struct token t;
	ck_assert(!tokens_read(reader, 7, &t));
	put(3, 7, "seven");
	put(0, 9, "nine");
	ck_assert(tokens_read(reader, 7, &t));
	ck_assert_str_eq(t.octets, "seven");
	ck_assert(!tokens_read(reader, 8, &t));
	ck_assert_uint_eq(t.length, 0);
	ck_assert(!tokens_read(NULL, 7, &t));
	ck_assert_uint_eq(tokens_slot(reader, 7), 3);
	ck_assert_uint_eq(tokens_slot(reader, 0), 1);
	ck_assert_uint_eq(tokens_slot(reader, 8), TOKENS_SLOTS);
	ck_assert_uint_eq(tokens_identity(reader, 3), 7);
}
END_TEST

START_TEST(a_reader_can_not_write)
{
	ck_assert_ptr_eq(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, read_fd, 0), MAP_FAILED);
	ck_assert_int_ne(ftruncate(read_fd, 0), 0);
	ck_assert_ptr_null(tokens_map_writable(read_fd));
}
END_TEST

START_TEST(a_token_is_used_until_a_minute_before_its_end)
{
	struct token t = {.length = 1, .until_ms = 100000};
	ck_assert(token_usable(&t, 39999));
	ck_assert(!token_usable(&t, 40000));
	t.length = 0;
	ck_assert(!token_usable(&t, 0));
}
END_TEST

static _Atomic bool stop;

static void *write_on(void *unused)
{
	static char text[TOKENS_TOKEN_MAX + 1];
	(void)unused;
	for (int i = 0; !stop; i++) {
		memset(text, 'a' + i % 26, TOKENS_TOKEN_MAX);
		put(0, 7, text);
	}
	return NULL;
}

START_TEST(a_token_is_never_half_of_two)
{
	static struct token t;
	pthread_t writer;
	unsigned seen = 0;
	put(0, 7, "a");
	ck_assert_int_eq(pthread_create(&writer, NULL, write_on, NULL), 0);
	for (int i = 0; i < 20000; i++) {
		if (!tokens_read(reader, 7, &t))
			continue;
		seen++;
		if (memcmp(t.octets, t.octets + 1, t.length - 1) != 0)
			ck_abort_msg("half of two");
	}
	stop = true;
	pthread_join(writer, NULL);
	ck_assert_uint_gt(seen, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tokens");
	TCase *tcase = tcase_create("page");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_token_is_found_by_whom_it_is_for);
	tcase_add_test(tcase, a_reader_can_not_write);
	tcase_add_test(tcase, a_token_is_used_until_a_minute_before_its_end);
	tcase_add_test(tcase, a_token_is_never_half_of_two);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
