/* What check refuses in blocks with access tokens, each with the place and the words that must be shown. */
#include "common/config/oauth.h"
#include "common/ipc/tokens.h"
#include "t/unit/config_fixture.h"

/* A virtual server with a host that credentials may be sent to. */
#define SMART(inside) SERVER("smart_host [h.test]\n" inside)
/* The settings of the block oauth begin in column 3 of line 6. */
#define OUT(inside)   SMART("outbound { tls verify; auth xoauth2; username u\n" inside "\n}")
#define OAUTH(inside) OUT("oauth {\n" inside "\n}\n")
#define M365          "provider microsoft365; tenant t.test; client_id c; "
#define OTHER         "token_url https://id.test/token; client_id c; "
#define SECRET        "client_secret_file /s"
#define PAIR          "client_certificate /c /k"
#define GOOGLE        "provider google; "
#define WEB(inside)                                                                                                    \
	SMART("web { " inside " }\noutbound { tls verify; auth xoauth2; username u; oauth { " M365 SECRET " } }")

static const struct wrong rows[] = {
	/* the outbound block */
	{OUT(""), 3, 29, "auth xoauth2 needs a block oauth beside it"},
	{SMART("outbound { tls verify; auth oauthbearer; oauth { " M365 SECRET " } }"), 3, 29,
	 "auth oauthbearer needs username, the mailbox that sends"},
	{OUT("password_file /p; oauth { " M365 SECRET " }"), 4, 15,
	 "auth xoauth2 shows an access token, not a password"},
	{OUT("auth_unverified yes; oauth { " M365 SECRET " }"), 4, 17,
	 "auth xoauth2 shows no access token to an unverified host"},
	{SMART("outbound { auth_unverified yes; auth xoauth2; username u; oauth { " M365 SECRET " } }"), 3, 28,
	 "write tls verify instead"},
	{SMART("outbound { tls encrypt; auth xoauth2; username u; oauth { " M365 SECRET " } }"), 3, 30,
	 "auth xoauth2 needs tls verify, or tls_fingerprint"},
	{"virtual_server default {\noutbound { tls verify; auth xoauth2; username u; oauth { " M365 SECRET " } }\n}", 2,
	 29, "never to hosts found by MX; write smart_host [HOST]"},
	{SMART("outbound { oauth { " M365 SECRET " } }"), 3, 29, "oauth says nothing here: write auth xoauth2"},
	{SMART("outbound { tls verify; auth login; username u; password_file /p; oauth { client_id c } }"), 3, 84,
	 "oauth says nothing here"},
	{SMART("outbound { tls verify; auth xoauth2; username sender; oauth { " M365 SECRET " } }"), 3, 47,
	 "username sender needs send_as"},
	{SMART("outbound { tls verify; auth xoauth2; username sender; send_as a@b.test; oauth { " M365 SECRET
	       "; grant refresh } }"),
	 3, 47, "username sender needs grant client_credentials"},
	{"virtual_server default {\nconnector c { address_space c.test; route [h.test]; etrn_request c.test every 1h\n"
	 "outbound { tls verify; auth xoauth2; username sender; send_as a@b.test; oauth { " M365 SECRET " } } }\n}",
	 2, 66, "etrn_request has no sender that username sender could authenticate as"},
	/* a provider's */
	{OAUTH("provider microsoft365; client_id c; " SECRET), 5, 10, "provider microsoft365 needs tenant"},
	{OAUTH(M365), 5, 10, "grant client_credentials needs client_secret_file, or client_certificate"},
	{OAUTH("provider microsoft365; tenant t.test; " SECRET), 5, 10,
	 "grant client_credentials needs client_id, the ID of the application"},
	{OAUTH("provider microsoft365; tenant t_test; client_id c; " SECRET), 5, 31, "\"t_test\" is no tenant"},
	{OAUTH("provider microsoft365; tenant a/b; client_id c; " SECRET), 5, 31, "\"a/b\" is no tenant"},
	{OAUTH("provider microsoft365; tenant common; client_id c; " SECRET), 5, 31,
	 "tenant common stands for no organization"},
	{OAUTH("provider microsoft365; tenant organizations; client_id c; " PAIR), 5, 31,
	 "tenant organizations stands for no organization"},
	{OAUTH("provider microsoft365; tenant consumers; client_id c; " PAIR), 5, 31,
	 "tenant consumers stands for no organization"},
	{OAUTH(OTHER "tenant t.test; " SECRET), 5, 54, "tenant says nothing here: only provider microsoft365"},
	{OAUTH("client_id c; " SECRET), 5, 11, "provider other needs token_url"},
	{OAUTH(GOOGLE "client_id c; grant client_credentials; " SECRET), 5, 10,
	 "provider google has no grant client_credentials"},
	{OAUTH(GOOGLE "grant refresh"), 5, 10, "grant refresh needs client_id"},
	{OAUTH(M365 "service_account_file /j"), 5, 73, "provider microsoft365 has no service accounts"},
	/* a grant's */
	{OAUTH(M365 SECRET "; " PAIR), 5, 71, "client_secret_file stands beside client_certificate"},
	{OAUTH(M365 "grant refresh; " SECRET "; " PAIR), 5, 86, "client_secret_file stands beside client_certificate"},
	{OAUTH(M365 "service_account_file /j; grant client_credentials; " SECRET), 5, 73,
	 "service_account_file says nothing here: it is for grant service_account"},
	{OAUTH(GOOGLE "grant service_account"), 5, 10, "grant service_account needs service_account_file"},
	{OAUTH(GOOGLE "service_account_file /j; client_id c"), 5, 53, "client_id says nothing here"},
	{OAUTH(GOOGLE "service_account_file /j; " SECRET), 5, 62, "client_secret_file says nothing here"},
	{OAUTH(GOOGLE "service_account_file /j; " PAIR), 5, 62, "client_certificate says nothing here"},
	{OAUTH(M365 SECRET "; device_url https://id.test/device"), 5, 86, "device_url says nothing here"},
	{OAUTH(M365 SECRET "; assertion rs256"), 5, 85, "assertion says nothing here: it is for client_certificate"},
	{OAUTH(M365 PAIR "; secret_expires 2027-05-31"), 5, 93,
	 "secret_expires says nothing here: there is no client_secret_file"},
	{OAUTH(M365 SECRET "; secret_expires 2027-02-30"), 5, 90, "write a day such as 2027-05-31"},
	{OAUTH(M365 SECRET "; secret_expires soon"), 5, 90, "write a day such as 2027-05-31"},
	/* URLs */
	{OAUTH("token_url http://id.test/token; client_id c; " SECRET), 5, 11, "token_url must begin with https://"},
	{OAUTH("token_url https://u:p@id.test/token; client_id c; " SECRET), 5, 11, "it has a user name (@)"},
	{OAUTH("token_url https:///token; client_id c; " SECRET), 5, 11, "it has no host"},
	{OAUTH("token_url https://id.test/#a; client_id c; " SECRET), 5, 11, "it has a fragment"},
	{OAUTH(OTHER "grant refresh; device_url http://id.test/"), 5, 73, "device_url must begin with https://"},
	{OAUTH(OTHER "grant refresh; device_url id.test"), 5, 73, "it begins with neither https:// nor http://"},
	/* the way there */
	{WEB("proxy proxy.test:3128"), 3, 13, "proxy proxy.test:3128 can't be used: it begins with neither"},
	{WEB("proxy https://proxy.test"), 3, 13, "a proxy is reached by http://"},
	{WEB("proxy http://proxy.test:3128/a"), 3, 13, "a proxy is reached by http:// and has no path; write"},
	{WEB("proxy http://u:p@proxy.test:3128"), 3, 13, "HOST:PORT, and proxy_user and proxy_password_file"},
	{WEB("proxy_user u"), 3, 18, "proxy_user says nothing here: there is no proxy"},
	{WEB("proxy_password_file /p"), 3, 27, "proxy_password_file says nothing here: there is no proxy"},
	{WEB("proxy http://p.test; proxy_user u"), 3, 39, "belong together"},
	{WEB("proxy http://p.test; proxy_password_file /p"), 3, 48, "belong together"},
	{SMART("web { ca /c }"), 3, 10, "web says nothing here: no outbound block has auth xoauth2"},
};

