#include "common/process/refusal.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/suite.h"

static char root[64], why[700];

/* Mounts, if we may make them: a disk, and the same disk as in a unit with ProtectSystem=strict. */
static bool mount_both(void)
{
	char disk[80], shown[80];

	strcpy(root, "/tmp/refusal-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(disk, sizeof(disk), "%s/disk", root);
	snprintf(shown, sizeof(shown), "%s/shown", root);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return false;
	ck_assert_int_eq(mkdir(disk, 0755) || mkdir(shown, 0755), 0);
	ck_assert_int_eq(mount("none", disk, "tmpfs", 0, NULL), 0);
	ck_assert_int_eq(mount(disk, shown, NULL, MS_BIND, NULL), 0);
	ck_assert_int_eq(mount(NULL, shown, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
	return true;
}

static const char *said(int error, const char *path)
{
	char whole[200];

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	return refusal_text(error, whole, why, sizeof(why));
}

static void expect(int error, const char *path, const char *word)
{
	ck_assert_msg(strstr(said(error, path), word) != NULL, "\"%s\" does not speak of %s", why, word);
	ck_assert_msg(strncmp(why, strerror(error), strlen(strerror(error))) == 0, "%s", why);
}

START_TEST(refusals_of_the_unit_and_of_the_disk_are_told_apart)
{
	static const int errors[] = {ENOENT, EROFS, EACCES};
	char disk[80];

	if (!mount_both())
		return;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		ck_assert_str_eq(said(errors[i], "disk/drop"), strerror(errors[i]));
		expect(errors[i], "shown/drop/sales", "systemctl edit");
		expect(errors[i], "shown/drop/sales", "ReadWritePaths=/tmp/refusal-");
		expect(errors[i], "shown", "ReadWritePaths");
	}
	ck_assert_str_eq(said(ENOSPC, "shown/drop"), strerror(ENOSPC));
	snprintf(disk, sizeof(disk), "%s/disk", root);
	ck_assert_int_eq(mount(NULL, disk, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	expect(EROFS, "disk/drop", "is mounted read-only");
}
END_TEST

START_TEST(only_a_profile_in_force_confines)
{
	ck_assert(refusal_confines(SPAN("mailrootd (enforce)\n")));
	ck_assert(!refusal_confines(SPAN("mailrootd (complain)\n")));
	ck_assert(!refusal_confines(SPAN("unconfined\n")));
	ck_assert(!refusal_confines(SPAN("(enforce)")));
	ck_assert(!refusal_confines(SPAN("system_u:system_r:init_t:s0")));
	ck_assert(!refusal_confines(SPAN("")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("refusal");
	TCase *tc = tcase_create("refusal");
	tcase_add_test(tc, refusals_of_the_unit_and_of_the_disk_are_told_apart);
	tcase_add_test(tc, only_a_profile_in_force_confines);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
