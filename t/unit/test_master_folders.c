#include "master/folders.h"
#include "t/unit/suite.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"

/* What the owner of the parent folder does right after root made PATH. */
static void (*meddle)(const char *name);

int mkdirat(int at, const char *name, mode_t mode)
{
	int result = (int)syscall(SYS_mkdirat, at, name, mode);

	if (meddle && result == 0)
		meddle(name);
	return result;
}

static char root[64], spool[80], dir[100];
static struct config_local_domain domain;
static struct config_server server;
static struct config config;
static struct folders_owner owner;

static void setup(void)
{
	strcpy(root, "/tmp/folders-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(spool, sizeof(spool), "%s/var/spool", root);
	snprintf(dir, sizeof(dir), "%s/main", spool);
	meddle = NULL;
	domain = (struct config_local_domain){.name = "example.com"};
	server = (struct config_server){.name = "main", .dir = dir, .local_domains = &domain, .local_domain_count = 1};
	config = (struct config){.mailroot_dir = spool};
	/* If the test runs as root, they belong to another user, as in an installation. */
	bool as_root = geteuid() == 0;
	owner = (struct folders_owner){as_root ? 65001 : geteuid(), as_root ? 65002 : getegid(),
				       as_root ? 65003 : getegid()};
}

static void teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
}

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void check_folder(const char *name, mode_t mode, gid_t gid)
{
	struct stat st;

	ck_assert_int_eq(lstat(path_of(name), &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	ck_assert_msg((st.st_mode & 07777) == mode, "%s has mode %o", name, st.st_mode & 07777);
	ck_assert_uint_eq(st.st_uid, owner.queue_uid);
	ck_assert_uint_eq(st.st_gid, gid);
}

static void expect_refusal(const char *word)
{
	char why[600] = "";

	ck_assert(!folders_make(&config, &server, &owner, why, sizeof(why)));
	ck_assert_msg(strstr(why, word) != NULL, "\"%s\" does not speak of %s", why, word);
}

static void expect_success(void)
{
	char why[600] = "";

	ck_assert_msg(folders_make(&config, &server, &owner, why, sizeof(why)), "%s", why);
}

START_TEST(all_are_made_and_mended)
{
	expect_success();
	check_folder("", 0711, owner.queue_gid);
	check_folder("new", 0730, owner.smtpd_gid);
	check_folder("cur", 0700, owner.queue_gid);
	check_folder("drop", 0750, owner.queue_gid);
	check_folder("badmail", 0750, owner.queue_gid);
	ck_assert_int_eq(chmod(path_of("new"), 0777), 0);
	ck_assert_int_eq(rmdir(path_of("cur")), 0);
	expect_success();
	check_folder("new", 0730, owner.smtpd_gid);
	check_folder("cur", 0700, owner.queue_gid);
}
END_TEST

static void become_the_owner(void)
{
	if (setresgid(65004, 65004, 65004) || setresuid(owner.queue_uid, owner.queue_uid, owner.queue_uid))
		_exit(9);
}

/* The folders of a service that ran as root suit one of the owner alone: groups separate the users of root's service.
 */
START_TEST(without_root_the_groups_stay)
{
	const gid_t smtpd_gid = owner.smtpd_gid;
	char why[600] = "";
	int status;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(root, 0755), 0);
	expect_success();
	ck_assert_int_eq(rmdir(path_of("cur")), 0);
	owner.smtpd_gid = owner.queue_gid;
	pid_t pid = fork();
	if (pid == 0) {
		become_the_owner();
		_exit(folders_make(&config, &server, &owner, why, sizeof(why)) ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	check_folder("new", 0730, smtpd_gid);
	check_folder("cur", 0700, 65004);
}
END_TEST

/* By default every user may put mail there. The administrator may restrict this, but not make the folder less safe. */
START_TEST(the_mode_may_only_be_narrower)
{
	expect_success();
	check_folder("maildrop", 01733, owner.queue_gid);
	ck_assert_int_eq(chmod(path_of("maildrop"), 01730), 0);
	expect_success();
	check_folder("maildrop", 01730, owner.queue_gid);
	static const mode_t unsafe[] = {0733, 01777, 01737, 01333};
	for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++) {
		ck_assert_int_eq(chmod(path_of("maildrop"), unsafe[i]), 0);
		expect_success();
		check_folder("maildrop", 01733, owner.queue_gid);
	}
}
END_TEST

static const char *maildrop_link(void)
{
	static char target[128];
	char path[128];

	snprintf(path, sizeof(path), "%s/" FOLDERS_MAILDROP, spool);
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	return target;
}

START_TEST(a_link_leads_local_mail_to_its_server)
{
	struct config_server servers[3] = {server, server, server};

	servers[0].name = "first";
	servers[1].name = "default";
	config.servers = servers;
	config.server_count = 1;
	expect_success();
	ck_assert_str_eq(maildrop_link(), "first/maildrop");
	config.server_count = 3;
	expect_success();
	ck_assert_str_eq(maildrop_link(), "default/maildrop");
	config.sendmail_server = "main";
	expect_success();
	ck_assert_str_eq(maildrop_link(), "main/maildrop");
	config.sendmail_server = "off";
	expect_success();
	ck_assert_str_eq(maildrop_link(), "");
	expect_success();
}
END_TEST

/* The user of the queue may put links into its own folder: root must not follow them. */
START_TEST(a_link_is_not_followed)
{
	struct stat before, after;
	char elsewhere[100];

	expect_success();
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", root);
	ck_assert_int_eq(mkdir(elsewhere, 0755), 0);
	ck_assert_int_eq(stat(elsewhere, &before), 0);
	ck_assert_int_eq(rmdir(path_of("new")), 0);
	ck_assert_int_eq(symlink(elsewhere, path_of("new")), 0);
	expect_refusal("/new");
	ck_assert_int_eq(stat(elsewhere, &after), 0);
	ck_assert_uint_eq(before.st_mode, after.st_mode);
	ck_assert_uint_eq(before.st_uid, after.st_uid);
}
END_TEST

START_TEST(a_file_in_the_way_is_named)
{
	expect_success();
	ck_assert_int_eq(rmdir(path_of("cur")), 0);
	FILE *file = fopen(path_of("cur"), "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	expect_refusal("/cur");
}
END_TEST

START_TEST(a_foreign_owner_is_refused)
{
	if (geteuid() != 0)
		return;
	expect_success();
	ck_assert_int_eq(chown(path_of("cur"), 65009, 65009), 0);
	expect_refusal("another user");
}
END_TEST

START_TEST(an_administrators_drop_folder_is_left_alone)
{
	struct stat st;

	expect_success();
	ck_assert_int_eq(chmod(path_of("drop"), 02770), 0);
	expect_success();
	ck_assert_int_eq(stat(path_of("drop"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 02770);
}
END_TEST

START_TEST(drop_dir_elsewhere)
{
	char drop[100];
	struct stat st;

	snprintf(drop, sizeof(drop), "%s/srv", root);
	domain.drop_dir = drop;
	expect_success();
	ck_assert_int_eq(stat(drop, &st), 0);
	ck_assert_uint_eq(st.st_uid, owner.queue_uid);
	snprintf(drop, sizeof(drop), "%s/missing/drop", root); /* the expected file system is not mounted */
	expect_refusal("/missing/drop");
}
END_TEST

START_TEST(a_path_is_made_with_its_parents)
{
	char path[200];
	struct stat st;

	snprintf(path, sizeof(path), "%s/a/b/c", root);
	ck_assert_int_eq(folders_make_path(path), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(folders_make_path(path), 0);
	ck_assert_int_eq(folders_make_path("/dev/null/x"), -ENOTDIR);
}
END_TEST

/* /srv/app belongs to an application and has a folder of root; the drop folder is to be made in /srv/app. */
static char app[100], drop_dir[140], victim[100];
enum { APPLICATION = 65009 };

static void give_an_application_its_folder(void)
{
	snprintf(app, sizeof(app), "%s/app", root);
	snprintf(drop_dir, sizeof(drop_dir), "%s/drop", app);
	snprintf(victim, sizeof(victim), "%s/victim", root);
	ck_assert_int_eq(mkdir(app, 0755), 0);
	ck_assert_int_eq(chown(app, APPLICATION, APPLICATION), 0);
	ck_assert_int_eq(mkdir(victim, 0700), 0);
	ck_assert_int_eq(chmod(root, 0755), 0);
	domain.drop_dir = drop_dir;
}

static void expect_victim_is_roots(void)
{
	struct stat st;

	ck_assert_int_eq(stat(victim, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
}

static bool ends_with_drop(const char *name)
{
	size_t len = strlen(name);

	return len >= 4 && strcmp(name + len - 4, "drop") == 0;
}

static void put_a_link(const char *name)
{
	if (!ends_with_drop(name))
		return;
	ck_assert_int_eq(rmdir(drop_dir), 0);
	ck_assert_int_eq(symlink(victim, drop_dir), 0);
}

/* In a folder of another user, a folder of root can be renamed, though not written to. */
static void put_a_folder_of_roots(const char *name)
{
	if (!ends_with_drop(name))
		return;
	ck_assert_int_eq(rmdir(drop_dir), 0);
	ck_assert_int_eq(rename(victim, drop_dir), 0);
}

START_TEST(a_folder_that_replaces_a_new_one_stays_roots)
{
	struct stat st;
	char kept[200];

	if (geteuid() != 0)
		return;
	domain.drop_dir = NULL;
	expect_success();
	give_an_application_its_folder();
	meddle = put_a_link;
	expect_refusal("in its place");
	expect_victim_is_roots();
	ck_assert_int_eq(unlink(drop_dir), 0);
	snprintf(kept, sizeof(kept), "%s/kept", victim);
	ck_assert_int_eq(mkdir(kept, 0700), 0);
	meddle = put_a_folder_of_roots;
	expect_refusal("in its place");
	ck_assert_int_eq(stat(drop_dir, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	meddle = NULL;
}
END_TEST

START_TEST(a_pickup_folder_is_not_opened_to_all_through_a_link)
{
	if (geteuid() != 0)
		return;
	domain.drop_dir = NULL;
	expect_success();
	give_an_application_its_folder();
	domain.drop_dir = NULL;
	server.pickup_dir = drop_dir;
	meddle = put_a_link;
	expect_success(); /* mail by SMTP is not affected */
	expect_victim_is_roots();
	meddle = NULL;
}
END_TEST

/* With a link further up in the path root would make the folder elsewhere, under a name that the application
 * chooses. */
START_TEST(a_link_of_another_user_on_the_way_is_not_followed)
{
	char link[120], made[140];
	struct stat st;

	if (geteuid() != 0)
		return;
	give_an_application_its_folder();
	snprintf(link, sizeof(link), "%s/current", app);
	ck_assert_int_eq(symlink(victim, link), 0);
	ck_assert_int_eq(lchown(link, APPLICATION, APPLICATION), 0);
	snprintf(drop_dir, sizeof(drop_dir), "%s/current/drop", app);
	snprintf(made, sizeof(made), "%s/drop", victim);
	expect_refusal("symbolic link");
	ck_assert_int_eq(stat(made, &st), -1);
	/* A folder that already exists is only checked: the administrator is responsible for it. */
	ck_assert_int_eq(mkdir(made, 0700), 0);
	ck_assert_int_eq(chown(made, owner.queue_uid, owner.queue_gid), 0);
	expect_success();
}
END_TEST

START_TEST(a_link_of_roots_on_the_way_is_followed)
{
	char link[100], real[100], made[160];
	struct stat st;

	snprintf(real, sizeof(real), "%s/disk", root);
	snprintf(link, sizeof(link), "%s/srv", root);
	ck_assert_int_eq(mkdir(real, 0755), 0);
	ck_assert_int_eq(symlink("disk", link), 0);
	snprintf(drop_dir, sizeof(drop_dir), "%s/./drop//", link);
	domain.drop_dir = drop_dir;
	expect_success();
	snprintf(made, sizeof(made), "%s/drop", real);
	ck_assert_int_eq(stat(made, &st), 0);
	ck_assert_uint_eq(st.st_uid, owner.queue_uid);
	/* A loop of links. */
	ck_assert_int_eq(unlink(link), 0);
	ck_assert_int_eq(symlink("srv/srv", link), 0);
	snprintf(drop_dir, sizeof(drop_dir), "%s/drop", link);
	expect_refusal("/drop");
}
END_TEST

/* `mailroot` owns the folder that has its folders: a folder of root there that is not empty is not given away. */
START_TEST(a_folder_of_roots_with_content_is_not_given_away)
{
	char file[300];
	struct stat st;

	if (geteuid() != 0)
		return;
	expect_success();
	ck_assert_int_eq(chown(path_of("cur"), 0, 0), 0);
	expect_success();
	check_folder("cur", 0700, owner.queue_gid);
	ck_assert_int_eq(chown(path_of("cur"), 0, 0), 0);
	snprintf(file, sizeof(file), "%s/secret", path_of("cur"));
	ck_assert_int_eq(mkdir(file, 0700), 0);
	expect_refusal("not empty");
	ck_assert_int_eq(stat(path_of("cur"), &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
}
END_TEST

/* The application replaces the folder by a link and removes it again, as fast as it can, so that root makes another. */
static _Noreturn void swap_for_ever(void)
{
	int at = open(app, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (at < 0 || setgid(APPLICATION) || setuid(APPLICATION) || symlinkat(victim, at, "trap"))
		_exit(1);
	for (;;) {
		if (renameat2(at, "drop", at, "trap", RENAME_EXCHANGE))
			continue;
		for (int i = 0; i < 200; i++)
			getppid();
		unlinkat(at, "trap", AT_REMOVEDIR);
		renameat(at, "drop", at, "trap");
	}
}

static void give_time(const char *name)
{
	(void)name;
	poll(NULL, 0, 1);
}

START_TEST(a_user_that_swaps_folders_gets_none_of_root)
{
	char why[600];
	size_t refused = 0;

	if (geteuid() != 0)
		return;
	domain.drop_dir = NULL;
	expect_success();
	give_an_application_its_folder();
	meddle = give_time; /* otherwise one attack in ten thousand would succeed */
	pid_t pid = fork();
	if (pid == 0)
		swap_for_ever();
	int64_t until = clock_mono_ms() + 20000;
	while (clock_mono_ms() < until && refused < 20) {
		bool good = folders_make(&config, &server, &owner, why, sizeof(why));
		refused += !good && strstr(why, "in its place");
		expect_victim_is_roots();
	}
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_uint_gt(refused, 0); /* the attacker was faster, without success */
}
END_TEST

/* Of refresh tokens: only where a person signs in, and for web_user alone. */
START_TEST(the_folder_of_refresh_tokens)
{
	char state[100], path[120], why[600] = "";
	struct stat st;

	snprintf(state, sizeof(state), "%s/lib", root);
	snprintf(path, sizeof(path), "%s/oauth/main", state);
	config.state_dir = state;
	server.oauth_dir = path;
	config.web_user = "nobody";
	server.outbound.auth = CONFIG_AUTH_XOAUTH2;
	server.outbound.oauth.grant = CONFIG_GRANT_CLIENT_CREDENTIALS;
	ck_assert(folders_make_oauth(&config, &server, why, sizeof(why)));
	ck_assert_int_lt(stat(state, &st), 0);
	server.outbound.oauth.grant = CONFIG_GRANT_REFRESH;
	ck_assert_msg(folders_make_oauth(&config, &server, why, sizeof(why)), "%s", why);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	ck_assert_uint_eq(st.st_uid, geteuid() ? geteuid() : getpwnam("nobody")->pw_uid);
	ck_assert_int_eq(chmod(path, 0755), 0);
	ck_assert(folders_make_oauth(&config, &server, why, sizeof(why)));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(symlink("/etc", path), 0);
	ck_assert(!folders_make_oauth(&config, &server, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "/oauth/main"));
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(chown(path, 65001, 65001), 0);
	ck_assert(!folders_make_oauth(&config, &server, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "web_user"));
	config.web_user = "no-such-user";
	ck_assert(folders_make_oauth(&config, &server, why, sizeof(why)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("folders");
	TCase *tc = tcase_create("folders");
	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_are_made_and_mended);
	tcase_add_test(tc, without_root_the_groups_stay);
	tcase_add_test(tc, the_mode_may_only_be_narrower);
	tcase_add_test(tc, a_link_leads_local_mail_to_its_server);
	tcase_add_test(tc, a_link_is_not_followed);
	tcase_add_test(tc, a_file_in_the_way_is_named);
	tcase_add_test(tc, a_foreign_owner_is_refused);
	tcase_add_test(tc, an_administrators_drop_folder_is_left_alone);
	tcase_add_test(tc, the_folder_of_refresh_tokens);
	tcase_add_test(tc, drop_dir_elsewhere);
	tcase_add_test(tc, a_path_is_made_with_its_parents);
	tcase_add_test(tc, a_folder_that_replaces_a_new_one_stays_roots);
	tcase_add_test(tc, a_pickup_folder_is_not_opened_to_all_through_a_link);
	tcase_add_test(tc, a_link_of_another_user_on_the_way_is_not_followed);
	tcase_add_test(tc, a_link_of_roots_on_the_way_is_followed);
	tcase_add_test(tc, a_folder_of_roots_with_content_is_not_given_away);
	tcase_add_test(tc, a_user_that_swaps_folders_gets_none_of_root);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
