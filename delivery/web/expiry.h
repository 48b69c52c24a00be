/* The end of a secret or certificate, told before it comes. Pure. */
#ifndef DELIVERY_WEB_EXPIRY_H
#define DELIVERY_WEB_EXPIRY_H

#include "common/base/str.h"

/*
 * Appends, from 30 days before ENDS_S on, one line about WHAT ("the client secret of connector m365") with REMEDY and
 * PLACE ("mailroot.conf:12"). It changes 30, 7 and 1 days before, and at the end. Times: seconds since 1970 UTC;
 * ENDS_S 0 = never.
 */
void expiry_append(int64_t ends_s, int64_t now_s, const char *what, const char *remedy, const char *place,
		   struct str *to);

#endif
