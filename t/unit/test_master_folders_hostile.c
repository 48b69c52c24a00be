/* Users that put links and folders of others where root makes folders, and swap them meanwhile. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/base/clock.h"
#include "t/unit/folders_fixture.h"

/* What the owner of the parent folder does right after root made PATH. */
static void (*meddle)(const char *name);

int mkdirat(int at, const char *name, mode_t mode)
{
	int result = (int)syscall(SYS_mkdirat, at, name, mode);

	if (meddle && result == 0)
		meddle(name);
	return result;
}

static void setup(void)
{
	fixture_open();
	meddle = NULL;
}

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

int main(void)
{
	const TTest *const tests[] = {
		a_link_is_not_followed,
		a_folder_of_roots_with_content_is_not_given_away,
		a_link_of_roots_on_the_way_is_followed,
		a_link_of_another_user_on_the_way_is_not_followed,
		a_folder_that_replaces_a_new_one_stays_roots,
		a_pickup_folder_is_not_opened_to_all_through_a_link,
		a_user_that_swaps_folders_gets_none_of_root,
	};
	return run_tests("master_folders_hostile", tests, sizeof(tests) / sizeof(tests[0]), setup, fixture_close);
}
