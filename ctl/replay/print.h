/* What a replay found, on standard output: for people, or as JSON. */
#ifndef CTL_REPLAY_PRINT_H
#define CTL_REPLAY_PRINT_H

#include "ctl/replay/replay.h"

/* After census_sort and traffic_sort. FILE: the configuration. */
void print_text(const struct replay *replay, const char *file);
void print_json(const struct replay *replay, const char *file);

/* Appends "FILE:LINE", or "the default". */
void print_origin(const struct config_origin *origin, struct str *to);

#endif
