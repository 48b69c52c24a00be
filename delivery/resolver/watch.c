#include "delivery/resolver/watch.h"

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/base/log.h"

enum { PAUSE_MS = 10 * 1000 };

void watch_init(struct watch *w, const struct nameservers *servers, const struct config_endpoints *written)
{
	*w = (struct watch){.servers = *servers, .next_ms = written->n ? 0 : INT64_MAX, .asked_ms = INT64_MIN / 2};
	if (written->n)
		w->origin = written->at[0].origin;
}

void watch_free(struct watch *w)
{
	nameservers_close(&w->servers);
}

void watch_doubt(struct watch *w)
{
	if (w->next_ms == INT64_MAX)
		w->next_ms = w->asked_ms + PAUSE_MS;
}

size_t watch_poll(const struct watch *w, struct pollfd *to)
{
	return nameservers_poll(&w->servers, to);
}

int watch_until(const struct watch *w)
{
	int64_t now = clock_mono_ms();
	if (w->asking || w->next_ms == INT64_MAX)
		return nameservers_until(&w->servers, now);
	return w->next_ms > now ? (int)(w->next_ms - now) : 0;
}

void watch_describe(const struct watch *w, struct str *to)
{
	char text[NAMESERVER_TEXT_MAX];
	for (size_t i = 0; i < w->servers.n; i++) {
		if (!nameserver_trouble(&w->servers.at[i], text))
			continue;
		if (w->origin.file)
			str_printf(to, N_("%s; mail that needs DNS waits or is slow: see dns_server in %s:%u\n"), text,
				   w->origin.file, w->origin.line);
		else
			str_printf(to, N_("%s; mail that needs DNS waits or is slow: see /etc/resolv.conf\n"), text);
	}
}

static void judge(struct watch *w, int64_t now)
{
	bool trouble = false;
	char text[NAMESERVER_TEXT_MAX];
	for (size_t i = 0; i < w->servers.n; i++)
		trouble |= nameserver_trouble(&w->servers.at[i], text);
	if (w->trouble && !trouble)
		log_info("all name servers answer again");
	w->trouble = trouble;
	w->next_ms = trouble ? now + PAUSE_MS : INT64_MAX;
}

bool watch_tend(struct watch *w)
{
	int64_t now = clock_mono_ms();
	if (w->asking) {
		nameservers_tend(&w->servers, now);
	} else if (now >= w->next_ms) {
		w->next_ms = INT64_MAX;
		w->asked_ms = now;
		w->asking = true;
		nameservers_ask(&w->servers, now);
	}
	if (!w->asking || nameservers_until(&w->servers, now) >= 0)
		return false;
	w->asking = false;
	judge(w, now);
	return true;
}