/* One error, with its place and words. */
START_TEST(row_is_refused_where_it_is_wrong)
{
	expect_message(&rows[_i], "error");
	ck_assert_msg(report.errors == 1 && !report.warnings, "more than one message:\n%s", str_text(&report.text));
	done();
}
END_TEST

static const struct {
	const char *text;
	enum config_grant grant;
	bool stores;
} good[] = {
	{OAUTH(M365 SECRET "; secret_expires 2027-05-31"), CONFIG_GRANT_CLIENT_CREDENTIALS, false},
	{OAUTH(M365 PAIR "; assertion rs256"), CONFIG_GRANT_CLIENT_CREDENTIALS, false},
	{OAUTH("provider microsoft365; token_url https://login.us.test/t/token; client_id c; " SECRET),
	 CONFIG_GRANT_CLIENT_CREDENTIALS, false},
	{OAUTH("provider microsoft365; tenant common; client_id c; grant refresh"), CONFIG_GRANT_REFRESH, true},
	{OAUTH(GOOGLE "service_account_file /j"), CONFIG_GRANT_SERVICE_ACCOUNT, false},
	{OAUTH(GOOGLE "client_id c; " SECRET), CONFIG_GRANT_REFRESH, true},
	{OAUTH(OTHER SECRET "; scope \"smtp send\""), CONFIG_GRANT_CLIENT_CREDENTIALS, false},
	{OAUTH(OTHER "grant refresh; device_url https://id.test:8443/device"), CONFIG_GRANT_REFRESH, true},
	{OAUTH("token_url https://id.test/token; service_account_file /j"), CONFIG_GRANT_SERVICE_ACCOUNT, false},
	{WEB("proxy http://p.test:3128; proxy_user u; proxy_password_file /p; ca /c"), CONFIG_GRANT_CLIENT_CREDENTIALS,
	 false},
	{WEB("proxy http://[2001:db8::1]/"), CONFIG_GRANT_CLIENT_CREDENTIALS, false},
	{SMART("outbound { tls_fingerprint 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef; auth "
	       "oauthbearer; username u; oauth { " M365 SECRET " } }"),
	 CONFIG_GRANT_CLIENT_CREDENTIALS, false},
};

