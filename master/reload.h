/*
 * Taking the configuration file anew. A file with any error changes nothing. What can't act without new listeners,
 * folders or accounts is said to act after a restart.
 */
#ifndef MASTER_RELOAD_H
#define MASTER_RELOAD_H

#include "common/base/str.h"

struct master;

/* CHECK: only look. REPORT receives errors, warnings and what changes, as lines. False when the file has errors. */
bool reload_run(struct master *master, bool check, struct str *report);

#endif
