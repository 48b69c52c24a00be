/* Descriptors: whole reads and writes, flags, sealed memory files. Functions return 0 or -errno unless they say
 * otherwise. */
#ifndef COMMON_BASE_FD_H
#define COMMON_BASE_FD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/str.h"

/* Closes *fd when it is not -1 and sets it to -1; keeps errno. */
void fd_close(int *fd);

int fd_set_nonblock(int fd, bool on);

/* Writes all of TEXT, going on after EINTR and short writes. */
__attribute__((warn_unused_result)) int fd_write_all(int fd, struct span text);

/*
 * Whether -ERR of a file says something of the file or of who may use it (missing, forbidden, no file), so that
 * trying again is of no use; otherwise memory, descriptors, room or a disk are wanting, and that may pass. Pure.
 */
bool fd_error_lasts(int err);

/* Appends everything from FD's offset on to TO, as far as TO's bound allows (-EFBIG beyond). */
__attribute__((warn_unused_result)) int fd_read_all(int fd, struct str *to);

/* Appends the octets of the file FROM between offsets AT and END to TO; -EIO when it is shorter. Offsets of FROM stay.
 */
__attribute__((warn_unused_result)) int fd_copy(int from, off_t at, off_t end, int to);

/*
 * Copies all of the file FROM to NAME in FOLDER, written as .NAME and synced before it has its name. Nothing is left of
 * one that fails; -EXDEV when FROM is no regular file.
 */
__attribute__((warn_unused_result)) int fd_copy_as(int from, int folder, const char *name);

/* Waits until FD can be read, or its other end is gone, or the clock (clock_mono_ms) says UNTIL: -ETIMEDOUT. */
__attribute__((warn_unused_result)) int fd_await(int fd, int64_t until);

/* After a poll or an accept that failed with ERR: waits FD_REST_MS when it may stay (no memory, no descriptor), so
 * that no loop spins. Not for EINTR, EAGAIN and ECONNABORTED. */
enum { FD_REST_MS = 200 };
void fd_rest(int err);
bool fd_error_stays(int err);

/* Both files can be read, and hold the same octets from their starts to their ends. */
bool fd_same(int a, int b);

/* A memory file with TEXT, sealed against every change, close-on-exec; the descriptor or -errno. Offset 0. */
int fd_sealed(const char *name, struct span text);

/* What is at PATH is no regular file: opening it, or reading it to its end, may take for ever. */
bool fd_may_hang(const char *path);

/* N random octets from the kernel; dies when the kernel has none (that is before any network). */
void fd_random(void *to, size_t n);

#endif
