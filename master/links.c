#include "master/links.h"

#include <string.h>

#include "common/base/fd.h"
#include "common/ipc/counters.h"
#include "common/ipc/fullness.h"
#include "common/ipc/ipc.h"
#include "common/ipc/tokens.h"

enum {
	/* A queue that restarts must not stop acceptance: room for tens of thousands of names meanwhile. */
	KEPT_SNDBUF = 32 << 20,
	/* A client of names or passwords waits some seconds: an answer to a question that does not fit here would come
	 * too late. Of refused tokens the next refusal tells again. */
	SMALL_SNDBUF = 128 << 10
};

#define OF(role) (1U << CHILD_##role)
#define ALL      ((1U << CHILD_ROLE_COUNT) - 1)
#define AT(fd)   (CHILD_FD_##fd - CHILD_FD_ARRIVALS)

static const struct {
	const char *name;
	unsigned readers, writers; /* sets of (1 << role) */
	int sndbuf;
	bool never_waits; /* a writer whose packet does not fit goes on without it */
	int (*page)(int *write_fd, int *read_fd);
} kinds[CHILD_FD_KEPT] = {
	[AT(ARRIVALS)] = {"arrivals", OF(QUEUE), OF(SMTPD) | OF(PICKUP) | OF(LOCAL) | OF(WEB), KEPT_SNDBUF, false,
			  NULL},
	[AT(VERDICTS)] = {"verdicts", OF(QUEUE), OF(DELIVERY) | OF(LOCAL), KEPT_SNDBUF, false, NULL},
	[AT(RECORDS)] = {"records", OF(LOG), OF(SMTPD) | OF(DELIVERY), KEPT_SNDBUF, true, NULL},
	[AT(NAMES)] = {"names", OF(RESOLVER), OF(SMTPD) | OF(WEB), SMALL_SNDBUF, true, NULL},
	[AT(FULLNESS)] = {"fullness", OF(SMTPD) | OF(PICKUP), OF(QUEUE), 0, false, fullness_create},
	[AT(TOKENS)] = {"tokens", OF(WEB), OF(DELIVERY), SMALL_SNDBUF, true, NULL},
	[AT(PASSWORDS)] = {"passwords", OF(KERBEROS), OF(SMTPD), SMALL_SNDBUF, true, NULL},
	[AT(FILTERS)] = {"filters", OF(FILTERS), OF(SMTPD) | OF(PICKUP), SMALL_SNDBUF, true, NULL},
	[AT(TOKEN_PAGE)] = {"token_page", OF(DELIVERY), OF(WEB), 0, false, tokens_create},
	[AT(COUNTERS)] = {"counters", 0, ALL, 0, false, counters_create},
};

static const enum child_role peers[] = {
	[CHILD_LINK_DELIVERY] = CHILD_DELIVERY,
	[CHILD_LINK_LOCAL] = CHILD_LOCAL,
	[CHILD_LINK_RESOLVER] = CHILD_RESOLVER,
};

const char *links_name(size_t i)
{
	return kinds[i].name;
}

void links_init(struct links *links)
{
	*links = (struct links){0};
	for (size_t i = 0; i < CHILD_FD_KEPT; i++)
		links->kept[i] = (struct link_ends){-1, -1};
}

static int open_link(struct link_ends *to, int sndbuf, bool never_waits)
{
	int ends[2];
	int err = ipc_pair(ends, sndbuf);
	if (err)
		return err;
	*to = (struct link_ends){ends[0], ends[1]};
	return never_waits ? fd_set_nonblock(to->write, true) : 0;
}

int links_open(struct links *links)
{
	int err = 0;
	for (size_t i = 0; !err && i < CHILD_FD_KEPT; i++) {
		struct link_ends *ends = &links->kept[i];
		if (ends->read >= 0)
			continue;
		err = kinds[i].page ? kinds[i].page(&ends->write, &ends->read)
				    : open_link(ends, kinds[i].sndbuf, kinds[i].never_waits);
	}
	return err;
}

void links_close(struct links *links)
{
	for (size_t i = 0; i < CHILD_FD_KEPT; i++) {
		fd_close(&links->kept[i].read);
		fd_close(&links->kept[i].write);
	}
}

void links_adopt(struct links *links, const struct link_ends kept[CHILD_FD_KEPT])
{
	struct link_ends *counters = &links->kept[AT(COUNTERS)];
	memcpy(links->kept, kept, sizeof(links->kept));
	if (counters_fit(counters->read))
		return;
	fd_close(&counters->read);
	fd_close(&counters->write);
}

int links_counters(const struct links *links)
{
	return links->kept[AT(COUNTERS)].read;
}

void links_count_restart(const struct links *links, enum child_role role)
{
	static const enum counter counters[CHILD_ROLE_COUNT] = {
		[CHILD_SMTPD] = COUNTER_RESTART_SMTPD,       [CHILD_QUEUE] = COUNTER_RESTART_QUEUE,
		[CHILD_DELIVERY] = COUNTER_RESTART_DELIVERY, [CHILD_LOCAL] = COUNTER_RESTART_LOCAL,
		[CHILD_RESOLVER] = COUNTER_RESTART_RESOLVER, [CHILD_LOG] = COUNTER_RESTART_LOG,
		[CHILD_PICKUP] = COUNTER_RESTART_PICKUP,     [CHILD_WEB] = COUNTER_RESTART_WEB,
		[CHILD_KERBEROS] = COUNTER_RESTART_KERBEROS, [CHILD_FILTERS] = COUNTER_RESTART_FILTERS,
	};
	counters_count(links->kept[AT(COUNTERS)].write, counters[role]);
}

int links_of(const struct links *links, enum child_fd fd, enum child_role role)
{
	size_t at = (size_t)fd - CHILD_FD_ARRIVALS;
	if (kinds[at].readers & 1U << role)
		return links->kept[at].read;
	return kinds[at].writers & 1U << role ? links->kept[at].write : -1;
}

enum child_role links_peer(enum child_link link)
{
	return link >= CHILD_LINK_DELIVERY && link <= CHILD_LINK_RESOLVER ? peers[link] : CHILD_ROLE_COUNT;
}

unsigned links_due(unsigned ready, enum child_role fresh)
{
	unsigned due = 0;
	if (!(ready & 1U << CHILD_QUEUE))
		return 0;
	for (enum child_link link = CHILD_LINK_DELIVERY; link <= CHILD_LINK_RESOLVER; link++) {
		enum child_role peer = links_peer(link);
		if ((ready & 1U << peer) && (fresh == CHILD_QUEUE || fresh == peer))
			due |= 1U << link;
	}
	return due;
}
