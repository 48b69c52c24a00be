#include "common/base/program.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void program_find(const char *name, const char *folder, char *to, size_t size)
{
	char own[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own));
	const char *slash = n > 0 && (size_t)n < sizeof(own) ? memrchr(own, '/', (size_t)n) : NULL;
	if (slash) {
		snprintf(to, size, "%.*s/%s", (int)(slash - own), own, name);
		if (access(to, X_OK) == 0)
			return;
	}
	snprintf(to, size, "%s/%s", folder, name);
}
