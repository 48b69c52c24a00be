/* Mistakes in the text of a configuration and in single values, and how the report shows them. */
#include "t/unit/config_fixture.h"

static const struct wrong rows[] = {
	/* grammar */
	{"virtual_server default {\n", 1, 24, "this { is not closed in its file"},
	{SERVER("") "}\n", 4, 1, "this } has no {"},
	{"virtual_server default\n{\n}\n", 2, 1, "{ belongs on the line of the block's name"},
	{SERVER("banner \"abc"), 2, 8, "quote is not closed"},
	{SERVER("banner \"abc\"d"), 2, 13, "a space is missing after the closing quote"},
	{SERVER("banner ab\"c"), 2, 10, "a quote inside a word"},
	{SERVER("banner a\001b"), 2, 9, "control character 0x01"},
	{SERVER("banner a\rb"), 2, 9, "control character 0x0d"},
	{SERVER("relay { } enabled yes"), 2, 11, "after } a new line or ; is missing"},
	{SERVER("include a.conf"), 2, 9, "include works in files only"},
	{SERVER("include"), 2, 1, "include needs one path"},
	{"", 1, 1, "no virtual server"},
	{"# nothing\n", 1, 1, "no virtual server"},
	/* names */
	{SERVER("max_conections 5"), 2, 1, "did you mean max_connections?"},
	{SERVER("\tlisen *"), 2, 2, "did you mean listen?"},
	{SERVER("max_message_size 5M"), 2, 1, "max_message_size does not belong in virtual_server but in messages"},
	{SERVER("max_mesage_size 5M"), 2, 1, "did you mean max_message_size, which belongs in messages?"},
	{SERVER("frobnicate 5"), 2, 1,
	 "unknown setting \"frobnicate\" in virtual_server; known there: enabled, listen"},
	{SERVER("auth plain login"), 2, 1, "auth does not belong in virtual_server but in access"},
	{SERVER("access { auth plan }"), 2, 15, "did you mean plain?"},
	{SERVER("access { tls_certificate /a }"), 2, 26, "the key is missing"},
	{SERVER("access { tls_certificate /a /b /c /d }"), 2, 32, "one certificate and its key per line"},
	{SERVER("access { tls_certificate /a b }"), 2, 29, "must be absolute"},
	{SERVER("access { tls_min 1.4 }"), 2, 18, "1.0, 1.1, 1.2 or 1.3"},
	{SERVER("outbound { tls_fingerprint 00:11 }"), 2, 28, "not a SHA-256 digest"},
	{SERVER("log { formt w3c }"), 2, 7, "did you mean format?"},
	{SERVER("log { format odbc }"), 2, 14, "write w3c, iis, ncsa, json or off"},
	{SERVER("log w3c"), 2, 1, "log is a block"},
	{SERVER("remote_domain a.test { atrn_accounts alice }"), 2, 38, "write etrn yes"},
	{SERVER("remote_domain a.test { etrn yes; atrn_accounts alice }"), 2, 48, "no client can authenticate"},
	{SERVER("access { auth plain; auth_requires_tls no }\nremote_domain a.test { etrn yes; atrn_accounts al:ce }"),
	 3, 48, "no account can have this name"},
	{SERVER("connector a { route [192.0.2.1]; etrn_request every 5m }"), 2, 47, "the domains must come first"},
	{SERVER("connector a { route [192.0.2.1]; etrn_request a.test every }"), 2, 54,
	 "it must be followed by a duration"},
	{SERVER("connector a { route [192.0.2.1]; etrn_request a.test every 5m b.test }"), 2, 54,
	 "it must be followed by a duration"},
	{SERVER("connector a { route [192.0.2.1]; etrn_request a.test every 5 }"), 2, 60, "5"},
	{SERVER("connector a { route [192.0.2.1]; etrn_request a..test }"), 2, 47, "a..test"},
	{SERVER("connector a { route dns; etrn_request a.test }"), 2, 39, "etrn_request needs the hosts"},
	{SERVER("connect { open_relay_intended yes }"), 2, 11, "does not belong in connect but in relay"},
	{SERVER("pickupdir off"), 2, 1, "unknown setting \"pickupdir\""},
	{SERVER("pickup_dir maybe"), 2, 12, "must be absolute"},
	{SERVER("relay { list 10.0.0.1; authentificated no }"), 2, 24, "unknown setting \"authentificated\" in relay"},
	{SERVER("alias_domain a.example { recipients /etc/r }"), 2, 26,
	 "recipients does not belong in alias_domain but in client, local_domain, remote_domain or client_rule"},
	{SERVER("alias_domain a.example { enabled no }"), 2, 26, "does not belong in alias_domain"},
	{SERVER("alias_domain a.example { zzz no }"), 2, 26, "alias_domain; known there: nothing"},
	{"userr x\n" SERVER(""), 1, 1, "did you mean user?"},
	{"fqdn a.example\n" SERVER(""), 1, 1, "fqdn does not belong in the file itself but in virtual_server"},
	/* blocks */
	{"virtual_server { }\n" SERVER(""), 1, 1, "virtual_server needs a name"},
	{"virtual_server other\n" SERVER(""), 1, 1, "virtual_server is a block"},
	{"virtual_server .x { fqdn x.example }\n", 1, 16, "\".x\" can't be the name of a virtual server"},
	{"virtual_server a/b { fqdn x.example }\n", 1, 16, "can't be the name of a virtual server"},
	{SERVER("") "virtual_server DEFAULT { local_domain a.example { drop_dir /a }; listen *:26; default_domain "
		    "a.example }",
	 4, 16, "given twice: first at test.conf:1"},
	{SERVER("relay\n"), 2, 1, "relay is a block: write relay { ... }"},
	{SERVER("relay all { }"), 2, 7, "{ or a new line is expected here"},
	{SERVER("relay { }\n\nrelay { }"), 4, 1, "relay is given twice: first at test.conf:2"},
	{SERVER("enabled { }"), 2, 1, "enabled is a setting, not a block"},
	{SERVER("enabled yes { }"), 2, 1, "enabled is a setting, not a block"},
	{SERVER("local_domain { }"), 2, 1, "local_domain needs a name"},
	{"alert { disk 10 }\n" SERVER(""), 1, 14, "write none for no limit, or a share such as 10%"},
	{"alert { disk % }\n" SERVER(""), 1, 14, "write none for no limit, or a share such as 10%"},
	{"alert { disk 100% }\n" SERVER(""), 1, 14, "disk must be 1% to 99%, or none for no limit"},
	{"alert { disk 0% }\n" SERVER(""), 1, 14, "out of range"},
	{"alert { to nobody }\n" SERVER(""), 1, 12, "nobody"},
	/* how many values */
	{SERVER("enabled"), 2, 1, "enabled needs a value: yes or no"},
	{SERVER("enabled yes no"), 2, 13, "enabled takes one value"},
	{SERVER("enabled yes\nenabled no"), 3, 1, "enabled is given twice: first at test.conf:2"},
	{SERVER("banner two words"), 2, 12, "in double quotes if it has spaces"},
	{SERVER("listen none"), 2, 8, "listen can't be empty"},
	{SERVER("listen *:1 *:2"), 2, 12, "one address per line"},
	{SERVER("listen *:465 ssl"), 2, 14, "one address per line, and after it only tls"},
	{SERVER("relay { list none 10.0.0.1 }"), 2, 14, "none means an empty list and must stand alone"},
	{SERVER("delivery { retry 1m 1m 1m 1m 1m 1m 1m 1m 1m }"), 2, 42, "retry takes at most 8 values"},
	/* values */
	{SERVER("enabled on"), 2, 9, "write yes or no"},
	{SERVER("enabled yess"), 2, 9, "did you mean yes?"},
	{SERVER("max_connections many"), 2, 17, "a number, or none for no limit"},
	{SERVER("max_connections 0"), 2, 17, "max_connections must be 1 to 20000"},
	{SERVER("max_connections 99999999999999999999"), 2, 17, "a number"},
	{SERVER("messages { max_recipients none }"), 2, 27,
	 "\"none\" is not a valid value of max_recipients: write a number"},
	{SERVER("messages { max_recipients 5001 }"), 2, 27, "max_recipients must be 1 to 5000"},
	{SERVER("messages { max_message_size 5 }"), 2, 29, "\"5\" has no unit: write 5K, 5M or 5G"},
	{SERVER("messages { max_message_size 5MB }"), 2, 29, "a size such as 500K, 2M or 1G"},
	{SERVER("messages { max_message_size 99999999999G }"), 2, 29, "a size such as"},
	{SERVER("messages { max_message_size 0K }"), 2, 29, "max_message_size must be 1K or more"},
	{SERVER("messages { max_message_size M }"), 2, 29, "a size such as"},
	{SERVER("free_space_floor none"), 2, 18, "\"none\" is not a valid value of free_space_floor"},
	{SERVER("connection_timeout 10"), 2, 20, "write 10s, 10m or 10h"},
	{SERVER("connection_timeout 10M"), 2, 20, "a duration such as"},
	{SERVER("connection_timeout 2d"), 2, 20, "connection_timeout must be 1s to 1d"},
	{SERVER("delivery { retry 15m 0m }"), 2, 22, "retry must be 1s to 365d"},
	{SERVER("fqdn .example.com"), 2, 6, "write *.example.com for all names below it"},
	{SERVER("fqdn *.example.com"), 2, 6, "a pattern is not allowed here"},
	{SERVER("fqdn example.com."), 2, 6, "remove the final dot"},
	{SERVER("fqdn user@example.com"), 2, 6, "remove @ and the text before it"},
	{SERVER("fqdn 192.0.2.1"), 2, 6, "is not a domain name"},
	{SERVER("fqdn a..example"), 2, 6, "is not a domain name"},
	{SERVER("default_domain -a.example"), 2, 16, "is not a domain name"},
	{SERVER("postmaster joe"), 2, 12, "is not a mail address: it needs a local part, @ and a domain"},
	{SERVER("postmaster \"\""), 2, 12, "is not a mail address"},
	{SERVER("banner \"gr\303\274n\""), 2, 8, "plain ASCII"},
	{SERVER("without chunkin"), 2, 9, "did you mean chunking?"},
	{SERVER("bare_newlines fix"), 2, 15, "reject or repair"},
	{SERVER("badmail_dir badmail"), 2, 13, "must be absolute"},
	{SERVER("badmail_dir /srv/../etc"), 2, 13, "must not contain . or .."},
	{"run_dir "
	 "/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890\n" SERVER(""),
	 1, 9, "is too long"},
	{"user \"mail room\"\n" SERVER(""), 1, 6, "the name of a user"},
	{"user @group\n" SERVER(""), 1, 6, "the name of a user"},
	{"dns_server 2001:db8::1\n" SERVER(""), 1, 12, "an IPv6 address needs brackets"},
	{"dns_server *\n" SERVER(""), 1, 12, "not an address"},
	{SERVER("listen localhost:25"), 2, 8, "not an address, and not *"},
	{SERVER("listen 10.0.0.1:0"), 2, 8, "a port is a number from 1 to 65535"},
	{SERVER("listen 10.0.0.1:65536"), 2, 8, "a port is a number from 1 to 65535"},
	{SERVER("listen [::1"), 2, 8, "] is missing"},
	{SERVER("listen [::1]25"), 2, 8, "only :PORT may follow"},
	{SERVER("listen [*]:25"), 2, 8, "not an address"},
	{SERVER("relay { list 10.0.0.1/8 }"), 2, 14, "10.0.0.0/8"},
	{SERVER("relay { list .example.com }"), 2, 14, "write *.example.com for all names below it"},
	{SERVER("relay { list 10.0.0.256 }"), 2, 14, "this is no IP address"},
	{SERVER("relay { list 10.0.0.0-10.0.0.9 }"), 2, 14,
	 "a range is not allowed here: write a network such as 10.0.0.0/24"},
	{SERVER("relay { list host_.*.example }"), 2, 14, "is not a pattern: write *.example.com"},
	{SERVER("remote_domain *x.test { relay yes }"), 2, 15,
	 "is not a pattern: write *.example.com for all names below"},
	{SERVER("remote_domain *.*.test { relay yes }"), 2, 15, "is not a pattern"},
	{SERVER("connect { list user@example.com }"), 2, 16, "remove @ and the text before it"},
	{SERVER("smart_host [10.0.0.1];[10.0.0.2]"), 2, 23, "separate hosts with spaces"},
	{SERVER("smart_host 10.0.0.1,10.0.0.2"), 2, 12, "separate hosts with spaces"},
	{SERVER("smart_host mx.example.com weight"), 2, 27, "weight takes a number from 1 to 1000"},
	{SERVER("smart_host mx.example.com weight 0"), 2, 34, "weight takes a number from 1 to 1000"},
	{SERVER("smart_host mx.example.com weight 1001"), 2, 34, "weight takes a number from 1 to 1000"},
	{SERVER("smart_host mx.example.com 10"), 2, 27, "\"10\" is not a domain name"},
	{SERVER("remote_domain a.example { route dns mx.example }"), 2, 33, "dns must stand alone"},
	{SERVER("remote_domain .a.example { relay yes }"), 2, 15, "write *.a.example"},
	{SERVER("remote_domain a.*.example { relay yes }"), 2, 15, "is not a pattern"},
	{SERVER("local_domain b.example { drop_quota 10 }"), 2, 37, "has no unit"},
	{SERVER("local_domain b.example { drop_quota 0x }"), 2, 37, "a multiple of max_message_size"},
	/* the syntax of other programs */
	{SERVER("relay { list 10.2.0.0 255.255.0.0 }"), 2, 23, "a network mask follows a slash: write 10.2.0.0/16"},
	{SERVER("connect { list 10.2.3.4 255.255.255.0 }"), 2, 25, "write 10.2.3.0/24"},
	{SERVER("access { auth plain; auth_clear_list 10.2.0.0 0.0.255.255 }"), 2, 47, "write 10.2.0.0/16"},
	{SERVER("relay { list 10.2.0.7 255.255.255.255 }"), 2, 23, "write 10.2.0.7/32"},
	{SERVER("relay {\nlist 10.2.0.0\nlist 255.255.0.0 }"), 4, 6, "a network mask follows an address and a slash"},
	{SERVER("smart_host 10.2.0.1 255.255.0.0"), 2, 21, "a network mask is not allowed here"},
	{SERVER("remote_domain a.test { route 10.2.0.1 255.255.0.0 }"), 2, 39, "a network mask is not allowed here"},
	{"dns_server 10.2.0.1 255.255.0.0\n" SERVER(""), 1, 21, "a network mask is not allowed here"},
	{SERVER("relay { list 192.168.1.* }"), 2, 14, "write 192.168.1.0/24"},
	{SERVER("relay { list 10.* }"), 2, 14, "write 10.0.0.0/8"},
	{SERVER("connect { list 172.16.*.* }"), 2, 16, "write 172.16.0.0/16"},
	{SERVER("relay { list 192.168.1. }"), 2, 14, "write 192.168.1.0/24"},
	{SERVER("relay { list [10.0.0.1] }"), 2, 14, "without brackets: write 10.0.0.1"},
	{SERVER("relay { list [default] }"), 2, 14, "without brackets: write default"},
	{SERVER("smart_host [smtp.example.com:587]"), 2, 12,
	 "the port follows the bracket: write [smtp.example.com]:587"},
	{SERVER("smart_host [192.0.2.1:587]"), 2, 12, "write [192.0.2.1]:587"},
	{SERVER("listen [192.0.2.1:25]"), 2, 8, "write [192.0.2.1]:25"},
	{SERVER("smart_host smtp://smtp.example.com"), 2, 12, "write smtp.example.com, without smtp://"},
	{SERVER("reverse_dns on"), 2, 13, "did you mean yes?"},
	{SERVER("reverse_dns true"), 2, 13, "did you mean yes?"},
	{SERVER("reverse_dns 1"), 2, 13, "did you mean yes?"},
	{SERVER("reverse_dns enabled"), 2, 13, "did you mean yes?"},
	{SERVER("reverse_dns off"), 2, 13, "did you mean no?"},
	{SERVER("reverse_dns 0"), 2, 13, "did you mean no?"},
	{SERVER("dot_stuffing yes"), 2, 14, "did you mean on?"},
	{SERVER("outbound { tls no }"), 2, 16, "did you mean off?"},
	{SERVER("outbound { implicit on }"), 2, 21, "did you mean yes?"},
	{SERVER("outbound { user x }"), 2, 12, "did you mean username?"},
	{SERVER("masquerade a.test"), 2, 1, "did you mean masquerade_domain?"},
	{SERVER("badmail /srv/badmail"), 2, 1, "did you mean badmail_keep, badmail_max or badmail_dir?"},
	{SERVER("outbound { password x }"), 2, 12, "did you mean password_file?"},
	{SERVER("password x"), 2, 1, "did you mean passwords, which belongs in access?"},
	{SERVER("smarthost x.test"), 2, 1, "did you mean smart_host?"},
	{SERVER("relayhost x.test"), 2, 1, "did you mean smart_host?"},
	{SERVER("hostname x.test"), 2, 1, "did you mean fqdn?"},
	{SERVER("mynetworks 10.0.0.0/8"), 2, 1, "did you mean relay?"},
	{"; my server\n" SERVER(""), 1, 1, "a comment begins with #, not with ;"},
	{SERVER("\t;listen *:26"), 2, 2, "a comment begins with #, not with ;"},
	{"[default]\n" SERVER(""), 1, 1, "a block is written as virtual_server NAME { ... }"},
	{SERVER("badmail_max 0"), 2, 13, "badmail_max must be 64K or more, or none for no limit"},
	{SERVER("messages { max_message_size 0 }"), 2, 29, "max_message_size must be 1K or more, or none for no limit"},
	{SERVER("connection_timeout 0"), 2, 20, "connection_timeout must be 1s to 1d"},
	{SERVER("connection_timeout 600"), 2, 20, "\"600\" has no unit: write 600s or 600m"},
	{SERVER("free_space_floor 0"), 2, 18, "write 0K"},
	{SERVER("local_domain b.example { drop_quota 0 }"), 2, 37,
	 "drop_quota must be 1K or more, or none for no limit"},
};

