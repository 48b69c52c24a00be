#include "common/process/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/fd.h"

enum { CREATE_RULESET = 444, ADD_RULE, RESTRICT_SELF }; /* the same numbers on every architecture */
enum { ASK_VERSION = 1, RULE_PATH_BENEATH = 1 };

#define EXECUTE     (1ULL << 0)
#define WRITE_FILE  (1ULL << 1)
#define READ_FILE   (1ULL << 2)
#define READ_DIR    (1ULL << 3)
#define REMOVE_DIR  (1ULL << 4)
#define REMOVE_FILE (1ULL << 5)
#define MAKE_CHAR   (1ULL << 6)
#define MAKE_DIR    (1ULL << 7)
#define MAKE_REG    (1ULL << 8)
#define MAKE_SOCK   (1ULL << 9)
#define MAKE_FIFO   (1ULL << 10)
#define MAKE_BLOCK  (1ULL << 11)
#define MAKE_SYM    (1ULL << 12)
#define REFER       (1ULL << 13)
#define TRUNCATE    (1ULL << 14)
#define IOCTL_DEV   (1ULL << 15)

#define SCOPE_ABSTRACT_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL          (1ULL << 1)

#define FIRST_ABI                                                                                                      \
	(EXECUTE | WRITE_FILE | READ_FILE | READ_DIR | REMOVE_DIR | REMOVE_FILE | MAKE_CHAR | MAKE_DIR | MAKE_REG |    \
	 MAKE_SOCK | MAKE_FIFO | MAKE_BLOCK | MAKE_SYM)

#define ALLOWED_FILE   (WRITE_FILE | READ_FILE | TRUNCATE)
#define ALLOWED_FOLDER (ALLOWED_FILE | READ_DIR | REMOVE_FILE | MAKE_REG | REFER)
#define READ_ONLY      (READ_FILE | READ_DIR)
#define OF_FILES       (EXECUTE | ALLOWED_FILE) /* what the kernel takes in a rule for a single file */

struct ruleset {
	uint64_t files;
	uint64_t net;
	uint64_t scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* What each version of the kernel's interface added. */
static const struct {
	long abi;
	struct ruleset adds;
} versions[] = {
	{1, {.files = FIRST_ABI}},
	{2, {.files = REFER}},
	{3, {.files = TRUNCATE}},
	{5, {.files = IOCTL_DEV}},
	{6, {.scoped = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL}},
};

static struct ruleset handled_by(long abi)
{
	struct ruleset all = {0};
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions) && versions[i].abi <= abi; i++) {
		all.files |= versions[i].adds.files;
		all.scoped |= versions[i].adds.scoped;
	}
	return all;
}

static int allow(int rules, const char *path, uint64_t allowed)
{
	struct stat st;
	struct path_rule rule;
	rule.fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.fd == -1)
		return -errno;
	int result = fstat(rule.fd, &st) == 0 ? 0 : -errno;
	rule.allowed = S_ISDIR(st.st_mode) ? allowed : allowed & OF_FILES;
	if (result == 0 && syscall(ADD_RULE, rules, RULE_PATH_BENEATH, &rule, 0) != 0)
		result = -errno;
	close(rule.fd);
	return result;
}

static int allow_all(int rules, const char *const *paths, uint64_t allowed, const char **bad)
{
	int result = 0;
	for (; paths && *paths && !result; paths++) {
		result = allow(rules, *paths, allowed);
		if (result)
			*bad = *paths;
	}
	return result;
}

int landlock_prepare(const char *const *paths, const char *const *readable, const char **bad)
{
	*bad = NULL;
	long abi = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
	if (abi < 0)
		return -ENOSYS; /* missing, switched off, or filtered by a container */
	struct ruleset handled = handled_by(abi);
	int rules = (int)syscall(CREATE_RULESET, &handled, sizeof(handled), 0);
	if (rules < 0)
		return -errno;
	int result = allow_all(rules, paths, ALLOWED_FOLDER & handled.files, bad);
	if (!result)
		result = allow_all(rules, readable, READ_ONLY & handled.files, bad);
	if (result)
		close(rules);
	return result ? result : rules;
}

int landlock_enter(int rules)
{
	int result = (int)syscall(RESTRICT_SELF, rules, 0);
	fd_close(&rules);
	return result;
}
