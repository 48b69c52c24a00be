/*
 * What a host said it can do (the lines of its reply to EHLO), as far as we use it. Pure; constant memory whatever the
 * host sends.
 */
#ifndef DELIVERY_CAPABILITIES_H
#define DELIVERY_CAPABILITIES_H

#include "common/base/span.h"

struct capabilities {
	bool pipelining;   /* RFC 2920 */
	bool eight_bit;    /* RFC 6152 */
	bool size;         /* RFC 1870 */
	uint64_t size_max; /* octets of the largest message that it takes; 0 = it did not say */
};

/*
 * Adds one line of the reply, without its code ("SIZE 1000"). The first line is the host's name and must not be passed.
 * Unknown keywords and parameters that make no sense are passed over; of a keyword said twice the last counts.
 */
void capabilities_add(struct capabilities *c, struct span line);

#endif
