/* URLs of http and https (RFC 3986), as an administrator writes them: taken apart, and refused with the reason. */
#ifndef COMMON_BASE_URL_H
#define COMMON_BASE_URL_H

#include <stdint.h>

#include "common/base/span.h"

struct url {
	bool tls;         /* https */
	struct span host; /* a name or an address, without brackets; borrowed */
	uint16_t port;    /* written, or 80 and 443 */
	struct span path; /* from the first / or ? on; may be empty */
};

/* False with *WHY: "it has no host". User names and fragments are refused: they have no place in what we ask for. */
bool url_parse(struct span text, struct url *out, const char **why);

#endif
