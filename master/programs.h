/*
 * The programs of the children, before an upgrade depends on them: each is there, finds its libraries, and is of our
 * version.
 */
#ifndef MASTER_PROGRAMS_H
#define MASTER_PROGRAMS_H

#include <stdbool.h>

#include "common/base/str.h"

/*
 * Asks the program of each of ROLES, a set of (1 << role), in FOLDER for its version. False: WHY gets a line for each
 * that does not fit. Blocks.
 */
bool programs_check(const char *folder, unsigned roles, struct str *why);

#endif
