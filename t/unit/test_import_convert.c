/* What the settings of a metabase become. */
#include "t/unit/convert_fixture.h"

START_TEST(single_values)
{
	static const struct {
		const char *attribute, *line;
	} cases[] = {
		{"ConnectionTimeout=\"600\"", "connection_timeout 10m"},
		{"ConnectionTimeout=\"4000000\"", NULL},
		{"MaxConnections=\"2000000000\"", "max_connections none"},
		{"MaxConnections=\"-1\"", "max_connections none"},
		{"MaxConnections=\"1000\"", "max_connections 1000"},
		{"MaxConnections=\"100000\"", "max_connections 20000"},
		{"EnableReverseDnsLookup=\"TRUE\"", "reverse_dns yes"},
		{"ConnectResponse=\"Hello &quot;you&quot; {x}\"", "banner \"Hello \\\"you\\\" {x}\""},
		{"ConnectResponse=\"a&#10;relay { list 0.0.0.0/0 }\"", NULL},
		{"MaxMessageSize=\"2097152\" MaxSessionSize=\"10485760\"", "max_session_size 10M"},
		{"MaxMessageSize=\"2097152\" MaxSessionSize=\"1\"", "max_session_size 2M"},
		{"MaxMessageSize=\"2000000\"", "max_message_size 1954K"},
		{"MaxMessageSize=\"0\"", "max_message_size none"},
		{"MaxBatchedMessages=\"0\"", "max_messages_per_connection none"},
		{"MaxRecipients=\"100\"", "max_recipients 100"},
		{"MaxRecipients=\"99999\"", "max_recipients 5000"},
		{"SendNdrTo=\"admin@example.com;other@example.net\"",
		 "ndr_copy_to admin@example.com other@example.net"},
		{"SendNdrTo=\"admin\"", "ndr_copy_to admin@mail.example.com"},
		{"SendNdrTo=\"a b@@\"", "ndr_copy_to a@mail.example.com"},
		{"SmtpRemoteProgressiveRetry=\"15,30,60,240\"", "retry 15m 30m 1h 4h"},
		{"SmtpRemoteProgressiveRetry=\"1 2 3 4 5 6 7 8 9\"", "retry 1m 2m 3m 4m 5m 6m 7m 8m"},
		{"SmtpRemoteProgressiveRetry=\"0,x\"", NULL},
		{"RemoteRetryInterval=\"60\" RemoteRetryAttempts=\"48\"", "expire 2d"},
		{"SmtpRemoteNDRExpireMinutes=\"60\" SmtpRemoteDelayExpireMinutes=\"720\"", "delay_notice 1h"},
		{"HopCount=\"15\"", "max_hops 15"},
		{"HopCount=\"0\"", "max_hops 1"},
		{"RemoteSmtpPort=\"587\"", "port 587"},
		{"RemoteTimeout=\"600\"", "timeout 10m"},
		{"MasqueradeDomain=\"Example.COM\"", "masquerade_domain example.com"},
		{"MasqueradeDomain=\"example.com\" DoMasquerade=\"FALSE\"", NULL},
		{"DefaultDomain=\"example.org\"", "default_domain example.org"},
		{"DefaultDomain=\"no domain\"", NULL},
		{"PostmasterName=\"postmaster\"", "postmaster postmaster@mail.example.com"},
		{"SmtpInboundCommandSupportOptions=\"7697601\"", NULL},
		{"SmtpInboundCommandSupportOptions=\"6649025\"", "without chunking"},
		{"ShouldPipelineIn=\"FALSE\"", "without pipelining"},
		{"ShouldPickupMail=\"FALSE\"", "pickup_dir off"},
		{"LogType=\"1\" LogPluginClsid=\"{ff16065f-DE82-11CF-BC0A-00AA006111E0}\"", "format ncsa"},
		{"LogType=\"1\" LogFilePeriod=\"0\" LogFileTruncateSize=\"20971520\"", "period 20M"},
		{"LogType=\"1\" LogFilePeriod=\"0\" LogFileTruncateSize=\"-1\"", "period unlimited"},
		{"LogType=\"1\" LogExtFileFlags=\"1414\"", "fields time c-ip cs-method cs-uri-stem sc-status"},
		{"LogType=\"0\" LogFilePeriod=\"1\"", NULL},
		{"ServerBindings=\"192.0.2.1:2525:mail\"", "listen 192.0.2.1:2525"},
		{"ServerBindings=\":25: 10.0.0.1::\"", "listen 10.0.0.1:25"},
		{"ServerBindings=\"x:25:\"", NULL},
		{"ServerAutoStart=\"FALSE\"", "enabled no"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		import_server(cases[i].attribute, "");
		GOOD();
		if (cases[i].line)
			HAS(cases[i].line);
	}
	import_server("ConnectResponse=\"a&#10;relay { list 0.0.0.0/0 }\"", "");
	ck_assert(!is_in("0.0.0.0", &result.config));
}
END_TEST

START_TEST(every_property_has_a_row)
{
	import("<IIsSmtpService Location=\"/LM/SmtpSvc\" SmtpEventlogLevel=\"1\" Mystery=\"42\">"
	       "<Custom Name=\"UnknownName_61537\" ID=\"61537\" Value=\"zz\"/></IIsSmtpService>"
	       "<IIsSmtpServer Location=\"/LM/SmtpSvc/1\"/>");
	TELLS("SmtpEventlogLevel \"1\"");
	TELLS("events go to syslog");
	TELLS("unknown      Mystery \"42\"");
	TELLS("unknown      UnknownName_61537 \"zz\"");
}
END_TEST

/* No row of the table is forgotten by the code: each property of a server, with some value, is used or refused. */
START_TEST(every_row_has_code)
{
	static const char *const values[] = {"1", "example.net", "user@example.net", "[192.0.2.1]", "C:\\Folder", ""};
	for (size_t i = 0; i < IIS_COUNT; i++) {
		const struct iis_row *row = &iis_rows[i];
		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
			char attribute[200];
			snprintf(attribute, sizeof(attribute), "%s=\"%s\"", row->property, values[v]);
			if (row->levels & 1 << METABASE_SERVER && i != IIS_FullyQualifiedDomainName) {
				import_server(attribute, "");
				GOOD();
			} else if (row->levels & 1 << METABASE_DOMAIN) {
				char domain[300];
				snprintf(domain, sizeof(domain), "<k Location=\"/LM/SmtpSvc/1/Domain/a.example\" %s/>",
					 attribute);
				import_server("", domain);
				GOOD();
			}
			ck_assert_msg(!is_in("no virtual server uses it", &result.report), "%s\n%s", attribute,
				      str_text(&result.report));
		}
	}
}
END_TEST

