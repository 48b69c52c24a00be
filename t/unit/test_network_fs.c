/* File systems of a network, by the number that statfs(2) gives. */
#include "common/base/network_fs.h"

#include <check.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <unistd.h>

#include "t/unit/suite.h"

START_TEST(names)
{
	ck_assert_str_eq(network_fs_name(NFS_SUPER_MAGIC), "NFS");
	ck_assert_str_eq(network_fs_name(0xFF534D42), "CIFS");
	ck_assert_str_eq(network_fs_name(FUSE_SUPER_MAGIC), "FUSE");
	/* f_type is signed, and some numbers have its highest bit of 32. */
	ck_assert_str_eq(network_fs_name((unsigned long)(long)(int)0xFE534D42), "SMB");
	ck_assert_ptr_null(network_fs_name(EXT4_SUPER_MAGIC));
	ck_assert_ptr_null(network_fs_name(XFS_SUPER_MAGIC));
	ck_assert_ptr_null(network_fs_name(BTRFS_SUPER_MAGIC));
	ck_assert_ptr_null(network_fs_name(TMPFS_MAGIC));
	ck_assert_ptr_null(network_fs_name(OVERLAYFS_SUPER_MAGIC));
}
END_TEST

START_TEST(descriptors)
{
	int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_ptr_null(network_fs(fd));
	close(fd);
	ck_assert_ptr_null(network_fs(-1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("network_fs");
	TCase *tc = tcase_create("network_fs");
	tcase_add_test(tc, names);
	tcase_add_test(tc, descriptors);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
