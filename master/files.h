/*
 * The identity of the files that a process read at its start: certificates, keys, key tabs, passwords, authorities. A
 * renewed certificate has the path of the old one, so a reload finds changed files here. Master looks only at names and
 * metadata, and opens none of these files.
 */
#ifndef MASTER_FILES_H
#define MASTER_FILES_H

#include <sys/stat.h>

#include "common/base/str.h"
#include "common/config/config.h"

enum { FILES_MAX = 20000 }; /* for one role of one server: thousands of domains may have files of their own */

struct files_stamp {
	char *path;       /* owned */
	struct stat file; /* all 0 if it was missing */
};

struct files {
	struct files_stamp *at; /* sorted by path */
	size_t n;
};

/*
 * Notes the files that a process of ROLE (one of enum config_role) reads for SERVER. Without memory some are left out,
 * and a change of them is not noticed.
 */
void files_note(struct files *files, const struct config_server *server, unsigned role);

/*
 * Returns how many files that ROLE reads for SERVER have changed since files_note. Appends to TO a line for each,
 * "server main: certificate /etc/ssl/mail.pem changed: new sessions get it". Files that were not noted don't count:
 * their path is new.
 */
unsigned files_changed(const struct files *files, const struct config_server *server, unsigned role, struct str *to);

/* Whether both describe the same file with the same content, or neither one. */
bool files_same(const struct stat *a, const struct stat *b);

void files_free(struct files *files);

#endif