START_TEST(domains)
{
	import_server("DefaultDomain=\"example.com\" SmartHost=\"[192.0.2.9]\" SmartHostType=\"2\"",
		      "<k Location=\"/LM/SmtpSvc/1/Domain/example.com\" RouteAction=\"16\"/>"
		      "<k Location=\"/LM/SmtpSvc/1/Domain/local.example\" RouteAction=\"1\"/>"
		      "<k Location=\"/LM/SmtpSvc/1/Domain/alias.example\" RouteAction=\"16\"/>"
		      "<k Location=\"/LM/SmtpSvc/1/Domain/dns.example\" RouteAction=\"4096\"/>"
		      "<k Location=\"/LM/SmtpSvc/1/Domain/*.routed.example\" RouteAction=\"514\" "
		      "RouteActionString=\"[10.0.0.5];mx.routed.example\" AuthTurnList=\"CORP\\branch\"/>"
		      "<k Location=\"/LM/SmtpSvc/1/Domain/no domain\" RouteAction=\"4096\"/>"
		      "<k Location=\"/LM/SmtpSvc/1/Domain/1.2.3.4\" RouteAction=\"4096\"/>"
		      "<k Location=\"/LM/SmtpSvc/1/Domain/odd.example\" RouteAction=\"relay\"/>");
	GOOD();
	HAS("local_domain local.example {");
	HAS("alias_domain alias.example");
	HAS("remote_domain dns.example {");
	HAS("route dns");
	HAS("remote_domain *.routed.example {");
	HAS("route [10.0.0.5] mx.routed.example");
	HAS("etrn yes");
	LACKS("atrn_accounts branch"); /* without auth */
	ck_assert(!is_in("1.2.3.4", &result.config));
	ck_assert(!is_in("odd.example", &result.config));
	TELLS("Domain \"no domain\"");
	TELLS("Domain \"1.2.3.4\"");
}
END_TEST

