/*
 * What a reload changes, in words: one line a setting, with when it acts. Values are compared, not the places where
 * they are written. Pure.
 */
#ifndef MASTER_CHANGES_H
#define MASTER_CHANGES_H

#include "common/host/config.h"

struct changes {
	unsigned now;     /* settings that act with the next command or connection */
	unsigned restart; /* settings that wait for a restart of the service */
};

/* Appends a line for each difference: "server main: relay list changed; acts with the next command". */
void changes_describe(const struct config *before, const struct config *after, struct changes *count, struct str *to);

#endif
