/* The folders of a virtual server: owners, groups and modes; and what stands in the way is named. */
#include <errno.h>
#include <pwd.h>
#include <sys/wait.h>

#include "t/unit/folders_fixture.h"

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
	const TTest *const tests[] = {
		all_are_made_and_mended,
		without_root_the_groups_stay,
		the_mode_may_only_be_narrower,
		a_link_leads_local_mail_to_its_server,
		a_file_in_the_way_is_named,
		a_foreign_owner_is_refused,
		an_administrators_drop_folder_is_left_alone,
		drop_dir_elsewhere,
		a_path_is_made_with_its_parents,
		the_folder_of_refresh_tokens,
	};
	return run_tests("master_folders", tests, sizeof(tests) / sizeof(tests[0]), fixture_open, fixture_close);
}
