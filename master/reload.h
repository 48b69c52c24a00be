/*
 * Reads the configuration file again. A file with any error changes nothing. Processes that can't take a change while
 * they run are renewed (renew.h), also when only the content of a file has changed that they read at their start
 * (files.h). Servers are added and removed. A change that all processes must agree on is refused.
 */
#ifndef MASTER_RELOAD_H
#define MASTER_RELOAD_H

#include "common/base/str.h"
#include "common/ipc/rows.h"

struct config_tree;
struct master;

/*
 * CHECK: only check. REPORT receives errors, warnings, changes and what could not be done, as lines. All but the lines
 * of a CHECK are logged.
 */
enum row_reload reload_run(struct master *master, bool check, struct str *report);

/* The same, on probation for CONFIRM_MS (probation.h). */
enum row_reload reload_try(struct master *master, int64_t confirm_ms, struct str *report);

/* Puts TREE (consumed), the previous configuration, into force again. False: no memory, and nothing changed. */
bool reload_tree(struct master *master, struct config_tree *tree);

#endif
