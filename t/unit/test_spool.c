#include "common/spool/spool.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/spool/envelope_file.h"
#include "t/unit/suite.h"

static const char id_text[] = "0123456789ABCDEFGHJKMNPQ";

static char folder[64];
static struct spool spool;
static struct spool_file file;

/* So many locks fail, because a scan holds them. */
static int scans;

int flock(int fd, int operation)
{
	if (scans && operation & LOCK_NB) {
		scans--;
		errno = EWOULDBLOCK;
		return -1;
	}
	return (int)syscall(SYS_flock, fd, operation);
}

static void setup(void)
{
	strcpy(folder, "/tmp/mailroot-spool-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(spool_probe(fd, &spool), 0);
	file = (struct spool_file){.text.fd = -1};
}

/* The tests of messages run both ways: _i is 0 where the kernel may use unnamed files, 1 with .ID and rename. */
static void choose_way(int way)
{
	if (way == 1)
		spool.unnamed = false;
}

/* The names in new/, at most MAX, in the order of the folder. */
static size_t list(char names[][256], size_t max)
{
	size_t n = 0;
	DIR *dir = opendir(folder);
	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (n < max)
			snprintf(names[n], 256, "%s", entry->d_name);
		n++;
	}
	closedir(dir);
	return n;
}

static size_t count(void)
{
	return list(NULL, 0);
}

static void teardown(void)
{
	char names[256][256];
	spool_file_free(&file);
	size_t n = list(names, 256);
	for (size_t i = 0; i < n && i < 256; i++)
		unlinkat(spool.new_fd, names[i], 0);
	close(spool.new_fd);
	ck_assert_int_eq(rmdir(folder), 0);
}

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

static int write_text(const char *text)
{
	int err = spool_begin(&spool, NULL, &file);
	if (!err)
		err = spool_write(&file, span_of(text));
	return err ? err : spool_commit(&file);
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

/* A scan that saw the file just before its lock removed it: an error, and no message. */
/* Between its creation and its lock a scan takes a file for an aborted write: another id is used, and nothing is left.
 */
START_TEST(a_scan_that_comes_first_costs_an_id)
{
	spool.unnamed = false;
	scans = 3;
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert_int_eq(scans, 0);
	ck_assert_uint_eq(count(), 1);
	spool_abort(&file);
	scans = 1;
	ck_assert_int_eq(spool_begin(&spool, id_text, &file), -EWOULDBLOCK); /* this one is given */
	ck_assert_uint_eq(count(), 0);
	scans = 1000;
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), -EWOULDBLOCK);
	ck_assert_uint_eq(count(), 0);
	scans = 0;
}
END_TEST

START_TEST(hidden_name_was_taken_away)
{
	char hidden[MSGNAME_MAX];
	spool.unnamed = false;
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	snprintf(hidden, sizeof(hidden), ".%s", file.id);
	ck_assert_int_eq(unlinkat(spool.new_fd, hidden, 0), 0);
	ck_assert_int_eq(spool_commit(&file), -ENOENT);
	ck_assert_uint_eq(count(), 0);
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

/* The file can't grow beyond a limit: the write fails in the middle of a message. */
START_TEST(write_fails)
{
	static char octets[8 * SPOOL_BUFFER];
	struct rlimit before, low;
	choose_way(_i);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	low = (struct rlimit){.rlim_cur = 2 * SPOOL_BUFFER + 100, .rlim_max = before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);

	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	int in_the_middle = spool_write(&file, (struct span){octets, sizeof(octets)});
	int afterwards = spool_write(&file, SPAN("more"));
	int commit = spool_commit(&file);
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	int buffered = spool_write(&file, (struct span){octets, 2 * SPOOL_BUFFER + 101});
	int at_the_end = spool_commit(&file);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);

	ck_assert_int_eq(in_the_middle, -EFBIG);
	ck_assert_int_eq(afterwards, -EBADF);
	ck_assert_int_eq(commit, -EBADF);
	ck_assert_int_eq(buffered, 0);
	ck_assert_int_eq(at_the_end, -EFBIG);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

/* Covers the folder of the test by a tmpfs of 256 KiB, in a mount namespace of this process. Root only. */
static bool mount_small(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
		return false;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", folder, "tmpfs", 0, "size=256k") < 0)
		return false;
	close(spool.new_fd);
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(spool_probe(fd, &spool), 0);
	return true;
}

START_TEST(disk_full)
{
	static char octets[1024 * 1024];
	if (!mount_small())
		return;
	ck_assert(!spool.needs_sync);
	choose_way(_i);
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), 0);
	ck_assert_int_eq(spool_write(&file, (struct span){octets, sizeof(octets)}), -ENOSPC);
	ck_assert_uint_eq(count(), 0);
	ck_assert_int_eq(write_text("small enough"), 0);
	ck_assert_uint_eq(count(), 1);
	spool_unlink(&file);
	close(spool.new_fd);
	ck_assert_int_eq(umount2(folder, MNT_DETACH), 0);
	spool.new_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}
END_TEST

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
	fd = open(folder, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(read_envelope(fd), -EISDIR);
	forget_envelope(fd);
	free(text);
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
	tcase_add_test(all, a_scan_that_comes_first_costs_an_id);
	tcase_add_test(all, hidden_name_was_taken_away);
	tcase_add_loop_test(all, never_acknowledged, 0, 2);
	tcase_add_loop_test(all, many_messages_with_one_struct, 0, 2);
	tcase_add_loop_test(all, write_fails, 0, 2);
	tcase_add_loop_test(all, disk_full, 0, 2);
	tcase_add_test(all, envelope_of_a_message);
	tcase_add_loop_test(all, envelope_of_many_recipients, 85, 95);
	tcase_add_loop_test(all, envelope_of_many_recipients, ENVELOPE_RCPT_MAX, ENVELOPE_RCPT_MAX + 1);
	tcase_add_loop_test(all, not_a_message, 0, 4);
	tcase_add_test(all, envelope_beyond_the_room);
	tcase_add_test(all, envelope_without_end);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
