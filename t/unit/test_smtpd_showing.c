/* Which filters are shown the mail of which client. */
#include "smtpd/policy/showing.h"

#include <check.h>

#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

static const struct {
	const char *settings, *client, *user, *name;
	enum config_mail_source source;
	uint64_t octets;
	enum showing showing;
	const char *entry;
} rows[] = {
	{"", "192.0.2.1", "joe", NULL, SOURCE_SMTP, 1 << 30, SHOWING_ALL, NULL},
	{"only smtp", "192.0.2.1", NULL, NULL, SOURCE_PICKUP, 0, SHOWING_SOURCE, NULL},
	{"only smtp", "192.0.2.1", NULL, NULL, SOURCE_SENDMAIL, 0, SHOWING_SOURCE, NULL},
	{"only pickup sendmail", "192.0.2.1", NULL, NULL, SOURCE_SMTP, 0, SHOWING_SOURCE, NULL},
	{"only pickup", "192.0.2.1", NULL, NULL, SOURCE_PICKUP, 0, SHOWING_ALL, NULL},
	{"skip_list 10.0.0.0/8 192.0.2.0/24", "192.0.2.1", NULL, NULL, SOURCE_SMTP, 0, SHOWING_LISTED, "192.0.2.0/24"},
	{"skip_list *.a.test", "192.0.2.1", NULL, "host.a.test", SOURCE_SMTP, 0, SHOWING_LISTED, "*.a.test"},
	{"skip_list *.a.test", "192.0.2.1", NULL, NULL, SOURCE_SMTP, 0, SHOWING_ALL, NULL},
	{"skip_authenticated yes", "192.0.2.1", "joe", NULL, SOURCE_SMTP, 0, SHOWING_AUTHENTICATED, NULL},
	{"skip_authenticated yes", "192.0.2.1", NULL, NULL, SOURCE_SMTP, 0, SHOWING_ALL, NULL},
	{"skip_authenticated yes; skip_list *", "192.0.2.1", "joe", NULL, SOURCE_SMTP, 0, SHOWING_LISTED, "*"},
	{"max_size 1M", "192.0.2.1", NULL, NULL, SOURCE_SMTP, 1 << 20, SHOWING_ALL, NULL},
	{"max_size 1M", "192.0.2.1", NULL, NULL, SOURCE_SMTP, (1 << 20) + 1, SHOWING_COMMANDS, NULL},
};

START_TEST(row)
{
	struct config config;
	char text[300];
	const struct config_client *entry;
	struct policy_client client = {.ip = memory_address(rows[_i].client), .user = rows[_i].user};
	if (rows[_i].name) {
		client.name_state = POLICY_NAME_CONFIRMED;
		snprintf(client.name, sizeof(client.name), "%s", rows[_i].name);
	}
	snprintf(text, sizeof(text), "access { auth plain; auth_requires_tls no }\nfilter a { address unix:/a; %s }",
		 rows[_i].settings);
	memory_config(text, &config);
	ck_assert_int_eq(showing_of(&config.servers[0].filters[0], rows[_i].source, &client, rows[_i].octets, &entry),
			 rows[_i].showing);
	if (rows[_i].entry)
		ck_assert_str_eq(entry->text, rows[_i].entry);
	else
		ck_assert_ptr_null(entry);
	config_free(&config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd showing");
	TCase *all = tcase_create("all");
	tcase_add_loop_test(all, row, 0, sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
