/*
 * Moves a bad file from the pickup folder to the badmail folder: the file itself as ID.eml, the reason as ID.txt. The
 * queue uses the same names.
 */
#ifndef SMTPD_PICKUP_PICKUP_BAD_H
#define SMTPD_PICKUP_PICKUP_BAD_H

#include "common/base/span.h"

enum { PICKUP_BAD_COPY_MAX = 64 << 20 /* octets; a larger file is not copied to another file system */ };

/*
 * Moves CLAIMED from FOLDER to BADMAIL under ID. Returns 0, or -errno if the file stays in FOLDER. -EFBIG: BADMAIL is
 * on another file system, and the file has more than PICKUP_BAD_COPY_MAX octets.
 */
int pickup_bad_move(int folder, const char *claimed, int badmail, const char *id, struct span reason);

#endif
