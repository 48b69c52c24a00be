#include "master/permit.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct permit permit = {
	.starter = 1000,
	.users = {2000, 500},
	.user_count = 2,
	.groups = {3000, 3001},
	.group_count = 2,
	.service = {500, 501, 502},
	.service_count = 3,
	.watcher = 600,
};

static bool decide(uid_t uid, gid_t gid, gid_t other)
{
	gid_t groups[] = {77, other};
	struct permit_peer peer = {.uid = uid, .gid = gid, .groups = groups, .group_count = 2};

	enum permit_right right = permit_decide(&permit, &peer);
	ck_assert(right == PERMIT_ALL || right == PERMIT_NOTHING);
	return right == PERMIT_ALL;
}

START_TEST(root_and_the_user_of_master_may)
{
	ck_assert(decide(0, 0, 0));
	ck_assert(decide(1000, 1, 1));
}
END_TEST

START_TEST(operators_may_by_name_and_group)
{
	ck_assert(decide(2000, 1, 1));
	ck_assert(decide(9, 3001, 1));
	ck_assert(decide(9, 1, 3000));
}
END_TEST

START_TEST(others_may_not)
{
	ck_assert(!decide(9, 9, 9));
	ck_assert(!decide(3000, 2000, 1000)); /* ids of the wrong kind */
	ck_assert(!decide((uid_t)-1, (gid_t)-1, 0));
	struct permit nobody = {.starter = 1000, .watcher = (uid_t)-1};
	struct permit_peer peer = {.uid = 9, .gid = 0};
	ck_assert(!permit_decide(&nobody, &peer));
}
END_TEST

START_TEST(service_accounts_never_may)
{
	ck_assert(!decide(500, 3000, 3000)); /* listed by name as well */
	ck_assert(!decide(501, 3000, 1));
	ck_assert(!decide(502, 1, 3001));
}
END_TEST

START_TEST(the_watcher_may_ask)
{
	gid_t operators = 3000;
	struct permit_peer peer = {.uid = 600, .gid = 1, .groups = &operators, .group_count = 1};
	ck_assert_int_eq(permit_decide(&permit, &peer), PERMIT_STATUS);
	peer.uid = 601;
	peer.groups = NULL;
	peer.group_count = 0;
	ck_assert_int_eq(permit_decide(&permit, &peer), PERMIT_NOTHING);
}
END_TEST

START_TEST(a_service_started_by_its_own_account_obeys_it)
{
	struct permit own = permit;

	own.starter = 500;
	struct permit_peer peer = {.uid = 500, .gid = 1};
	ck_assert_int_eq(permit_decide(&own, &peer), PERMIT_ALL);
}
END_TEST

START_TEST(the_kernel_tells_the_user)
{
	struct permit only = {.starter = geteuid(), .watcher = (uid_t)-1};
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	ck_assert_int_eq(permit_socket(&only, ends[0]), PERMIT_ALL);
	only.starter = geteuid() + 1;
	ck_assert_int_eq(permit_socket(&only, ends[0]), geteuid() == 0 ? PERMIT_ALL : PERMIT_NOTHING);
	ck_assert_int_eq(permit_socket(&only, -1), PERMIT_NOTHING);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(names_are_looked_up)
{
	const char *names[] = {"root", "@root", "no-such-user-here", "@no-such-group-here"};
	struct config config = {.user = "no-such-user-here", .smtpd_user = "daemon"};
	struct permit found;

	config.operators = (struct config_words){names, 4};
	permit_resolve(&config, 1234, &found);
	ck_assert_uint_eq(found.starter, 1234);
	ck_assert_uint_eq(found.user_count, 1);
	ck_assert_uint_eq(found.group_count, 1);
	ck_assert_uint_eq(found.service_count, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("permit");
	TCase *tc = tcase_create("permit");
	tcase_add_test(tc, root_and_the_user_of_master_may);
	tcase_add_test(tc, operators_may_by_name_and_group);
	tcase_add_test(tc, others_may_not);
	tcase_add_test(tc, service_accounts_never_may);
	tcase_add_test(tc, the_watcher_may_ask);
	tcase_add_test(tc, a_service_started_by_its_own_account_obeys_it);
	tcase_add_test(tc, the_kernel_tells_the_user);
	tcase_add_test(tc, names_are_looked_up);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
