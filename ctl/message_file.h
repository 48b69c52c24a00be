/* A message from a file or from standard input. */
#ifndef CTL_MESSAGE_FILE_H
#define CTL_MESSAGE_FILE_H

#include "common/base/str.h"

/*
 * Reads FILE, "-" for standard input, into TEXT, which this function initializes and the caller frees: as it would be
 * sent, so each line end is CRLF, and the last line has one. False: the reason was printed.
 */
bool message_file_read(const char *file, struct str *text);

#endif