START_TEST(row_is_refused_where_it_is_wrong)
{
	expect_message(&rows[_i], "error");
	done();
}
END_TEST

/* The line is shown with a caret under the column; tabs are kept, and characters are counted. */
START_TEST(caret_points_at_the_word)
{
	build(SERVER("\tmessages { max_recipients 0 }"));
	ck_assert_ptr_nonnull(
		strstr(str_text(&report.text), "\n\tmessages { max_recipients 0 }\n\t                          ^\n"));
	done();
	build(SERVER("banner \"\303\274\303\274\" x"));
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "test.conf:2:13:"));
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "\nbanner \"\303\274\303\274\" x\n            ^\n"));
	done();
}
END_TEST

START_TEST(long_line_is_shown_around_the_caret)
{
	char text[2048] = "virtual_server default {\nrelay { list";
	for (int i = 0; i < 100; i++)
		strcat(text, " 10.0.0.1");
	strcat(text, " wrong/ }\n}\n");
	build(text);
	const char *caret = strstr(str_text(&report.text), "^");
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "test.conf:2:914:"));
	ck_assert_ptr_nonnull(caret);
	const char *line = strstr(str_text(&report.text), "\n") + 1;
	ck_assert_uint_lt(strcspn(line, "\n"), 200);
	ck_assert_int_eq(strncmp(line + (caret - strchr(line, '\n') - 1), "wrong", 5), 0);
	done();
}
END_TEST