START_TEST(days_of_etrn)
{
	static const char domain[] = "<k Location=\"/LM/SmtpSvc/1/Domain/a.example\" RouteAction=\"4608\"/>";
	import_server("EtrnDays=\"10\"", domain);
	GOOD();
	HAS("expire 10d");
	import_server("EtrnDays=\"366\"", domain);
	GOOD();
	LACKS("expire 366d");
	TELLS("not taken: expire takes 1 to 365 days");
	import_server("EtrnDays=\"10\"", "");
	TELLS("no domain waits for ETRN");
}
END_TEST

/* The default domain is always local here, so one with a route gives way to fqdn. */
START_TEST(default_domains)
{
	map_path("C:\\Drop", "/srv/drop");
	import_server(
		"DefaultDomain=\"example.com\" DropDirectory=\"C:\\Drop\"",
		"<k Location=\"/LM/SmtpSvc/1/Domain/Example.com\" RouteAction=\"4098\" RouteActionString=\"[10.0.0.5]\"/>"
		"<k Location=\"/LM/SmtpSvc/1/Domain/other.example\" RouteAction=\"1\"/>");
	GOOD();
	LACKS("default_domain example.com");
	HAS("remote_domain example.com {");
	HAS("route [10.0.0.5]");
	import_server("DefaultDomain=\"example.com\" DropDirectory=\"C:\\Drop\"",
		      "<k Location=\"/LM/SmtpSvc/1/Domain/other.example\" RouteAction=\"1\"/>");
	GOOD();
	HAS("local_domain other.example {");
	HAS("local_domain example.com {"); /* it has the same folder */
	import_server("", "<k Location=\"/LM/SmtpSvc/1/Domain/mail.example.com\" RouteAction=\"2\" "
			  "RouteActionString=\"[10.0.0.5]\"/>");
	GOOD();
	HAS("local_domain mail.example.com {");
}
END_TEST

START_TEST(smart_hosts_and_credentials)
{
	import_server("SmartHost=\"a.example;[192.0.2.1]\" SmartHostType=\"1\"", "");
	GOOD();
	HAS("smart_host a.example [192.0.2.1]");
	HAS("direct_first yes");
	import_server("SmartHost=\"a.example\" SmartHostType=\"0\"", "");
	HAS("smart_host none");
	import_server("SmartHost=\"a.example\" SmartHostType=\"2\" RouteAction=\"260\" RouteUserName=\"user\" "
		      "RoutePassword=\"49634b62\"",
		      "");
	GOOD();
	HAS("smart_host [a.example]");
	HAS("tls verify");
	HAS("auth login");
	HAS("username user");
	HAS("password_file /etc/mailroot/default.password");
	ck_assert(!is_in("49634b62", &result.config) && !is_in("49634b62", &result.report));
	import_server("RouteAction=\"256\" RouteUserName=\"user\"", ""); /* to hosts of MX: never */
	GOOD();
	LACKS("auth login");
	import_server("AlwaysUseSsl=\"TRUE\"", "");
	GOOD();
	HAS("tls encrypt");
	import_server(
		"SmartHost=\"a.example\" SmartHostType=\"2\"",
		"<k Location=\"/LM/SmtpSvc/1/Domain/b.example\" RouteAction=\"258\" RouteActionString=\"host.b.example\" "
		"RouteUserName=\"other\"/>");
	GOOD();
	HAS("route [host.b.example]");
	HAS("auth_unverified yes");
	HAS("password_file /etc/mailroot/default-b.example.password");
	/* A domain and those below it may have different passwords. */
	import_server("", "<k Location=\"/LM/SmtpSvc/1/Domain/*.b.example\" RouteAction=\"258\" "
			  "RouteActionString=\"host.b.example\" RouteUserName=\"other\"/>");
	GOOD();
	HAS("password_file /etc/mailroot/default-below-b.example.password");
}
END_TEST

