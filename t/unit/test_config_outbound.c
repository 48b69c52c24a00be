/* What check refuses in outbound blocks, with the place and the words of each error; and what it accepts. */
#include "t/unit/config_fixture.h"

/* An outbound block with a host that credentials may be sent to. */
#define OUT(inside) SERVER("smart_host [h.test]\noutbound { " inside " }")
#define PRINT       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct wrong rows[] = {
	{OUT("tls verify; auth login; password_file /p"), 3, 29, "auth needs username"},
	{OUT("tls verify; auth gssapi; password_file /p"), 3, 29, "username, the Kerberos principal"},
	{OUT("tls verify; auth login; username u"), 3, 29,
	 "auth needs password_file, the path of a file whose first line"},
	{OUT("tls verify; auth gssapi; username u"), 3, 29, "the key tab of username"},
	{OUT("tls verify; password_file /p"), 3, 38, "password_file has no effect: there is no auth here"},
	{OUT("tls verify; username u"), 3, 33, "username has no effect: there is no auth here"},
	{OUT("tls verify; auth_unverified yes"), 3, 40, "auth_unverified has no effect"},
	{OUT("send_as copier"), 3, 20, "\"copier\" is not a mail address"},
	{OUT("send_as_header no"), 3, 27, "send_as_header has no effect: there is no send_as here"},
	{SERVER("smart_host [h.test]; direct_first yes; outbound { send_as a@b.test }"), 2, 59,
	 "remove one of the two settings"},
	{SERVER("outbound { send_as a@b.test }"), 2, 20, "it applies to the hosts of smart_host in the same block"},
	{SERVER("outbound { tls verify; auth login; username u; password_file /p }"), 2, 29,
	 "never to hosts found by MX; write smart_host [HOST]"},
	{SERVER("remote_domain a.test { route dns; outbound { tls verify; auth login; username u; password_file /p } "
		"}"),
	 2, 63, "never to hosts found by MX; write route [HOST]"},
	{SERVER("smart_host [h.test]\nremote_domain a.test { outbound { tls verify; auth login; username u; "
		"password_file /p } }"),
	 3, 52, "write route [HOST]"},
	{SERVER("smart_host [h.test] mx.test\noutbound { tls verify; auth login; username u; password_file /p }"), 2,
	 21, "mx.test would be looked up by MX, and credentials are not sent to hosts found by MX: write [mx.test]"},
	{SERVER("connector c { route dns; outbound { tls verify; auth login; username u; password_file /p } }"), 2, 54,
	 "never to hosts found by MX; write route [HOST]"},
	{SERVER("connector c { route [h.test]; outbound { auth login; username u; password_file /p } }"), 2, 47,
	 "auth needs tls verify"},
	{OUT("auth login; username u; password_file /p"), 3, 17, "auth needs tls verify or tls_fingerprint"},
	{OUT("tls encrypt; auth plain; username u; password_file /p"), 3, 30, "write auth_unverified yes"},
	{OUT("tls verify; use_helo yes; auth plain; username u; password_file /p"), 3, 43, "auth needs EHLO"},
	{OUT("tls encrypt; use_helo yes"), 3, 34, "TLS is required here, which needs EHLO"},
	{SERVER("outbound { use_helo yes }\nremote_domain a.test { outbound { tls verify } }"), 3, 39,
	 "TLS is required here, which needs EHLO"},
	{OUT("rate 30"), 3, 17, "\"30\" is not a valid value of rate: write a rate such as 30/1m"},
	{OUT("rate 30/60"), 3, 17, "\"60\" has no unit"},
	{OUT("rate 0/1m"), 3, 17, "is not a valid value of rate"},
	{OUT("rate 10001/1m"), 3, 17, "at most 10000 in a period"},
	{OUT("rate 30/1M"), 3, 17, "is not a valid value of rate"},
	{OUT("rate 30/1m/2"), 3, 17, "is not a valid value of rate"},
	{OUT("rate 30/2d"), 3, 17, "the period must be 1s to 1d"},
	{OUT("rate 30/0s"), 3, 17, "the period must be 1s to 1d"},
	{OUT("max_connections 0"), 3, 28, "is out of range"},
	{OUT("source_address mx.test"), 3, 27, "write an address such as 192.0.2.1 or 2001:db8::1"},
	{OUT("source_address 192.0.2.1:25"), 3, 27, "write an address"},
	{OUT("source_address 192.0.2.0/24"), 3, 27, "write an address"},
	{OUT("source_address 192.0.2.1 192.0.2.2"), 3, 37, "only one IPv4 and one IPv6 address are allowed"},
	{OUT("source_address 2001:db8::1; source_address 2001:db8::2"), 3, 55,
	 "only one IPv4 and one IPv6 address are allowed"},
	{OUT("helo_name [192.0.2.1]"), 3, 22, "is not a domain name"},
	{OUT("helo_name -a"), 3, 22, "is not a domain name"},
	{SERVER("masquerade_domain user@example.net"), 2, 19, "is not a domain name"},
	{SERVER("masquerade_domain *.example.net"), 2, 19, "is not a domain name"},
	{OUT("tls_name a.test"), 3, 21, "tls_name has no effect here: only tls verify"},
	{OUT("tls encrypt; tls_ca /ca"), 3, 32, "tls_ca has no effect here"},
	{OUT("tls off; tls_fingerprint " PRINT), 3, 37, "tls_fingerprint has no effect here: tls is off"},
	{OUT("tls off; implicit yes"), 3, 30, "implicit has no effect here: tls is off"},
	{OUT("tls_missing return"), 3, 24, "mail is sent in clear if TLS is missing"},
	{OUT("tls off; tls_missing return"), 3, 33, "write tls encrypt or tls verify"},
	{OUT("tls off; client_certificate /c /k"), 3, 40, "client_certificate has no effect here"},
	{SERVER("smart_host [h.test]\noutbound { tls verify; auth plain; username u; password_file /p }\n"
		"remote_domain a.test { outbound { tls encrypt } }"),
	 4, 39, "this mail goes to the smart host, and authentication there needs tls verify"},
	{SERVER("smart_host [h.test]\noutbound { tls verify; auth plain; username u; password_file /p }\n"
		"remote_domain a.test { outbound { use_helo yes } }"),
	 4, 44, "this mail goes to the smart host, and authentication there needs EHLO"},
};