START_TEST(all_errors_come_at_once_in_the_order_of_the_file)
{
	build(SERVER("enabled maybe\nmessages { max_recipients 0; frob 1 }\nlisten nowhere\nfqdn a b") "x\n");
	ck_assert_uint_eq(report.errors, 6);
	unsigned last = 0, line;
	for (const char *at = str_text(&report.text); (at = strstr(at, "test.conf:")); at++)
		if (sscanf(at, "test.conf:%u:", &line) == 1) {
			ck_assert_uint_ge(line, last);
			last = line;
		}
	ck_assert_uint_eq(last, 7);
	done();
}
END_TEST

/* Both bad entries of one list, and the open relay in it. */
START_TEST(a_list_reports_each_entry)
{
	build(SERVER("relay { list 10.0.0.1/8 zebra/ 0.0.0.0/0 }"));
	ck_assert_uint_eq(report.errors, 3);
	done();
}
END_TEST

START_TEST(a_wrong_value_makes_no_second_error)
{
	build(SERVER("messages { max_session_size 1; max_message_size 35M }\nprocesses { spare x; max 1 }"));
	ck_assert_uint_eq(report.errors, 2);
	done();
}
END_TEST

START_TEST(many_errors_are_counted)
{
	char text[16384] = "virtual_server default {\n";
	for (int i = 0; i < 500; i++)
		strcat(text, "frobnicate\n");
	strcat(text, "}\n");
	build(text);
	ck_assert_uint_eq(report.errors, 500);
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "and 300 more\n"));
	done();
}
END_TEST

