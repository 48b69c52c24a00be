/* Where mail of a virtual server comes from, as receivers see it, and what SPF says of that. */
#ifndef CTL_DOCTOR_SOURCES_H
#define CTL_DOCTOR_SOURCES_H

#include "ctl/doctor/ask.h"
#include "ctl/doctor/spf.h"

enum { SOURCES_MAX = 24 };

struct source {
	struct ipaddr ip;
	const char *host; /* the smart host; NULL = this machine */
};

struct sources {
	struct source at[SOURCES_MAX];
	size_t n;
};

/* Public addresses alone; none may be known. */
void sources_find(struct ask *ask, const struct config_server *server, struct sources *out);

/* What a receiver finds out of mail with MAIL FROM of DOMAIN that comes from IP. */
void sources_spf(struct ask *ask, const struct config_server *server, const char *domain, const struct ipaddr *ip,
		 struct spf_verdict *out);

#endif