START_TEST(folders)
{
	map_path("C:\\Inetpub\\mailroot\\", "/srv/mailroot/");
	import_server(
		"PickupDirectory=\"c:\\inetpub\\MAILROOT\\Pick up\" BadMailDirectory=\"C:\\Inetpub\\mailroot2\\Bad\" "
		"DropDirectory=\"C:/Inetpub/mailroot/Drop\"",
		"");
	GOOD();
	HAS("pickup_dir \"/srv/mailroot/Pick up\"");
	HAS("drop_dir /srv/mailroot/Drop");
	ck_assert(!is_in("Bad", &result.config));
	import_server("PickupDirectory=\"C:\\Inetpub\\mailroot\\..\\..\\etc\" BadMailDirectory=\"\\\\server\\share\" "
		      "DropDirectory=\"C:\\Inetpub\\mailroot\\a&#10;b\"",
		      "");
	GOOD();
	ck_assert(!is_in("/srv", &result.config));
	ck_assert(!is_in("drop_dir", &result.config));
	/* One folder for two things. */
	import_server("PickupDirectory=\"C:\\Inetpub\\mailroot\\A\" BadMailDirectory=\"C:\\Inetpub\\mailroot\\a\" "
		      "DropDirectory=\"C:\\Inetpub\\mailroot\\A\"",
		      "");
	GOOD();
}
END_TEST

START_TEST(several_servers)
{
	choices.names[0].server = 3;
	choices.names[0].name = "printers";
	choices.name_count = 1;
	import("<k Location=\"/LM/SmtpSvc/1\" ServerComment=\"[SMTP Virtual Server #1]\" ServerBindings=\":25:\"/>"
	       "<k Location=\"/LM/SmtpSvc/2\" ServerComment=\"M\xc3\xbcnchen Mail!\" ServerBindings=\":25:\" ServerAutoStart=\"TRUE\"/>"
	       "<k Location=\"/LM/SmtpSvc/3\" ServerComment=\"x\" ServerBindings=\"10.0.0.1:25:\"/>"
	       "<k Location=\"/LM/SmtpSvc/10\" ServerComment=\"m-nchen mail\" ServerBindings=\"10.0.0.1:26:\"/>");
	GOOD();
	ck_assert_uint_eq(result.servers, 4);
	HAS("virtual_server default {");
	HAS("virtual_server m-nchen-mail {");
	HAS("virtual_server printers {");
	HAS("virtual_server m-nchen-mail-10 {");
	HAS("enabled no"); /* the second one has the address of the first */
	ck_assert(!is_in("had no effect", &result.todos));
	choices.names[0].server = 4;
	import("<k Location=\"/LM/SmtpSvc/1\"/>");
	ck_assert(is_in("--server 4=printers had no effect", &result.todos));
}
END_TEST

START_TEST(mail_that_leaves_by_mx_is_not_signed)
{
	import_server("SmartHost=\"a.example\" SmartHostType=\"2\"", "");
	ck_assert(!is_in("dkim keygen", &result.todos));
	import_server("SmartHost=\"a.example\" SmartHostType=\"0\"", "");
	ck_assert(is_in("dkim keygen", &result.todos));
	import_server("", "");
	ck_assert(is_in("dkim keygen", &result.todos));
}
END_TEST

START_TEST(nothing_to_import)
{
	static const char empty[] = "<configuration><k Location=\"/LM/SmtpSvc\"/></configuration>";
	ck_assert(!convert(span_of(empty), "x", &choices, &result));
	ck_assert_ptr_nonnull(strstr(result.fault.text, "no virtual SMTP server"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {single_values,
				      every_property_has_a_row,
				      every_row_has_code,
				      domains,
				      days_of_etrn,
				      default_domains,
				      smart_hosts_and_credentials,
				      folders,
				      several_servers,
				      mail_that_leaves_by_mx_is_not_signed,
				      nothing_to_import};
	return run_tests("import_convert", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