START_TEST(what_serves_is_silent)
{
	build(good[_i].text);
	const struct config_server *server = &config.servers[0];
	ck_assert_msg(report.errors == 0 && report.warnings == 0, "%s", str_text(&report.text));
	ck_assert(config_oauth_needed(server));
	ck_assert_int_eq(config_oauth_grant(&server->outbound.oauth), good[_i].grant);
	ck_assert_int_eq(config_oauth_stores(server), good[_i].stores);
	done();
}
END_TEST

/* A word that is none is one error; what would follow from its default is no second one. */
START_TEST(wrong_values_make_no_second_error)
{
	static const char *const spoilt[] = {
		OAUTH("provider microsoft; tenant t.test; client_id c; " SECRET),
		OAUTH(M365 "grant credentials"),
		OAUTH(M365 "client_secret_file s"),
		OAUTH("provider microsoft365; tenant t.test; client_id c; client_certificate /c k"),
		OAUTH(GOOGLE "service_account_file j"),
		SMART("outbound { tls verify; auth xoauth; username u; oauth { " M365 SECRET " } }"),
		SMART("outbound { tls verfy; auth xoauth2; username u; oauth { " M365 SECRET " } }"),
	};
	for (int i = 0; i < COUNT(spoilt); i++) {
		build(spoilt[i]);
		ck_assert_msg(report.errors == 1, "%s", str_text(&report.text));
		done();
	}
}
END_TEST

/* The page of tokens has so many slots. */
START_TEST(so_many_blocks_and_no_more)
{
	struct str text;

	for (unsigned over = 0; over < 2; over++) {
		str_init(&text, 100000);
		str_printf(&text, "virtual_server default {\n");
		for (unsigned i = 0; i < TOKENS_SLOTS + over; i++)
			str_printf(
				&text,
				"connector c%u { address_space a%u.test; route [h.test]; outbound { tls verify; auth xoauth2; "
				"username u; oauth { " M365 SECRET " } } }\n",
				i, i);
		str_printf(&text, "}\n");
		build(str_text(&text));
		ck_assert_msg(report.errors == over, "%s", str_text(&report.text));
		ck_assert(!over || strstr(str_text(&report.text), "more than 64 blocks with access tokens"));
		done();
		str_free(&text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config oauth");
	TCase *all = tcase_create("all");
	tcase_add_loop_test(all, row_is_refused_where_it_is_wrong, 0, COUNT(rows));
	tcase_add_loop_test(all, what_serves_is_silent, 0, COUNT(good));
	tcase_add_test(all, wrong_values_make_no_second_error);
	tcase_add_test(all, so_many_blocks_and_no_more);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
