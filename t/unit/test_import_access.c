/* Access and relaying of clients: an import never permits more than the metabase did. */
#include "t/unit/convert_fixture.h"

START_TEST(relay_lists)
{
	import_server(
		"RelayIpList=\"18000080200000803c00008044000080010000004c000000000000000000000001000000020000000200"
		"00000300000004000000000000004c00008000000000000000000000000000000000ffff00000a010000c0a80000\" "
		"RelayForAuth=\"1\"",
		"");
	GOOD();
	HAS("allow only-listed");
	HAS("list 10.1.0.0/16 192.168.0.0/16");
	LACKS("authenticated yes"); /* no client can authenticate */
	import_server("AuthFlags=\"AuthAnonymous | AuthBasic\" RelayForAuth=\"1\"", "");
	GOOD();
	HAS("auth plain login");
	TELLS("write `passwords kerberos` and a key tab");
	HAS("authenticated yes");
	HAS("list none");
	import_server("AuthFlags=\"3\"", "");
	HAS("authenticated no");
	import_server("AuthFlags=\"3\" RelayForAuth=\"0\"", "");
	HAS("authenticated no");
}
END_TEST

/* "All except the list": an open relay is never taken. */
START_TEST(no_open_relay)
{
	import_server("RelayIpList=\"\"", "");
	GOOD();
	HAS("list none");
	TELLS("This is an open relay");
	/* With connection control, those that may connect may relay. */
	import_server(
		"RelayIpList=\"\" IPSecurity=\"18000080200000803c00008044000080010000004c00000000000000000000000100"
		"0000010000000200000002000000040000000000000"
		"04c00008000000000000000000000000000000000ffff00000a010000\"",
		"");
	GOOD();
	ck_assert_ptr_nonnull(strstr(strstr(str_text(&result.config), "relay {"), "list 10.1.0.0/16"));
	/* Everybody in the list. */
	import_server(
		"RelayIpList=\"18000080200000803c00008044000080010000004c000000000000000000000001000000010000000200"
		"00000200000004000000000000004c000080000000000000000000000000000000000000000000000000\"",
		"");
	GOOD();
	LACKS("list 0.0.0.0/0");
	HAS("list none");
	import_server("", "<IIsSmtpDomain Location=\"/LM/SmtpSvc/1/Domain/*\" RouteAction=\"4096\"/>"
			  "<IIsSmtpDomain Location=\"/LM/SmtpSvc/1/Domain/*.com\" RouteAction=\"4096\"/>");
	GOOD();
	LACKS("relay yes");
}
END_TEST

START_TEST(unreadable_lists_are_read_strictly)
{
	static const char *const bad[] = {"00", "abc", "zz", "18000080200000803c000080440000800100",
					  "18000080200000803c0000804400008001000000ffffff7f"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char attribute[200];
		snprintf(attribute, sizeof(attribute), "RelayIpList=\"%s\"", bad[i]);
		import_server(attribute, "");
		GOOD();
		HAS("list none");
		TELLS("could not be read");
		TELLS(bad[i]);
		snprintf(attribute, sizeof(attribute), "IPSecurity=\"%s\"", bad[i]);
		import_server(attribute, "");
		GOOD();
		HAS("list 127.0.0.0/8 ::1");
	}
}
END_TEST

START_TEST(access_of_clients)
{
	import_server("AuthFlags=\"AuthNTLM\"", "");
	GOOD();
	HAS("anonymous no");
	HAS("auth gssapi");
	HAS("keytab /etc/mailroot/smtp.keytab");
	import_server("AuthFlags=\"0\"", "");
	GOOD();
	HAS("anonymous no");
	import_server("AuthFlags=\"AuthMagic\"", "");
	GOOD();
	HAS("anonymous no");
	import_server("AccessSSLFlags=\"AccessSSL | AccessSSL128\"", "");
	GOOD();
	HAS("tls_required yes");
	HAS("tls_certificate /etc/mailroot/default.pem /etc/mailroot/default.key");
	import_server("AccessSSLFlags=\"Strange\"", "");
	GOOD();
	HAS("tls_required yes");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {relay_lists, no_open_relay, unreadable_lists_are_read_strictly,
				      access_of_clients};
	return run_tests("import_access", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
