/*
 * Filters of a file's message (filters.h): asked as if a client on this machine, localhost, had sent it. One file at a
 * time, within PICKUP_FILTERS_MS. A filter that refuses one recipient refuses the file.
 */
#ifndef SMTPD_PICKUP_PICKUP_FILTER_H
#define SMTPD_PICKUP_PICKUP_FILTER_H

#include "smtpd/pickup/pickup_file.h"

enum { PICKUP_FILTERS_MS = 60 * 1000 /* all filters together, for one file: the others wait */ };

/*
 * Each returns PICKUP_SENT when filters let the message pass, or what becomes of the file, with f->why. First comes the
 * envelope: f->submission and f->rcpts. A filter that is down costs no copy of the file then.
 */
enum pickup_result pickup_filter_envelope(struct pickup_file *f, const char *id);

/* Then the content, which is in f->store. With PICKUP_SENT it has the edits. */
enum pickup_result pickup_filter_content(struct pickup_file *f, const char *id);

/* The message is over. Harmless when no filter was asked. */
void pickup_filter_end(struct pickup_file *f);

#endif
