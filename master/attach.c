#include "master/attach.h"

#include <string.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "master/tell.h"

enum { LINK_SNDBUF = 1 << 20, AGAIN_MS = 1000 };

static bool make(struct server *server, enum child_link link)
{
	struct peer_link *peer = &server->links.peers[link];
	struct supervised *queue = &server->children[CHILD_QUEUE], *helper = &server->children[links_peer(link)];
	int ends[2];
	peer->serial++;
	peer->up = false;
	int err = ipc_pair(ends, LINK_SNDBUF);
	if (err) {
		log_error("server=%s no link between queue and %s: %s", server->name, child_role_name(helper->role),
			  strerror(-err));
		return false;
	}
	peer->up = tell_attach(queue, server->name, link, peer->serial, ends[0]) &&
		   tell_attach(helper, server->name, link, peer->serial, ends[1]);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return peer->up;
}

/*
 * (1 << link) of links whose other end is about to be replaced, for a new configuration: the queue gives it no more
 * work.
 */
static unsigned replaced(const struct server *server)
{
	unsigned links = 0;
	for (enum child_link link = CHILD_LINK_DELIVERY; link <= CHILD_LINK_RESOLVER; link++)
		links |= (unsigned)((server->renew >> links_peer(link)) & 1) << link;
	return links;
}

void attach_ready(struct server *server, enum child_role fresh)
{
	unsigned due = links_due(server_roles_in(server, SUPERVISE_READY), fresh);
	for (enum child_link link = CHILD_LINK_DELIVERY; link <= CHILD_LINK_RESOLVER; link++) {
		if (due & ~replaced(server) & 1U << link)
			make(server, link);
	}
}

void attach_lost(struct server *server, uint64_t link, uint64_t serial)
{
	if (link >= CHILD_LINK_DELIVERY && link <= CHILD_LINK_RESOLVER && server->links.peers[link].serial == serial)
		server->links.peers[link].up = false;
}

/* (1 << link) of missing links whose ends are both ready. */
static unsigned missing(const struct server *server)
{
	unsigned links = links_due(server_roles_in(server, SUPERVISE_READY), CHILD_QUEUE) & ~replaced(server);
	for (enum child_link link = CHILD_LINK_DELIVERY; link <= CHILD_LINK_RESOLVER; link++)
		links &= ~((unsigned)server->links.peers[link].up << link);
	return links;
}

int64_t attach_tend(struct server *server, int64_t now_ms)
{
	unsigned links = missing(server);
	int64_t next = -1;
	for (enum child_link link = CHILD_LINK_DELIVERY; links && link <= CHILD_LINK_RESOLVER; link++) {
		struct peer_link *peer = &server->links.peers[link];
		if (!(links & 1U << link))
			continue;
		if (now_ms >= peer->again_ms) {
			peer->again_ms = now_ms + AGAIN_MS;
			if (make(server, link))
				log_info("server=%s the link between queue and %s broke and was made again",
					 server->name, child_role_name(links_peer(link)));
		}
		if (!peer->up && (next < 0 || peer->again_ms - now_ms < next))
			next = peer->again_ms - now_ms;
	}
	return next;
}

bool attach_missing(const struct server *server, enum child_role role)
{
	unsigned links = missing(server);
	for (enum child_link link = CHILD_LINK_DELIVERY; links && link <= CHILD_LINK_RESOLVER; link++) {
		if (links & 1U << link && (role == CHILD_QUEUE || role == links_peer(link)))
			return true;
	}
	return false;
}
