/* A page of memory that one process writes and others read: a sealed memfd with two descriptors. */
#ifndef COMMON_IPC_PAGE_H
#define COMMON_IPC_PAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Makes a page of SIZE octets, all 0; READ_FD can't write it. 0 or -errno. */
int page_create(const char *name, size_t size, int *write_fd, int *read_fd);

/* Maps the page of FD, which stays open, if it has SIZE octets; NULL on failure. */
void *page_map(int fd, size_t size, bool writable);

#endif
