/*
 * Refresh tokens on disk: what was saved comes back, for the same provider and user only, and a save that fails or is
 * cut off leaves the old one. Write calls and fsync fail here as a disk does.
 */
#include "delivery/web/store.h"
#include "t/unit/suite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char path[64], token[ANSWER_REFRESH_MAX + 1];
static int folder;

/* The disk: how many calls succeed, and what the next one says. Short writes carry one octet at a time. */
static struct {
	int good, err;
	bool shorten;
} disk;

static bool disk_fails(void)
{
	if (!disk.err || disk.good-- > 0)
		return false;
	errno = disk.err;
	return true;
}

ssize_t write(int fd, const void *from, size_t n)
{
	return disk_fails() ? -1 : syscall(SYS_write, fd, from, disk.shorten && n > 1 ? 1 : n);
}

int fsync(int fd)
{
	return disk_fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

int renameat(int from, const char *name, int to, const char *other)
{
	return disk_fails() ? -1 : (int)syscall(SYS_renameat2, from, name, to, other, 0);
}

static void setup(void)
{
	snprintf(path, sizeof(path), "/tmp/mailroot-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	folder = open(path, O_RDONLY | O_DIRECTORY);
	memset(&disk, 0, sizeof(disk));
}

static int each_file(bool remove)
{
	int n = 0;
	DIR *list = opendir(path);
	for (struct dirent *entry; (entry = readdir(list));) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		n++;
		if (remove)
			unlinkat(folder, entry->d_name, 0);
	}
	closedir(list);
	return n;
}

static void teardown(void)
{
	each_file(true);
	close(folder);
	rmdir(path);
}

static int save(const char *block, uint64_t identity, const char *text)
{
	const struct store_item item = {block, identity, text};
	return store_save(folder, &item);
}

START_TEST(what_is_saved_comes_back)
{
	struct stat st;
	ck_assert_int_eq(store_load(folder, "connector a", 7, token), -ENOENT);
	ck_assert_int_eq(save("connector a", 7, "0.AX~/+=\"\\"), 0);
	ck_assert_int_eq(save("connector b", 7, "second"), 0);
	ck_assert_int_eq(store_load(folder, "connector a", 7, token), 0);
	ck_assert_str_eq(token, "0.AX~/+=\"\\");
	ck_assert_int_eq(fstatat(folder, "connector%20a.json", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(save("connector a", 7, "newer"), 0);
	ck_assert_int_eq(store_load(folder, "connector a", 7, token), 0);
	ck_assert_str_eq(token, "newer");
	ck_assert_int_eq(each_file(false), 2);
	ck_assert_int_eq(store_remove(folder, "connector a"), 0);
	ck_assert_int_eq(store_remove(folder, "connector a"), 0);
	ck_assert_int_eq(store_load(folder, "connector a", 7, token), -ENOENT);
}
END_TEST

START_TEST(the_longest_token_comes_back)
{
	char longest[ANSWER_REFRESH_MAX + 1];
	memset(longest, '"', ANSWER_REFRESH_MAX);
	longest[ANSWER_REFRESH_MAX] = '\0';
	ck_assert_int_eq(save("virtual_server", 1, longest), -ENOMEM);
	memset(longest, 'x', ANSWER_REFRESH_MAX);
	ck_assert_int_eq(save("virtual_server", 1, longest), 0);
	ck_assert_int_eq(store_load(folder, "virtual_server", 1, token), 0);
	ck_assert_str_eq(token, longest);
}
END_TEST

START_TEST(a_token_is_for_whom_it_was_given)
{
	ck_assert_int_eq(save("virtual_server", 1, "t"), 0);
	ck_assert_int_eq(store_load(folder, "virtual_server", 2, token), -ESTALE);
	ck_assert_str_eq(token, "");
}
END_TEST

START_TEST(names_are_names)
{
	char name[STORE_NAME_MAX], other[STORE_NAME_MAX], longer[600];
	store_name("remote_domain *.example.com", name);
	ck_assert_str_eq(name, "remote_domain%20%2A.example.com.json");
	store_name("connector ../../etc/passwd", name);
	ck_assert_ptr_null(strchr(name, '/'));
	memset(longer, '\xe3', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	store_name(longer, name);
	ck_assert_uint_lt(strlen(name), 240);
	longer[500] = 'x';
	store_name(longer, other);
	ck_assert_str_ne(name, other);
	ck_assert_ptr_nonnull(strstr(other, ".json"));
}
END_TEST

static void put(const char *name, const char *text)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static const char *const damaged[] = {"",
				      "{",
				      "[]",
				      "{\"for\":\"0000000000000001\"}",
				      "{\"for\":\"0000000000000001\",\"refresh_token\":\"a\\nb\"}",
				      "{\"for\":\"0000000000000001\",\"refresh_token\":\"a\",\"refresh_token\":\"b\"}"};

START_TEST(a_damaged_file_is_no_token)
{
	put("virtual_server.json", damaged[_i]);
	ck_assert_int_eq(store_load(folder, "virtual_server", 1, token), -EBADMSG);
	ck_assert_str_eq(token, "");
}
END_TEST

START_TEST(a_link_is_not_followed)
{
	put("elsewhere", "{\"for\":\"0000000000000001\",\"refresh_token\":\"t\"}");
	ck_assert_int_eq(symlinkat("elsewhere", folder, "virtual_server.json"), 0);
	ck_assert_int_eq(store_load(folder, "virtual_server", 1, token), -ELOOP);
	ck_assert_int_eq(symlinkat("elsewhere", folder, ".virtual_server.json.new"), 0);
	ck_assert_int_eq(save("virtual_server", 1, "u"), -ELOOP);
}
END_TEST

START_TEST(short_writes_are_continued)
{
	disk.shorten = true;
	ck_assert_int_eq(save("virtual_server", 1, "long-enough"), 0);
	ck_assert_int_eq(store_load(folder, "virtual_server", 1, token), 0);
	ck_assert_str_eq(token, "long-enough");
}
END_TEST

START_TEST(a_disk_that_fails_leaves_the_old_token)
{
	static const int errors[] = {ENOSPC, EIO, EDQUOT};
	int calls = 0;
	ck_assert_int_eq(save("virtual_server", 1, "old"), 0);
	for (;; calls++) {
		disk.err = errors[_i];
		disk.good = calls;
		int err = save("virtual_server", 1, "new");
		disk.err = 0;
		ck_assert_int_eq(store_load(folder, "virtual_server", 1, token), 0);
		if (!err)
			break;
		ck_assert_int_eq(err, -errors[_i]);
		/* The last step is the fsync of the folder: then the new one is there already. */
		ck_assert_str_eq(token, calls < 3 ? "old" : "new");
		ck_assert_int_eq(each_file(false), 1);
	}
	ck_assert_int_eq(calls, 4);
	ck_assert_str_eq(token, "new");
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof(*(list)))

int main(void)
{
	Suite *suite = suite_create("web_store");
	TCase *tcase = tcase_create("store");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_saved_comes_back);
	tcase_add_test(tcase, the_longest_token_comes_back);
	tcase_add_test(tcase, a_token_is_for_whom_it_was_given);
	tcase_add_test(tcase, names_are_names);
	tcase_add_loop_test(tcase, a_damaged_file_is_no_token, 0, COUNT(damaged));
	tcase_add_test(tcase, a_link_is_not_followed);
	tcase_add_test(tcase, short_writes_are_continued);
	tcase_add_loop_test(tcase, a_disk_that_fails_leaves_the_old_token, 0, 3);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
