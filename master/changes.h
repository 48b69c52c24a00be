/*
 * What a reload changes, in words: one line a setting, with when it acts. Values are compared, not the places where
 * they are written. Pure.
 */
#ifndef MASTER_CHANGES_H
#define MASTER_CHANGES_H

#include "common/host/config.h"

enum changes_kind {
	CHANGES_NOW = 1,     /* what acts with the next command or connection */
	CHANGES_RESTART = 2, /* what waits for a restart of the service */
};

/*
 * Appends a line for each difference of KINDS (a set of enum changes_kind), such as "server main: relay list changed;
 * acts with the next command"; returns how many.
 */
unsigned changes_describe(const struct config *before, const struct config *after, unsigned kinds, struct str *to);

/* The first setting that no reload may change, as all processes must agree on it: its name, or NULL. */
const char *changes_forbidden(const struct config *before, const struct config *after);

#endif
