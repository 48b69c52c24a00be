/*
 * Describes what a reload changes: one line for each setting with its new and its old value, for each entry of a client
 * list with the new rights, for each added or removed domain; and when it takes effect, unless that is at once, in open
 * sessions too. Compares values, not their places in the file. Pure.
 */
#ifndef MASTER_CHANGES_H
#define MASTER_CHANGES_H

#include "common/config/config.h"

/*
 * Appends a line for each difference, such as "server main: 10.1.0.0/16 may no longer relay (was: to any domain)";
 * returns their number.
 */
unsigned changes_describe(const struct config *before, const struct config *after, struct str *to);

/*
 * The processes of virtual server NAME, which is in both configurations, that must be renewed for the change: a set of
 * enum config_role.
 */
unsigned changes_roles(const struct config *before, const struct config *after, const char *name);

/* Settings that nothing but a restart changes: the name of number I, below CHANGES_FIXED; its value, NULL = none. */
enum { CHANGES_FIXED = 9 };
const char *changes_fixed_name(size_t i);
const char *changes_fixed_value(size_t i, const struct config *config);

/* The first changed setting that no reload may change, because all processes must agree on it: its name, or NULL. */
const char *changes_forbidden(const struct config *before, const struct config *after);

#endif
