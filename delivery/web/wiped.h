/*
 * Memory that is overwritten before it is freed, for the libraries that tokens and secrets go through: libcurl,
 * libjansson and OpenSSL.
 */
#ifndef DELIVERY_WEB_WIPED_H
#define DELIVERY_WEB_WIPED_H

#include <stdbool.h>

/* Before any other use of the three, and as root: they read their own files now. False: no memory. */
bool wiped_start(void);

#endif
