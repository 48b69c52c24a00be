/* Messages from their first octet to their name in new/. */
#include "t/unit/spool_fixture.h"

#include <errno.h>
#include <sys/stat.h>

#include "common/base/fd.h"

static const char id_text[] = "0123456789ABCDEFGHJKMNPQ";

static int open_message(const char *name)
{
	int fd = openat(spool.new_fd, name, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static struct str content_of(const char *name)
{
	struct str text;
	int fd = open_message(name);
	str_init(&text, 64 << 20);
	ck_assert_int_eq(fd_read_all(fd, &text), 0);
	close(fd);
	return text;
}

START_TEST(probe_leaves_nothing)
{
	struct spool other;
	ck_assert_uint_eq(count(), 0);
	ck_assert(!spool.needs_mode);
	int no_folder = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_lt(spool_probe(no_folder, &other), 0);
	ck_assert_int_eq(spool_probe(-1, &other), -EBADF);
	close(no_folder);
}
END_TEST

START_TEST(commit_names_and_locks)
{
	char names[2][256];
	struct msgname name;
	struct stat st;
	choose_way(_i);
	ck_assert_int_eq(write_text("x-sender: <>\r\n"), 0);
	ck_assert_uint_eq(list(names, 2), 1);
	ck_assert_str_eq(names[0], file.name);
	ck_assert(msgname_parse(span_of(names[0]), &name));
	ck_assert_str_eq(name.id, file.id);
	ck_assert_uint_eq(name.size, strlen("x-sender: <>\r\n"));
	ck_assert(!name.eight_bit);

	int fd = open_message(file.name);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_size, name.size);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_uint_eq(st.st_nlink, 1);
	ck_assert_int_eq(spool_lock(fd), -EWOULDBLOCK);
	spool_release(&file);
	ck_assert_int_eq(file.text.fd, -1);
	ck_assert_int_eq(spool_lock(fd), 0);
	close(fd);
}
END_TEST

START_TEST(mode_does_not_follow_umask)
{
	struct stat st;
	mode_t before = umask(077);
	ck_assert_int_eq(spool_probe(spool.new_fd, &spool), 0);
	ck_assert(spool.needs_mode);
	choose_way(_i);
	ck_assert_int_eq(write_text("text"), 0);
	umask(before);
	ck_assert_int_eq(fstatat(spool.new_fd, file.name, &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
}
END_TEST

/* Sizes around that of the buffer, in pieces that don't divide it. */
START_TEST(content_is_what_was_written)
{
	static const size_t sizes[] = {0, 1, SPOOL_BUFFER - 1, SPOOL_BUFFER, SPOOL_BUFFER + 1, 3 * SPOOL_BUFFER + 17};
	static const size_t pieces[] = {1, 997, SPOOL_BUFFER, 4 * SPOOL_BUFFER};
	size_t size = sizes[_i / 4 % 6], piece = pieces[_i % 4];
	char *octets = malloc(size + 1);
	ck_assert_ptr_nonnull(octets);
	for (size_t i = 0; i < size; i++)
		octets[i] = (char)(i * 31 % 253);
	choose_way(_i / 24);

	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	for (size_t at = 0; at < size; at += piece)
		ck_assert_int_eq(spool_write(&file, (struct span){octets + at, size - at < piece ? size - at : piece}),
				 0);
	ck_assert_uint_eq(file.text.size, size);
	ck_assert_int_eq(spool_commit(&file), 0);
	struct str text = content_of(file.name);
	ck_assert(span_equal(str_span(&text), (struct span){octets, size}));
	str_free(&text);
	free(octets);
}
END_TEST

/* The mark depends on the stored text, not on the text before it was repaired. */
START_TEST(name_tells_eight_bit)
{
	struct msgname name;
	choose_way(_i);
	for (size_t at = 0; at <= 2 * SPOOL_BUFFER; at += SPOOL_BUFFER / 2 - 1) {
		ck_assert_int_eq(spool_begin(&spool, id_text, &file), 0);
		for (size_t i = 0; i < at; i++)
			ck_assert_int_eq(spool_write(&file, SPAN("~")), 0);
		ck_assert_int_eq(spool_write(&file, at ? SPAN("\x80") : SPAN("\x7f")), 0);
		ck_assert_int_eq(spool_commit(&file), 0);
		ck_assert(msgname_parse(span_of(file.name), &name));
		ck_assert(name.eight_bit == (at > 0));
		ck_assert_str_eq(name.id, id_text);
		spool_unlink(&file);
	}
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert(!file.text.eight_bit);
}
END_TEST

START_TEST(same_name_exists)
{
	choose_way(_i);
	ck_assert_int_eq(spool_begin(&spool, id_text, &file), 0);
	ck_assert_int_eq(spool_write(&file, SPAN("first")), 0);
	ck_assert_int_eq(spool_commit(&file), 0);
	spool_release(&file);
	ck_assert_int_eq(spool_begin(&spool, id_text, &file), 0);
	ck_assert_int_eq(spool_write(&file, SPAN("other")), 0);
	ck_assert_int_eq(spool_commit(&file), -EEXIST);
	ck_assert_int_eq(file.text.fd, -1);
	ck_assert_uint_eq(count(), 1);
	struct str text = content_of(file.name);
	ck_assert_str_eq(str_text(&text), "first");
	str_free(&text);
}
END_TEST

START_TEST(id_must_be_one)
{
	choose_way(_i);
	ck_assert_int_eq(spool_begin(&spool, "../../../../../etc/passwd", &file), -EINVAL);
	ck_assert_int_eq(spool_begin(&spool, "", &file), -EINVAL);
	ck_assert_int_eq(file.text.fd, -1);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(abort_leaves_nothing)
{
	choose_way(_i);
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert_int_eq(spool_write(&file, SPAN("text")), 0);
	spool_abort(&file);
	ck_assert_uint_eq(count(), 0);
	spool_abort(&file);
	ck_assert_int_eq(spool_write(&file, SPAN("text")), -EBADF);
	ck_assert_int_eq(spool_commit(&file), -EBADF);
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert_uint_eq(count(), spool.unnamed ? 0 : 1);
	spool_file_free(&file);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(hidden_and_locked_while_written)
{
	char names[1][256], hidden[MSGNAME_MAX];
	spool.unnamed = false;
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert_uint_eq(list(names, 1), 1);
	snprintf(hidden, sizeof(hidden), ".%s", file.id);
	ck_assert_str_eq(names[0], hidden);
	int fd = open_message(hidden);
	ck_assert_int_eq(spool_lock(fd), -EWOULDBLOCK);
	close(fd);
}
END_TEST

START_TEST(never_acknowledged)
{
	choose_way(_i);
	ck_assert_int_eq(write_text("text"), 0);
	spool_unlink(&file);
	ck_assert_int_eq(file.text.fd, -1);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(many_messages_with_one_struct)
{
	char last[MSGID_LEN + 1] = "";
	choose_way(_i);
	for (size_t i = 1; i <= 100; i++) {
		ck_assert_int_eq(write_text("text"), 0);
		ck_assert(msgid_valid(span_of(file.id)));
		ck_assert_str_ne(file.id, last);
		strcpy(last, file.id);
		spool_release(&file);
		ck_assert_uint_eq(count(), i);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool");
	TCase *all = tcase_create("spool");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, probe_leaves_nothing);
	tcase_add_loop_test(all, commit_names_and_locks, 0, 2);
	tcase_add_loop_test(all, mode_does_not_follow_umask, 0, 2);
	tcase_add_loop_test(all, content_is_what_was_written, 0, 48);
	tcase_add_loop_test(all, name_tells_eight_bit, 0, 2);
	tcase_add_loop_test(all, same_name_exists, 0, 2);
	tcase_add_loop_test(all, id_must_be_one, 0, 2);
	tcase_add_loop_test(all, abort_leaves_nothing, 0, 2);
	tcase_add_test(all, hidden_and_locked_while_written);
	tcase_add_loop_test(all, never_acknowledged, 0, 2);
	tcase_add_loop_test(all, many_messages_with_one_struct, 0, 2);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
