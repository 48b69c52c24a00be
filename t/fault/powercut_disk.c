/*
 * A disk whose writes and flushes are recorded: powercut_disk FILE DISK INDEX DATA
 *
 * Serves FILE, which exists and gets the size of DISK, as a FUSE file system of that one file; a loop device makes a
 * block device of it. Requests are served one after the other, so the record has them in the order in which they were
 * completed, and a flush covers all records before it. INDEX gets a struct record for each request before the request
 * is answered: so its size is the number of requests that are done. DATA gets their octets. powercut_disk.py compiles
 * and starts it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_WRITE (128U << 10)
#define REQUEST   (MAX_WRITE + 4096)

struct record {
	uint64_t disk_at; /* octets */
	uint64_t data_at;
	uint64_t length; /* 0 = a flush */
};

struct server {
	int fuse, disk, index, data;
	uint64_t size, data_at;
	char request[REQUEST], answer[MAX_WRITE];
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The kernel forgets requests that were interrupted (ENOENT); any other failure is the end of the disk. */
static void answer(struct server *s, int error, const void *body, size_t length)
{
	const struct fuse_in_header *in = (const void *)s->request;
	struct fuse_out_header out = {.len = (uint32_t)(sizeof(out) + length), .error = -error, .unique = in->unique};
	struct iovec parts[] = {{&out, sizeof(out)}, {(void *)(uintptr_t)body, length}};
	if (writev(s->fuse, parts, 2) < 0 && errno != ENOENT)
		die("answer");
}

static struct fuse_attr attributes(const struct server *s)
{
	return (struct fuse_attr){.ino = FUSE_ROOT_ID,
				  .size = s->size,
				  .blocks = s->size / 512,
				  .mode = S_IFREG | 0600,
				  .nlink = 1,
				  .blksize = 4096};
}

static void init(struct server *s)
{
	struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION,
				    .minor = FUSE_KERNEL_MINOR_VERSION,
				    .max_readahead = MAX_WRITE,
				    .flags = FUSE_BIG_WRITES,
				    .max_background = 16,
				    .congestion_threshold = 12,
				    .max_write = MAX_WRITE};
	answer(s, 0, &out, sizeof(out));
}

static void read_disk(struct server *s, const struct fuse_read_in *in)
{
	ssize_t n = pread(s->disk, s->answer, in->size < MAX_WRITE ? in->size : MAX_WRITE, (off_t)in->offset);
	answer(s, n < 0 ? errno : 0, s->answer, n < 0 ? 0 : (size_t)n);
}

static void record(struct server *s, uint64_t at, const char *octets, uint64_t length)
{
	struct record record = {at, s->data_at, length};
	if (pwrite(s->data, octets, length, (off_t)s->data_at) != (ssize_t)length ||
	    pwrite(s->disk, octets, length, (off_t)at) != (ssize_t)length)
		die("data");
	s->data_at += length;
	if (write(s->index, &record, sizeof(record)) != sizeof(record))
		die("index");
}

static void write_disk(struct server *s, const struct fuse_write_in *in)
{
	struct fuse_write_out out = {.size = in->size};
	if (in->size > MAX_WRITE || in->offset > s->size || in->size > s->size - in->offset) {
		answer(s, ENOSPC, NULL, 0);
		return;
	}
	record(s, in->offset, (const char *)(in + 1), in->size);
	answer(s, 0, &out, sizeof(out));
}

static void serve(struct server *s)
{
	const struct fuse_in_header *in = (const void *)s->request;
	const void *body = in + 1;
	switch (in->opcode) {
	case FUSE_INIT:
		init(s);
		return;
	case FUSE_GETATTR:
	case FUSE_SETATTR: {
		struct fuse_attr_out out = {.attr_valid = 3600, .attr = attributes(s)};
		answer(s, 0, &out, sizeof(out));
		return;
	}
	case FUSE_OPEN: {
		struct fuse_open_out out = {.open_flags = FOPEN_KEEP_CACHE};
		answer(s, 0, &out, sizeof(out));
		return;
	}
	case FUSE_STATFS: {
		struct fuse_statfs_out out = {.st = {.bsize = 4096, .frsize = 4096, .namelen = 255}};
		answer(s, 0, &out, sizeof(out));
		return;
	}
	case FUSE_READ:
		read_disk(s, body);
		return;
	case FUSE_WRITE:
		write_disk(s, body);
		return;
	case FUSE_FSYNC:
		record(s, 0, NULL, 0);
		answer(s, 0, NULL, 0);
		return;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		answer(s, 0, NULL, 0);
		return;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	default: /* no discard: the caller writes zeros instead, which are recorded */
		answer(s, in->opcode == FUSE_FALLOCATE ? EOPNOTSUPP : ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static struct server s;
	struct stat st;
	char options[100];
	if (argc != 5)
		return 2;
	s.disk = open(argv[2], O_RDWR | O_CLOEXEC);
	s.index = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	s.data = open(argv[4], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	s.fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (s.disk < 0 || s.index < 0 || s.data < 0 || s.fuse < 0 || fstat(s.disk, &st) < 0)
		die("open");
	s.size = (uint64_t)st.st_size;
	snprintf(options, sizeof(options), "fd=%d,rootmode=100000,user_id=0,group_id=0,allow_other", s.fuse);
	if (mount("powercut_disk", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) < 0)
		die("mount");
	for (;;) {
		ssize_t n = read(s.fuse, s.request, sizeof(s.request));
		if (n >= (ssize_t)sizeof(struct fuse_in_header))
			serve(&s);
		else if (n < 0 && errno == ENODEV) /* unmounted */
			return 0;
		else if (n >= 0 || (errno != EINTR && errno != ENOENT && errno != EAGAIN))
			die("read");
	}
}
