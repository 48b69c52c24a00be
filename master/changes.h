/*
 * What a reload changes, in words: a line for each setting with its value and the one it had, for each entry of a list
 * of clients with what becomes of them, for each domain that comes or goes; and when it acts, unless that is at once,
 * in open sessions too. Values are compared, not the places where they are written. Pure.
 */
#ifndef MASTER_CHANGES_H
#define MASTER_CHANGES_H

#include "common/host/config.h"

enum changes_kind {
	CHANGES_NOW = 1,     /* what acts with the next command or connection */
	CHANGES_RESTART = 2, /* what waits for a restart of the service */
};

/*
 * Appends a line for each difference of KINDS (a set of enum changes_kind), such as "server main:
 * 10.1.0.0/16 may no longer relay (was: to any domain)"; returns how many.
 */
unsigned changes_describe(const struct config *before, const struct config *after, unsigned kinds, struct str *to);

/* The first setting that no reload may change, as all processes must agree on it: its name, or NULL. */
const char *changes_forbidden(const struct config *before, const struct config *after);

#endif
