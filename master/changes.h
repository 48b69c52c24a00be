/*
 * What a reload changes, in words: a line for each setting with its value and the one it had, for each entry of a list
 * of clients with what becomes of them, for each domain that comes or goes; and when it acts, unless that is at once,
 * in open sessions too. Values are compared, not the places where they are written. Pure.
 */
#ifndef MASTER_CHANGES_H
#define MASTER_CHANGES_H

#include "common/config/config.h"

/*
 * Appends a line for each difference, such as "server main: 10.1.0.0/16 may no longer relay (was: to any domain)";
 * returns how many.
 */
unsigned changes_describe(const struct config *before, const struct config *after, struct str *to);

/*
 * Which processes of virtual server NAME, which is in both, can't take what changes while they live: a set of enum
 * config_role.
 */
unsigned changes_roles(const struct config *before, const struct config *after, const char *name);

/* The first setting that no reload may change, as all processes must agree on it: its name, or NULL. */
const char *changes_forbidden(const struct config *before, const struct config *after);

#endif
