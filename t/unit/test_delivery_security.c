/* Prepared outbound blocks: which exist, what they share, and the report of unusable files. */
#include "delivery/auth/security.h"

#include "common/config/oauth.h"
#include "common/ipc/tokens.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[128];
static struct config config;
static struct securities all;
static const struct tokens *page_for_blocks;

static void put(const char *name, const char *text, mode_t mode)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	ck_assert_int_eq(chmod(path, mode), 0);
}

/* FORMAT has %1$s for the folder. */
static void load(const char *format)
{
	struct config_report report = {0};
	struct str text;
	str_init(&text, 1 << 16);
	str_init(&report.text, 1 << 16);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	str_printf(&text, format, folder);
#pragma GCC diagnostic pop
	struct config_tree *tree = config_read_text("test.conf", str_span(&text), &report);
	ck_assert_msg(config_build(tree, "host.example.com", &config, &report), "%s", str_text(&report.text));
	config_tree_free(tree);
	str_free(&report.text);
	str_free(&text);
	securities_load(&config.servers[0], getuid(), page_for_blocks, &all);
}

static void setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/mailroot-security-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	put("good", "the secret\n", 0600);
	put("open", "the secret\n", 0644);
}

static void teardown(void)
{
	static const char *const names[] = {"good", "open"};
	securities_free(&all);
	config_free(&config);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

static const struct security *find(const char *name)
{
	return securities_find(&all, span_of(name));
}

static const char blocks[] = "virtual_server s {\n"
			     "smart_host [h.test]\n"
			     "outbound { tls verify; auth plain; username u; password_file %1$s/good }\n"
			     "remote_domain plain.test { relay yes }\n"
			     "remote_domain *.own.test { outbound { port 26 } }\n"
			     "remote_domain off.test { outbound { tls off } }\n"
			     "connector c { address_space c.test; route [c.test]; outbound { auth login; username v; "
			     "password_file %1$s/good } }\n"
			     "connector d { address_space d.test; route dns }\n"
			     "}\n";

static const char with_token[] =
	"virtual_server s {\n"
	"connector c { address_space c.test; route [c.test]; outbound {\n"
	"tls verify\n"
	"auth xoauth2; username u@c.test\n"
	"oauth { provider microsoft365; tenant c.test; client_id id; client_secret_file %1$s/good } } }\n"
	"}\n";

/* The blocks that are written, by the names that the queue uses. */
START_TEST(names)
{
	struct sasl_user user;
	load(blocks);
	ck_assert_uint_eq(all.n, 4);
	ck_assert_ptr_nonnull(find("virtual_server"));
	ck_assert_ptr_nonnull(find("remote_domain *.own.test"));
	ck_assert_ptr_nonnull(find("remote_domain off.test"));
	ck_assert_ptr_nonnull(find("connector c"));
	static const char *const none[] = {"",          "remote_domain plain.test", "connector d",
					   "connector", "virtual_server ",          "remote_domain x.own.test"};
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_ptr_null(find(none[i]));
	ck_assert(security_user(find("connector c"), &user));
	ck_assert(user.auth == CONFIG_AUTH_LOGIN && !strcmp(user.username, "v"));
	ck_assert_str_eq(user.password, "the secret");
	/* Never inherited. */
	ck_assert(!security_user(find("remote_domain *.own.test"), &user));
}
END_TEST

/* The authorities of the system are in memory once. */
START_TEST(contexts_are_shared)
{
	load(blocks);
	ck_assert_ptr_nonnull(find("virtual_server")->tls);
	ck_assert_ptr_eq(find("virtual_server")->tls, find("remote_domain *.own.test")->tls);
	ck_assert_ptr_eq(find("virtual_server")->tls, find("connector c")->tls);
	ck_assert_ptr_null(find("remote_domain off.test")->tls);
	ck_assert_ptr_null(find("remote_domain off.test")->trouble);
}
END_TEST

/* Each block is reported by itself, with the place of the setting and the remedy, never with the content. */
START_TEST(trouble)
{
	struct sasl_user user;
	struct str text;
	str_init(&text, 10000);
	load("virtual_server s {\nsmart_host [h.test]\noutbound { tls verify; auth plain; username u\n"
	     "password_file %1$s/open }\n"
	     "connector ca { address_space a.test; route [a.test]; outbound {\ntls_ca %1$s/none } }\n"
	     "connector missing { address_space b.test; route [b.test]; outbound { auth login; username v\n"
	     "password_file %1$s/none } }\n"
	     "connector good { address_space c.test; route [c.test]; outbound { auth login; username v; password_file "
	     "%1$s/good } }\n}\n");
	const struct security *server = find("virtual_server");
	ck_assert_ptr_null(server->trouble);
	ck_assert_ptr_nonnull(strstr(server->user_trouble, "virtual_server: password_file: can't use /tmp/"));
	ck_assert_ptr_nonnull(strstr(server->user_trouble, "chmod 600"));
	ck_assert_ptr_nonnull(strstr(server->user_trouble, "(test.conf:4)"));
	ck_assert(!security_user(server, &user));
	ck_assert_ptr_nonnull(find("connector ca")->trouble);
	ck_assert_ptr_nonnull(strstr(find("connector ca")->trouble, "(test.conf:6)"));
	ck_assert_ptr_null(find("connector ca")->user_trouble);
	ck_assert_ptr_nonnull(strstr(find("connector missing")->user_trouble, "No such file"));
	ck_assert_ptr_null(find("connector good")->trouble);
	ck_assert_ptr_null(find("connector good")->user_trouble);
	securities_trouble(&all, &text);
	struct span rest = str_span(&text), line;
	size_t lines = 0;
	while (span_line(&rest, &line))
		lines++;
	ck_assert_uint_eq(lines, 3);
	ck_assert_ptr_null(strstr(str_text(&text), "the secret"));
	str_free(&text);
}
END_TEST

/* Why mail waits that needs a token: none yet, a reason from mailroot-web, one that has ended or ends too soon. */
START_TEST(tokens)
{
	int write_fd, read_fd;
	char why[SECURITY_TROUBLE_MAX];
	struct sasl_user user;
	ck_assert_int_eq(tokens_create(&write_fd, &read_fd), 0);
	struct tokens *page = tokens_map_writable(write_fd);
	page_for_blocks = tokens_map(read_fd);
	load(with_token);
	const struct security *c = find("connector c");
	ck_assert_ptr_null(c->user_trouble);
	ck_assert(security_user(c, &user) && user.identity == c->identity && user.tokens == page_for_blocks);
	ck_assert_uint_eq(c->identity, config_oauth_identity("connector c", &config.servers[0].connectors[0].outbound));
	ck_assert(!security_lacks_token(find("virtual_server"), 1000, why));

	ck_assert(security_lacks_token(c, 1000, why));
	ck_assert_str_eq(why,
			 "no access token for connector c: mailroot-web has not fetched one yet (set in test.conf:4)");
	struct token token = {.identity = c->identity, .serial = 1, .why = "AADSTS7000215: the secret is wrong"};
	tokens_write(page, 0, &token);
	ck_assert(security_lacks_token(c, 1000, why));
	ck_assert_str_eq(why,
			 "no access token for connector c: AADSTS7000215: the secret is wrong (set in test.conf:4)");
	token = (struct token){
		.identity = c->identity, .serial = 2, .until_ms = 100 * 1000, .length = 1, .octets = "t"};
	tokens_write(page, 0, &token);
	ck_assert(!security_lacks_token(c, 100 * 1000 - TOKENS_LEAST_MS - 1, why));
	ck_assert(security_lacks_token(c, 70 * 1000, why));
	ck_assert_str_eq(why,
			 "no access token for connector c: it has ended, and no other has come (set in test.conf:4)");

	/* The longest reason leaves the place of the setting whole. */
	memset(token.why, 'y', sizeof(token.why));
	tokens_write(page, 0, &token);
	ck_assert(security_lacks_token(c, 70 * 1000, why));
	ck_assert_ptr_nonnull(strstr(why, "yyy (set in test.conf:4)"));
	ck_assert_uint_lt(strlen(why), SECURITY_TROUBLE_MAX);
	close(write_fd);
	close(read_fd);
}
END_TEST

/* Without a page, as before the first reload of a new master, mail waits. */
START_TEST(no_page)
{
	char why[SECURITY_TROUBLE_MAX];
	page_for_blocks = NULL;
	load(with_token);
	ck_assert(security_lacks_token(find("connector c"), 1000, why));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("security");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, names);
	tcase_add_test(tcase, contexts_are_shared);
	tcase_add_test(tcase, trouble);
	tcase_add_test(tcase, tokens);
	tcase_add_test(tcase, no_page);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