/* One mistake gives one error. */
START_TEST(one_slip_is_one_error)
{
	static const char *const one_error[] = {
		SERVER("relay { list 10.2.0.0 255.255.0.0 }"),
		SERVER("smart_host [smtp.example.com:587]"),
		SERVER("") "virtual_server b { listen *:26; pickup_dir /srv/p; local_domain x.test }\n"
			   "virtual_server b { listen *:26; pickup_dir /srv/p; log { }; local_domain x.test }",
		"; my server\n; listen *:25 { \n" SERVER(""),
	};
	for (int i = 0; i < COUNT(one_error); i++) {
		build(one_error[i]);
		unsigned wanted = i == 3 ? 2 : 1;
		ck_assert_msg(report.errors == wanted, "%s", str_text(&report.text));
		done();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config errors");
	TCase *all = tcase_create("all");
	tcase_add_loop_test(all, row_is_refused_where_it_is_wrong, 0, COUNT(rows));
	tcase_add_test(all, caret_points_at_the_word);
	tcase_add_test(all, long_line_is_shown_around_the_caret);
	tcase_add_test(all, all_errors_come_at_once_in_the_order_of_the_file);
	tcase_add_test(all, a_list_reports_each_entry);
	tcase_add_test(all, a_wrong_value_makes_no_second_error);
	tcase_add_test(all, many_errors_are_counted);
	tcase_add_test(all, one_slip_is_one_error);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
