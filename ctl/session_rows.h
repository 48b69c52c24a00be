/* The sessions of a virtual server: those of its smtpd, and of older ones that finish theirs. */
#ifndef CTL_SESSION_ROWS_H
#define CTL_SESSION_ROWS_H

#include "ctl/link.h"

/* The cells of ROW_SESSION (rows.h). */
enum session_rows_cell {
	SESSION_ROWS_ID,
	SESSION_ROWS_CLIENT,
	SESSION_ROWS_SINCE,
	SESSION_ROWS_STATE,
	SESSION_ROWS_QUIET,
	SESSION_ROWS_MESSAGES,
	SESSION_ROWS_HELO,
	SESSION_ROWS_CELLS
};

/*
 * A link to the smtpd of SERVER, or with OLDER > 0 to that older one. -1: there is none, with the reason in WHY,
 * LINK_TEXT_MAX + 1.
 */
int session_rows_link(const char *run_dir, const char *server, size_t older, char *why);

/*
 * Passes each session of SERVER to ROW, until that returns false: it wants no more. False: the smtpd does not answer,
 * with the reason in WHY.
 */
bool session_rows_ask(const char *run_dir, const char *server, bool (*row)(void *context, const struct link_row *row),
		      void *context, char *why);

#endif
