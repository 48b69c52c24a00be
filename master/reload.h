/*
 * Taking the configuration file anew. A file with any error changes nothing. Processes that can't take a change while
 * they live are renewed (renew.h), also when only the content of a file has changed that they read at their start
 * (files.h); servers come and go; what all processes must agree on is refused.
 */
#ifndef MASTER_RELOAD_H
#define MASTER_RELOAD_H

#include "common/base/str.h"
#include "common/ipc/rows.h"

struct config_tree;
struct master;

/* CHECK: only look. REPORT receives errors, warnings, what changes and what could not be done, as lines; all but the
 * lines of a CHECK are logged. */
enum row_reload reload_run(struct master *master, bool check, struct str *report);

/* The same, on probation for CONFIRM_MS (probation.h). */
enum row_reload reload_try(struct master *master, int64_t confirm_ms, struct str *report);

/* Puts TREE (consumed), which was in force before, in force again. False without memory: nothing changed. */
bool reload_tree(struct master *master, struct config_tree *tree);

#endif
