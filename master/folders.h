/*
 * The folders of a virtual server. Root makes them, but the account `mailroot` owns some folders on the way and could
 * replace a name by a symbolic link. So every step goes by descriptor, without following links.
 */
#ifndef MASTER_FOLDERS_H
#define MASTER_FOLDERS_H

#include <sys/types.h>

#include "common/config/config.h"

/* The accounts that own the folders. When an ordinary user starts the service all are this user's. */
struct folders_owner {
	uid_t queue_uid; /* `user` */
	gid_t queue_gid;
	gid_t smtpd_gid; /* of `smtpd_user`: may create files in new/, and nothing else */
};

/* In mailroot_dir: a link to maildrop/ of the virtual server that takes local mail. */
#define FOLDERS_MAILDROP ".maildrop"

/*
 * Creates the missing ones of <mailroot_dir>/<server>/{new,cur,drop,badmail,maildrop,pickup}, the link
 * FOLDERS_MAILDROP, badmail_dir, drop_dir and pickup_dir where their parent folder exists, and the log's folder. False
 * with WHY, of SIZE octets: the obstacle and the remedy. A pickup folder that can't be made is no failure.
 */
bool folders_make(const struct config *config, const struct config_server *server, const struct folders_owner *owner,
		  char *why, size_t size);

/*
 * Makes the folder of the transaction log, if SERVER keeps one: log_dir with its parents, or `dir` where its parent
 * exists. False with WHY.
 */
bool folders_make_log(const struct config *config, const struct config_server *server,
		      const struct folders_owner *owner, char *why, size_t size);

/*
 * Makes the folder of SERVER's refresh tokens, if it has any: oauth/<server> in state_dir, of `web_user` alone. False
 * with WHY. A user that does not exist is no failure.
 */
bool folders_make_oauth(const struct config *config, const struct config_server *server, char *why, size_t size);

/* Makes the folder alerts/ in state_dir, of `stat_user` alone, if alerts are told. The same. */
bool folders_make_alerts(const struct config *config, char *why, size_t size);

/* Makes DIR (and its parents, mode 0755) for the service: run_dir, mailroot_dir, state_dir. 0 or -errno. */
int folders_make_path(const char *dir);

#endif
