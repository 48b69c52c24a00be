#include "common/base/network_fs.h"

#include <linux/magic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/vfs.h>

/* Those that linux/magic.h of Debian 12 does not have. */
#define MAGIC_CIFS   0xFF534D42
#define MAGIC_9P     0x01021997
#define MAGIC_LUSTRE 0x0BD00BD0
#define MAGIC_GPFS   0x47504653
#define MAGIC_OCFS2  0x7461636F
#define MAGIC_GFS2   0x01161970
#define MAGIC_VBOX   0x786F4256

static const struct {
	unsigned long type;
	const char *name;
} network[] = {
	{NFS_SUPER_MAGIC, "NFS"},   {MAGIC_CIFS, "CIFS"},     {SMB2_SUPER_MAGIC, "SMB"},    {SMB_SUPER_MAGIC, "SMB"},
	{FUSE_SUPER_MAGIC, "FUSE"}, {MAGIC_9P, "9p"},         {CEPH_SUPER_MAGIC, "CephFS"}, {AFS_SUPER_MAGIC, "AFS"},
	{CODA_SUPER_MAGIC, "Coda"}, {NCP_SUPER_MAGIC, "NCP"}, {MAGIC_LUSTRE, "Lustre"},     {MAGIC_GPFS, "GPFS"},
	{MAGIC_OCFS2, "OCFS2"},     {MAGIC_GFS2, "GFS2"},     {MAGIC_VBOX, "vboxsf"},
};

const char *network_fs_name(unsigned long type)
{
	for (size_t i = 0; i < sizeof(network) / sizeof(network[0]); i++)
		if ((type & UINT32_MAX) == network[i].type)
			return network[i].name;
	return NULL;
}

const char *network_fs(int fd)
{
	struct statfs fs;
	return fstatfs(fd, &fs) == 0 ? network_fs_name((unsigned long)fs.f_type) : NULL;
}
