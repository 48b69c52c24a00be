/*
 * What alerts remember over a restart, as text: the conditions and whether they were told, and when messages were sent.
 * So a restart repeats no message and forgets no end. Pure. One line each, fields separated by tabs:
 *
 *	mailroot-alerts 1
 *	alert KIND STATE TOLD SINCE GOOD SERVER OBJECT DETAIL
 *	sent TIME
 */
#ifndef CTL_ALERTS_SAVED_H
#define CTL_ALERTS_SAVED_H

#include "common/base/str.h"
#include "ctl/alerts/throttle.h"
#include "ctl/alerts/watch.h"

enum { SAVED_MAX = 512 << 10 }; /* octets of the text: more than WATCH_MAX lines need */

/* Appends the text to TO. False: no memory, or no room. */
bool saved_write(const struct watch *w, const struct throttle *t, struct str *to);

/*
 * Reads TEXT into *w and *t. False: it is not what saved_write writes; *w and *t are empty then. Alerts are told again
 * in that case, because an alert that comes twice does less harm than one that never comes.
 */
bool saved_read(struct span text, struct watch *w, struct throttle *t);

#endif
