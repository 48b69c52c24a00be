/*
 * Prints the text of a message: unchanged into a file or a pipe; on a terminal without control sequences; in JSON as a
 * string. The text comes in pieces and has no length limit.
 */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

#include <stdio.h>

#include "ctl/json.h"

enum screen_kind { SCREEN_AS_IS, SCREEN_TERMINAL, SCREEN_JSON };

struct screen {
	enum screen_kind kind;
	struct json json; /* of SCREEN_JSON: {"text": "..."} */
	FILE *to;
	bool begun;
	struct utf8_pieces pieces;
};

void screen_init(struct screen *screen, FILE *to, enum screen_kind kind);
void screen_write(struct screen *screen, struct span piece);

/* Call after the last piece. False: it could not be written (a full disk, a closed pipe). */
bool screen_end(struct screen *screen);

#endif
