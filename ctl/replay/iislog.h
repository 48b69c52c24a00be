/*
 * The Microsoft IIS log file format: fifteen values with commas between and behind them; local time. The order of day
 * and month depended on the language of Windows. Pure.
 *
 *	10.3.5.1, host, 8/18/06, 13:17:37, SMTPSVC1, MAIL01, 10.2.0.1, 90, 42, 0, 250, 0, RCPT, -, TO:<a@b>,
 *	client, name, date, time, service, server, its address, ms, octets in, out, reply, error, verb, target, argument
 */
#ifndef CTL_REPLAY_IISLOG_H
#define CTL_REPLAY_IISLOG_H

#include "ctl/replay/row.h"

/* Whether LINE may be one of this format. */
bool iislog_likely(struct span line);

/*
 * DAY_S: the day that the name of the file says, or ROW_NO_TIME; of two readings of a date the nearer one is taken.
 * False with *why. The spans point into LINE.
 */
bool iislog_row(struct span line, int64_t day_s, struct row *out, const char **why);

#endif
