/* An answer to mailrootctl under construction: rows of cells, then the end (rows.h). */
#ifndef SMTPD_ANSWER_H
#define SMTPD_ANSWER_H

#include "common/base/str.h"
#include "common/config/config.h"

struct answer {
	int link;
	struct str cells; /* of the next row */
	struct str packet;
	bool failed; /* the link is broken */
};

/* Sends the cells as a row of KIND, and clears them. */
void answer_row(struct answer *a, const char *kind);

/* Ends the answer. TEXT, which may be the cells, is for people. */
void answer_done(struct answer *a, unsigned exit_code, struct span text);

/* Appends "file:line" to the cells; nothing for a default. */
void answer_origin(struct answer *a, const struct config_origin *origin);

#endif
