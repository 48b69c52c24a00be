/*
 * Files that the Kerberos library reads each time it looks for a KDC: its configuration and the included files, the
 * plug-ins, and the files of the name service. A process without a file system must still be permitted to read them.
 */
#ifndef COMMON_GSS_PATHS_H
#define COMMON_GSS_PATHS_H

#include <stddef.h>

enum { GSS_PATHS_MAX = 32 };

struct gss_paths {
	char *at[GSS_PATHS_MAX + 1]; /* owned; ends with NULL */
	size_t n;
};

/* CONFIG: files separated by colons, as in KRB5_CONFIG; NULL = the usual one. Only what exists is listed. */
void gss_paths_collect(struct gss_paths *p, const char *config);
void gss_paths_free(struct gss_paths *p);

#endif
