/*
 * Descriptors: complete reads and writes, flags, sealed memory files. Functions return 0 or -errno unless stated
 * otherwise.
 */
#ifndef COMMON_BASE_FD_H
#define COMMON_BASE_FD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/str.h"

/* Closes *fd unless it is -1, and sets it to -1; keeps errno. */
void fd_close(int *fd);

int fd_set_nonblock(int fd, bool on);

/* Writes all of TEXT, despite EINTR and short writes. */
__attribute__((warn_unused_result)) int fd_write_all(int fd, struct span text);

/*
 * Whether -ERR of a file says something of the file or of who may use it (missing, forbidden, no file), so that
 * trying again is of no use; otherwise memory, descriptors, room or a disk are wanting, and that may pass. Pure.
 */
bool fd_error_lasts(int err);

/* Appends the file from FD's offset to its end to TO, within TO's limit (-EFBIG beyond it). */
__attribute__((warn_unused_result)) int fd_read_all(int fd, struct str *to);

/*
 * Appends the octets of the file FROM between offsets AT and END to TO; -EIO when it is shorter. The offset of FROM
 * does not change.
 */
__attribute__((warn_unused_result)) int fd_copy(int from, off_t at, off_t end, int to);

/*
 * Copies the file FROM to NAME in FOLDER: written as .NAME and synced before it is renamed. On failure nothing is left;
 * -EXDEV when FROM is no regular file.
 */
__attribute__((warn_unused_result)) int fd_copy_as(int from, int folder, const char *name);

/*
 * Renames FROM in FROM_FOLDER to TO in TO_FOLDER, which must not exist: -EEXIST. Where the file system can't promise
 * that for a rename (NFS, FUSE), it makes a link and removes the old name: after a crash in between both names are
 * there. Where it may not link a file of another user, it looks before it renames.
 */
__attribute__((warn_unused_result)) int fd_rename_new(int from_folder, const char *from, int to_folder, const char *to);

/* Waits until FD is readable, or its other end is closed, or the clock (clock_mono_ms) reaches UNTIL: -ETIMEDOUT. */
__attribute__((warn_unused_result)) int fd_await(int fd, int64_t until);

/* After a poll or an accept that failed with ERR: waits FD_REST_MS when it may stay (no memory, no descriptor), so
 * that no loop spins. Not for EINTR, EAGAIN and ECONNABORTED. */
enum { FD_REST_MS = 200 };
void fd_rest(int err);
bool fd_error_stays(int err);

/* Whether both files can be read and have the same content. */
bool fd_same(int a, int b);

/*
 * Makes a memory file with TEXT, sealed against every change, close-on-exec. Returns the descriptor, at offset 0, or
 * -errno.
 */
int fd_sealed(const char *name, struct span text);

/*
 * Opens the regular file PATH for reading. Never blocks. Returns the descriptor, or -1 with *WHY, "" when there is no
 * such file.
 */
int fd_open_regular(const char *path, const char **why);

/* Whether PATH is no regular file: opening or reading it may block for ever. */
bool fd_may_hang(const char *path);

/* Gets N random octets from the kernel; ends the process when the kernel has none (only early in the boot). */
void fd_random(void *to, size_t n);

#endif