/* One error, with its place and words. */
START_TEST(row_is_refused_where_it_is_wrong)
{
	expect_message(&rows[_i], "error");
	ck_assert_msg(report.errors == 1 && !report.warnings, "more than one message:\n%s", str_text(&report.text));
	done();
}
END_TEST

/* Valid settings, settings that an inner block needs, and settings that have a meaning only in an inner block. */
static const char *const good[] = {
	OUT("tls verify; auth login; username u; password_file /p"),
	OUT("tls verify; tls_name a.test; tls_ca /ca; tls_missing return; implicit yes; client_certificate /c /k"),
	OUT("tls_fingerprint " PRINT "; auth scram-sha-256; username u; password_file /p"),
	OUT("auth plain; username u; password_file /p; auth_unverified yes"),
	OUT("tls off; auth cram-md5; username u; password_file /p; auth_unverified yes"),
	OUT("use_helo yes"),
	OUT("helo_name out.example.com; source_address 192.0.2.1 2001:db8::1"),
	OUT("source_address 192.0.2.1; source_address 2001:db8::1"),
	SERVER("masquerade_domain example.net\noutbound { source_address 192.0.2.1 }\n"
	       "remote_domain a.test { outbound { source_address none } }"),
	OUT("tls encrypt; implicit yes; use_helo yes"),
	OUT("tls encrypt; tls_missing return"),
	SERVER("smart_host [h.test]:587\noutbound { tls verify; auth login; username u; password_file /p }\n"
	       "remote_domain a.test { route dns; outbound { tls off; use_helo yes } }\n"
	       "remote_domain b.test { route [10.0.0.1]; outbound { tls opportunistic } }\n"
	       "remote_domain c.test { route [c.test]; outbound { auth plain; username v; password_file /q } }"),
	SERVER("connector c { route [h.test]; outbound { tls verify; auth login; username u; password_file /p } }"),
	SERVER("outbound { tls_ca /ca }\nconnector c { route [h.test]; outbound { tls verify } }"),
	SERVER("outbound { tls_ca /ca; tls_name x.test; tls_missing return }\n"
	       "remote_domain a.test { outbound { tls verify } }\nremote_domain b.test { outbound { port 26 } }"),
};

START_TEST(valid_settings_are_silent)
{
	build(good[_i]);
	ck_assert_msg(report.errors == 0 && report.warnings == 0, "%s", str_text(&report.text));
	done();
}
END_TEST

/* An invalid value is one error; its default causes no second one. */
START_TEST(wrong_values_make_no_second_error)
{
	static const char *const spoilt[] = {
		OUT("tls verfy; auth login; username u; password_file /p"),
		OUT("tls verify; auth logn; username u; password_file /p"),
		OUT("tls verify; auth login; username u; password_file p"),
		OUT("tls_fingerprint 00; auth login; username u; password_file /p"),
	};
	for (int i = 0; i < COUNT(spoilt); i++) {
		build(spoilt[i]);
		ck_assert_msg(report.errors == 1, "%s", str_text(&report.text));
		done();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config outbound");
	TCase *all = tcase_create("all");
	tcase_add_loop_test(all, row_is_refused_where_it_is_wrong, 0, COUNT(rows));
	tcase_add_loop_test(all, valid_settings_are_silent, 0, COUNT(good));
	tcase_add_test(all, wrong_values_make_no_second_error);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
