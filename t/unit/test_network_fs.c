/* File systems of a network, by the number that statfs(2) gives. */
#include "common/base/network_fs.h"

#include <check.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <unistd.h>

#include "t/unit/suite.h"

START_TEST(names)
{
	/* Numbers of the kernel's sources and of statfs(2). */
	static const struct {
		unsigned long type;
		const char *name;
	} rows[] = {
		{0x6969, "NFS"},       {0xFF534D42, "CIFS"}, {0xFE534D42, "SMB"},    {0x517B, "SMB"},
		{0x65735546, "FUSE"},  {0x01021997, "9p"},   {0x00C36400, "CephFS"}, {0x5346414F, "AFS"},
		{0x73757245, "Coda"},  {0x564C, "NCP"},      {0x0BD00BD0, "Lustre"}, {0x47504653, "GPFS"},
		{0x7461636F, "OCFS2"}, {0x01161970, "GFS2"}, {0x786F4256, "vboxsf"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_str_eq(network_fs_name(rows[i].type), rows[i].name);
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
