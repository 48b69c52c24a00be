/* What an error leaves: nothing, and the next message is accepted. */
#include "t/unit/spool_fixture.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>

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

/*
 * Between the creation of a file and its lock, a scan takes the file for an aborted write: another id is used, and
 * nothing is left.
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
	ck_assert_int_eq(spool_begin(&spool, "0123456789ABCDEFGHJKMNPQ", &file), -EWOULDBLOCK);
	ck_assert_uint_eq(count(), 0);
	scans = 1000;
	ck_assert_int_eq(spool_begin(&spool, NULL, &file), -EWOULDBLOCK);
	ck_assert_uint_eq(count(), 0);
	scans = 0;
}
END_TEST

/* A scan that saw the file just before its lock removed it: an error, and no message. */
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

int main(void)
{
	Suite *suite = suite_create("spool_trouble");
	TCase *all = tcase_create("spool_trouble");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_scan_that_comes_first_costs_an_id);
	tcase_add_test(all, hidden_name_was_taken_away);
	tcase_add_loop_test(all, write_fails, 0, 2);
	tcase_add_loop_test(all, disk_full, 0, 2);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
