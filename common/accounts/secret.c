#include "common/accounts/secret.h"

#include <grp.h>
#include <stdio.h>

bool secret_is_open(const struct stat *file, bool strict, char who[SECRET_WHO_MAX])
{
	bool all = file->st_mode & (S_IROTH | S_IWOTH);
	if (!all && !(strict && file->st_mode & (S_IRGRP | S_IWGRP)))
		return false;
	const struct group *group = all ? NULL : getgrgid(file->st_gid);
	if (all)
		snprintf(who, SECRET_WHO_MAX, "every user");
	else if (group)
		snprintf(who, SECRET_WHO_MAX, "group %.60s", group->gr_name);
	else
		snprintf(who, SECRET_WHO_MAX, "group %u", (unsigned)file->st_gid);
	return true;
}
