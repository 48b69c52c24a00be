/*
 * Who may use the control socket: root, the user who started the service unless init did, and the operators of the
 * configuration by name or group. The kernel identifies the peer. The service's own accounts are always refused,
 * whatever their groups: an intruder would have them. Of these, stat_user alone may ask for the state.
 */
#ifndef MASTER_PERMIT_H
#define MASTER_PERMIT_H

#include <stddef.h>
#include <sys/types.h>

#include "common/config/config.h"

enum {
	PERMIT_NAMES_MAX = 64,   /* maximum of the setting `operators` */
	PERMIT_SERVICE_MAX = 6,  /* user, smtpd_user, delivery_user, web_user, kerberos_user, filters_user */
	PERMIT_GROUPS_MAX = 1024 /* groups of a peer that are considered */
};

struct permit {
	uid_t starter;
	uid_t users[PERMIT_NAMES_MAX];
	size_t user_count;
	gid_t groups[PERMIT_NAMES_MAX];
	size_t group_count;
	uid_t service[PERMIT_SERVICE_MAX];
	size_t service_count;
	uid_t watcher; /* stat_user, or the user of a service without root; (uid_t)-1 = none */
};

enum permit_right { PERMIT_NOTHING, PERMIT_STATUS, PERMIT_ALL };

struct permit_peer {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary */
	size_t group_count;
};

/* Pure. */
enum permit_right permit_decide(const struct permit *permit, const struct permit_peer *peer);

/* Looks up the names of CONFIG. An unknown name is logged and ignored. */
void permit_resolve(const struct config *config, uid_t starter, struct permit *out);

/* Asks the kernel for the peer of FD, and decides. */
enum permit_right permit_socket(const struct permit *permit, int fd);

#endif
