/*
 * Who may give orders through the control socket: root, the user who started the service, and the operators of the
 * configuration by name or group. The kernel says who the peer is. The service's own accounts never may, whatever
 * groups somebody put them in: they are what an intruder would have.
 */
#ifndef MASTER_PERMIT_H
#define MASTER_PERMIT_H

#include <stddef.h>
#include <sys/types.h>

#include "common/config/config.h"

enum {
	PERMIT_NAMES_MAX = 64,   /* bound of the setting `operators` */
	PERMIT_SERVICE_MAX = 3,  /* user, smtpd_user, delivery_user */
	PERMIT_GROUPS_MAX = 1024 /* groups of a peer that are looked at */
};

struct permit {
	uid_t starter;
	uid_t users[PERMIT_NAMES_MAX];
	size_t user_count;
	gid_t groups[PERMIT_NAMES_MAX];
	size_t group_count;
	uid_t service[PERMIT_SERVICE_MAX];
	size_t service_count;
};

struct permit_peer {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary */
	size_t group_count;
};

/* Pure. */
bool permit_decide(const struct permit *permit, const struct permit_peer *peer);

/* Looks the names of CONFIG up; a name that nobody has is logged and gives nobody anything. */
void permit_resolve(const struct config *config, uid_t starter, struct permit *out);

/* Asks the kernel who is at the other end of FD, and decides. */
bool permit_socket(const struct permit *permit, int fd);

#endif
