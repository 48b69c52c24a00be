/*
 * Hosts that offer STARTTLS but fail in it, as this worker has seen: with opportunistic TLS they get their mail in
 * clear, without another try for each message. Pure; the newest few are remembered.
 */
#ifndef DELIVERY_SMTP_FALLBACK_H
#define DELIVERY_SMTP_FALLBACK_H

#include <stddef.h>

#include "common/mail/cidr.h"

enum { FALLBACK_MAX = 16, FALLBACK_MS = 15 * 60 * 1000 };

struct fallback {
	struct fallback_host {
		struct ipaddr ip;
		uint16_t port; /* 0 = empty */
		int64_t until; /* monotonic, ms */
	} hosts[FALLBACK_MAX];
	size_t next;
};

void fallback_note(struct fallback *f, const struct ipaddr *ip, uint16_t port, int64_t now);
bool fallback_known(const struct fallback *f, const struct ipaddr *ip, uint16_t port, int64_t now);

#endif
