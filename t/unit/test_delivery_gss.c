/* The exchange with a host, the agent that makes it, its jail, and the files that it reads. */
#include "delivery/auth/gss.h"

#include <signal.h>

#include "common/gss/paths.h"
#include "common/process/privs.h"
#include "t/unit/gss_client_fixture.h"

START_TEST(test_good)
{
	struct gss_client *client = must_load();
	check_good(client, "mail.example.com");
	check_good(client, "MAIL.Example.com");
	gss_client_free(client);
}
END_TEST

/* The agent is the newest child. */
static void kill_agent(void)
{
	char path[64], list[256] = "";
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(list, sizeof(list), file));
	fclose(file);
	while (*list && strchr(" \n", list[strlen(list) - 1]))
		list[strlen(list) - 1] = '\0';
	const char *last = strrchr(list, ' ');
	long pid = strtol(last ? last : list, NULL, 10);
	ck_assert_int_gt(pid, 1);
	ck_assert_int_ne(pid, kdc.pid);
	ck_assert_int_eq(kill((pid_t)pid, SIGKILL), 0);
}

START_TEST(test_agent_dies)
{
	struct gss_client *client = must_load();
	struct str reply;
	str_init(&reply, GSS_TOKEN_MAX);
	struct gss_client_exchange *x = gss_client_begin(client, "mail.example.com");
	ck_assert_int_eq(gss_client_step(x, SPAN(""), &reply), GSS_MORE);
	kill_agent();
	ck_assert_int_eq(gss_client_step(x, SPAN("x"), &reply), GSS_FAILED);
	gss_client_end(x);
	check_good(client, "mail.example.com");
	gss_client_free(client);
	str_free(&reply);
}
END_TEST

START_TEST(test_wrong_host)
{
	struct gss_client *client = must_load();
	struct str reply;
	char name[128];
	char *huge = calloc(1, GSS_TOKEN_MAX + 1);
	const struct span nonsense[] = {
		SPAN(""), SPAN("hello"), SPAN("\x60\x03\x06\x01\x00"), {huge, GSS_TOKEN_MAX + 1}};
	const struct span layers[] = {SPAN("\2\0\0\0"), SPAN("\6\0\xff\xff"), SPAN("\1"), SPAN("\1\0\0\0more")};
	str_init(&reply, GSS_TOKEN_MAX);
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
		struct gss_client_exchange *x = gss_client_begin(client, "mail.example.com");
		ck_assert_int_eq(gss_client_step(x, SPAN(""), &reply), GSS_MORE);
		ck_assert_int_eq(gss_client_step(x, nonsense[i], &reply), GSS_FAILED);
		ck_assert(*gss_client_why(x));
		ck_assert_int_eq(gss_client_step(x, SPAN(""), &reply), GSS_FAILED);
		gss_client_end(x);
	}
	for (size_t i = 0; i < sizeof(layers) / sizeof(*layers); i++) {
		struct gss_client_exchange *x = gss_client_begin(client, "mail.example.com");
		ck_assert_int_eq(talk(x, layers[i], name), GSS_FAILED);
		ck_assert_msg(strstr(gss_client_why(x), "security layer"), "%s", gss_client_why(x));
		gss_client_end(x);
	}
	struct gss_client_exchange *x = gss_client_begin(client, "mail.example.com");
	ck_assert_int_eq(talk(x, SPAN("\7\0\xff\xff"), name), GSS_DONE);
	gss_client_end(x);
	gss_client_free(client);
	str_free(&reply);
	free(huge);
}
END_TEST

START_TEST(test_load)
{
	static const struct {
		const char *principal, *keytab, *why;
	} cases[] = {
		{"bob", "missing", "not found"},
		{"bob", "krb5.conf", "krb5.conf: "},
		{"alice", "client", "has no key of alice"},
		{"bob@OTHER.COM", "client", "has no key of bob@OTHER.COM"},
		{"", "client", "needs the Kerberos principal as username"},
		{NULL, "client", "needs the Kerberos principal as username"},
	};
	char why[GSS_WHY_MAX];
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_assert_ptr_null(load(cases[i].principal, cases[i].keytab, why));
		ck_assert_msg(strstr(why, cases[i].why), "%s", why);
	}
	struct gss_client *client = load("bob", "client", why);
	ck_assert_ptr_nonnull(client);
	gss_client_free(client);
}
END_TEST

/* Like a worker: another user if we are root, and no files but those of gss_client_paths. */
START_TEST(test_in_jail)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct gss_client *client = must_load();
		struct privs_jail jail = {.user = "nobody", .may_fork = true, .readable = gss_client_paths(client)};
		struct str reply;
		str_init(&reply, GSS_TOKEN_MAX);
		privs_enter(&jail);
		struct gss_client_exchange *x = gss_client_begin(client, "mail.example.com");
		enum gss_step last = gss_client_step(x, SPAN(""), &reply);
		if (last == GSS_FAILED)
			fprintf(stderr, "%s\n", gss_client_why(x));
		gss_client_end(x);
		_exit(last == GSS_MORE && reply.len > 100 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static bool has(const struct gss_paths *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->at[i], path) == 0)
			return true;
	return false;
}

static void write_conf(const char *name, const char *text, char path[128])
{
	kdc_path(&kdc, name, path);
	FILE *file = fopen(path, "w");
	fprintf(file, text, kdc.folder, kdc.folder, kdc.folder);
	fclose(file);
}

START_TEST(test_paths)
{
	struct gss_paths p;
	char first[128], second[128], both[300];
	write_conf("second.conf",
		   "include %s/first.conf\n\tincludedir   %s\n includedir /nonexistent\n#include %s/service\n", second);
	write_conf("first.conf", "[libdefaults]\n include %s/second.conf\ninclude %s/second.conf \ninclude\n%s", first);
	gss_paths_collect(&p, first);
	ck_assert(has(&p, first) && has(&p, second) && has(&p, kdc.folder) && has(&p, "/etc/hosts"));
	ck_assert(!has(&p, "/nonexistent"));
	ck_assert_ptr_null(p.at[p.n]);
	size_t n = p.n;
	gss_paths_free(&p);
	snprintf(both, sizeof(both), "/nonexistent:%s:%s", second, first);
	gss_paths_collect(&p, both);
	ck_assert_uint_eq(p.n, n);
	gss_paths_free(&p);
	gss_paths_collect(&p, NULL);
	ck_assert_int_eq(has(&p, "/etc/krb5.conf"), access("/etc/krb5.conf", R_OK) == 0);
	gss_paths_free(&p);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("delivery_gss");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_unchecked_fixture(tcase, start, stop);
	tcase_add_test(tcase, test_good);
	tcase_add_test(tcase, test_agent_dies);
	tcase_add_test(tcase, test_wrong_host);
	tcase_add_test(tcase, test_load);
	tcase_add_test(tcase, test_in_jail);
	tcase_add_test(tcase, test_paths);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
