/* File systems that other machines, or programs, keep: what is said of locks, names and fsync here does not hold there.
 */
#ifndef COMMON_BASE_NETWORK_FS_H
#define COMMON_BASE_NETWORK_FS_H

/* The name of the file system that type, of statfs(2), says if it is one of a network, or FUSE: "NFS". NULL: it is not.
 */
const char *network_fs_name(unsigned long type);

/* The same for the file or folder FD. NULL also when it can't be asked. */
const char *network_fs(int fd);

#endif
