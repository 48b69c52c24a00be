#include "common/ipc/page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/fd.h"

int page_create(const char *name, size_t size, int *write_fd, int *read_fd)
{
	char path[64];
	*read_fd = -1;
	*write_fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *write_fd);
	if (*write_fd >= 0 && ftruncate(*write_fd, (off_t)size) == 0 &&
	    fcntl(*write_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		*read_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*read_fd >= 0)
		return 0;
	int err = -errno;
	fd_close(write_fd);
	return err;
}

void *page_map(int fd, size_t size, bool writable)
{
	struct stat file;
	if (fstat(fd, &file) < 0 || file.st_size != (off_t)size)
		return NULL;
	void *page = mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	return page == MAP_FAILED ? NULL : page;
}
