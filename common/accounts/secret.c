#include "common/accounts/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/language.h"

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

int secret_open(const char *path, uid_t owner, struct stat *file, char why[SECRET_WHY_MAX])
{
	char who[SECRET_WHO_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, file) < 0)
		snprintf(why, SECRET_WHY_MAX, "%s", strerror(errno));
	else if (!S_ISREG(file->st_mode))
		snprintf(why, SECRET_WHY_MAX, N_("it is no regular file"));
	else if (file->st_uid != 0 && file->st_uid != owner)
		snprintf(why, SECRET_WHY_MAX,
			 N_("it belongs to the wrong user: chown root, chmod 600, then mailrootctl reload"));
	else if (secret_is_open(file, true, who))
		snprintf(why, SECRET_WHY_MAX, N_("%s can read or write it: chmod 600, then mailrootctl reload"), who);
	else
		return fd;
	fd_close(&fd);
	return -1;
}
