#include "delivery/smtp/fallback.h"

void fallback_note(struct fallback *f, const struct ipaddr *ip, uint16_t port, int64_t now)
{
	f->hosts[f->next] = (struct fallback_host){*ip, port, now + FALLBACK_MS};
	f->next = (f->next + 1) % FALLBACK_MAX;
}

bool fallback_known(const struct fallback *f, const struct ipaddr *ip, uint16_t port, int64_t now)
{
	for (size_t i = 0; i < FALLBACK_MAX; i++) {
		const struct fallback_host *host = &f->hosts[i];
		if (host->port == port && host->until > now && ipaddr_equal(&host->ip, ip))
			return true;
	}
	return false;
}
