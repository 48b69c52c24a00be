/*
 * The way of a bad file from the pickup folder to the badmail folder: ID.eml as it was, ID.txt with the reason, as the
 * queue has them.
 */
#ifndef SMTPD_PICKUP_PICKUP_BAD_H
#define SMTPD_PICKUP_PICKUP_BAD_H

#include "common/base/span.h"

enum { PICKUP_BAD_COPY_MAX = 64 << 20 /* octets that we copy where a rename does not do */ };

/*
 * Moves CLAIMED of FOLDER to BADMAIL under ID. 0 or -errno: then it lies where it was. -EFBIG: another file system, and
 * more than PICKUP_BAD_COPY_MAX octets.
 */
int pickup_bad_move(int folder, const char *claimed, int badmail, const char *id, struct span reason);

#endif
