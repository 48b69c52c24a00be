#include "ctl/doctor/rights.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "common/process/privs.h"

enum { PATHS_MAX = 6 };

/* Before the installation is complete there may be no such user yet. */
static const char *find_user(const struct config *config)
{
	const struct passwd *user = getpwnam(config->delivery_user);
	return user && user->pw_uid ? config->delivery_user : "nobody";
}

void rights_drop(const struct config *config)
{
	/* Name servers and hosts of this machine, authorities, time zones; the routes in /proc. */
	const char *const wanted[] = {"/etc", "/usr", "/run", "/proc", config->trust_anchor};
	const char *readable[PATHS_MAX] = {NULL};
	size_t n = 0;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (wanted[i] && access(wanted[i], R_OK) == 0)
			readable[n++] = wanted[i];
	privs_enter(&(struct privs_jail){.user = find_user(config), .may_fork = true, .readable = readable});
}
