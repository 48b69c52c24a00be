#include "master/links.h"

#include "common/base/fd.h"
#include "common/ipc/fullness.h"
#include "common/ipc/ipc.h"

/* A queue that restarts must not stop acceptance: room for tens of thousands of names meanwhile. */
enum { KEPT_SNDBUF = 32 << 20 };

/* A client of names waits 5 s: an answer to a question that does not fit here would come too late. */
enum { NAMES_SNDBUF = 128 << 10 };

static const enum child_role peers[] = {
	[CHILD_LINK_DELIVERY] = CHILD_DELIVERY,
	[CHILD_LINK_LOCAL] = CHILD_LOCAL,
	[CHILD_LINK_RESOLVER] = CHILD_RESOLVER,
};

void links_init(struct links *links)
{
	*links = (struct links){-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, {{0}}};
}

static int open_pair(int *read_end, int *write_end, int sndbuf)
{
	int ends[2];
	int err = ipc_pair(ends, sndbuf);
	if (err)
		return err;
	*read_end = ends[0];
	*write_end = ends[1];
	return 0;
}

int links_open(struct links *links)
{
	int err = 0;
	if (links->arrivals_read < 0)
		err = open_pair(&links->arrivals_read, &links->arrivals_write, KEPT_SNDBUF);
	if (!err && links->verdicts_read < 0)
		err = open_pair(&links->verdicts_read, &links->verdicts_write, KEPT_SNDBUF);
	if (!err && links->records_read < 0)
		err = open_pair(&links->records_read, &links->records_write, KEPT_SNDBUF);
	if (!err && links->names_read < 0)
		err = open_pair(&links->names_read, &links->names_write, NAMES_SNDBUF);
	if (!err && links->fullness_read < 0)
		err = fullness_create(&links->fullness_write, &links->fullness_read);
	if (!err)
		err = fd_set_nonblock(links->names_write, true);
	return err ? err : fd_set_nonblock(links->records_write, true);
}

void links_close(struct links *links)
{
	fd_close(&links->arrivals_read);
	fd_close(&links->arrivals_write);
	fd_close(&links->verdicts_read);
	fd_close(&links->verdicts_write);
	fd_close(&links->records_read);
	fd_close(&links->records_write);
	fd_close(&links->names_read);
	fd_close(&links->names_write);
	fd_close(&links->fullness_read);
	fd_close(&links->fullness_write);
}

int links_arrivals_of(const struct links *links, enum child_role role)
{
	if (role == CHILD_QUEUE)
		return links->arrivals_read;
	return role == CHILD_SMTPD || role == CHILD_PICKUP || role == CHILD_LOCAL ? links->arrivals_write : -1;
}

int links_verdicts_of(const struct links *links, enum child_role role)
{
	if (role == CHILD_QUEUE)
		return links->verdicts_read;
	return role == CHILD_DELIVERY || role == CHILD_LOCAL ? links->verdicts_write : -1;
}

int links_records_of(const struct links *links, enum child_role role)
{
	if (role == CHILD_LOG)
		return links->records_read;
	return role == CHILD_SMTPD || role == CHILD_DELIVERY ? links->records_write : -1;
}

int links_names_of(const struct links *links, enum child_role role)
{
	if (role == CHILD_RESOLVER)
		return links->names_read;
	return role == CHILD_SMTPD ? links->names_write : -1;
}

int links_fullness_of(const struct links *links, enum child_role role)
{
	if (role == CHILD_QUEUE)
		return links->fullness_write;
	return role == CHILD_SMTPD || role == CHILD_PICKUP ? links->fullness_read : -1;
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
