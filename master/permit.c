#include "master/permit.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"

static bool holds(const unsigned *ids, size_t n, unsigned id)
{
	for (size_t i = 0; i < n; i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

static bool is_operator(const struct permit *permit, const struct permit_peer *peer)
{
	if (holds(permit->users, permit->user_count, peer->uid))
		return true;
	if (holds(permit->groups, permit->group_count, peer->gid))
		return true;
	for (size_t i = 0; i < peer->group_count; i++) {
		if (holds(permit->groups, permit->group_count, peer->groups[i]))
			return true;
	}
	return false;
}

enum permit_right permit_decide(const struct permit *permit, const struct permit_peer *peer)
{
	if (peer->uid == 0 || peer->uid == permit->starter)
		return PERMIT_ALL;
	if (peer->uid == permit->watcher)
		return PERMIT_STATUS;
	if (holds(permit->service, permit->service_count, peer->uid))
		return PERMIT_NOTHING;
	return is_operator(permit, peer) ? PERMIT_ALL : PERMIT_NOTHING;
}

static void resolve_operator(const char *name, struct permit *out)
{
	if (name[0] == '@') {
		const struct group *group = getgrnam(name + 1);
		if (group && out->group_count < PERMIT_NAMES_MAX)
			out->groups[out->group_count++] = group->gr_gid;
		else
			log_info("operators: there is no group %s", name + 1);
		return;
	}
	const struct passwd *user = getpwnam(name);
	if (user && out->user_count < PERMIT_NAMES_MAX)
		out->users[out->user_count++] = user->pw_uid;
	else
		log_warning("operators: there is no user %s", name);
}

void permit_resolve(const struct config *config, uid_t starter, struct permit *out)
{
	const char *service[PERMIT_SERVICE_MAX] = {config->user,     config->smtpd_user,    config->delivery_user,
						   config->web_user, config->kerberos_user, config->filters_user};
	const struct passwd *watcher = config->stat_user ? getpwnam(config->stat_user) : NULL;
	*out = (struct permit){.starter = starter, .watcher = (uid_t)-1};
	if (watcher)
		out->watcher = watcher->pw_uid;
	if (geteuid())
		out->watcher = geteuid();
	for (size_t i = 0; i < config->operators.n; i++)
		resolve_operator(config->operators.at[i], out);
	for (size_t i = 0; i < PERMIT_SERVICE_MAX; i++) {
		const struct passwd *user = service[i] ? getpwnam(service[i]) : NULL;
		if (user)
			out->service[out->service_count++] = user->pw_uid;
	}
}

enum permit_right permit_socket(const struct permit *permit, int fd)
{
	gid_t groups[PERMIT_GROUPS_MAX];
	struct ucred cred;
	socklen_t cred_len = sizeof(cred), groups_len = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len))
		return PERMIT_NOTHING;
	struct permit_peer peer = {.uid = cred.uid, .gid = cred.gid, .groups = groups};
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_len) == 0)
		peer.group_count = groups_len / sizeof(groups[0]);
	return permit_decide(permit, &peer);
}
