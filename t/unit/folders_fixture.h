/* A virtual server whose folders are to be made below a scratch folder. */
#ifndef T_UNIT_FOLDERS_FIXTURE_H
#define T_UNIT_FOLDERS_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "master/folders.h"
#include "t/unit/suite.h"

static char root[64], spool[80], dir[100];
static struct config_local_domain domain;
static struct config_server server;
static struct config config;
static struct folders_owner owner;

static inline void fixture_open(void)
{
	strcpy(root, "/tmp/folders-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(spool, sizeof(spool), "%s/var/spool", root);
	snprintf(dir, sizeof(dir), "%s/main", spool);
	domain = (struct config_local_domain){.name = "example.com"};
	server = (struct config_server){.name = "main", .dir = dir, .local_domains = &domain, .local_domain_count = 1};
	config = (struct config){.mailroot_dir = spool};
	/* If the test runs as root, they belong to another user, as in an installation. */
	bool as_root = geteuid() == 0;
	owner = (struct folders_owner){as_root ? 65001 : geteuid(), as_root ? 65002 : getegid(),
				       as_root ? 65003 : getegid()};
}

static inline void fixture_close(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
}

static inline const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static inline void check_folder(const char *name, mode_t mode, gid_t gid)
{
	struct stat st;

	ck_assert_int_eq(lstat(path_of(name), &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	ck_assert_msg((st.st_mode & 07777) == mode, "%s has mode %o", name, st.st_mode & 07777);
	ck_assert_uint_eq(st.st_uid, owner.queue_uid);
	ck_assert_uint_eq(st.st_gid, gid);
}

static inline void expect_refusal(const char *word)
{
	char why[600] = "";

	ck_assert(!folders_make(&config, &server, &owner, why, sizeof(why)));
	ck_assert_msg(strstr(why, word) != NULL, "\"%s\" does not speak of %s", why, word);
}

static inline void expect_success(void)
{
	char why[600] = "";

	ck_assert_msg(folders_make(&config, &server, &owner, why, sizeof(why)), "%s", why);
}

#endif
