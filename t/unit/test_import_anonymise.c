#include <check.h>
#include <stdio.h>
#include <string.h>

#include "ctl/import/anonymise.h"
#include "ctl/import/convert.h"
#include "t/unit/suite.h"

static struct metabase mb;
static struct str copy;

static void setup(void)
{
	str_init(&copy, 1 << 20);
}

static void teardown(void)
{
	metabase_free(&mb);
	str_free(&copy);
}

static const char *anonymised(const char *keys, uint64_t key)
{
	struct xml_fault fault;
	char text[10000];
	snprintf(text, sizeof(text), "<configuration>%s</configuration>", keys);
	metabase_free(&mb);
	ck_assert_msg(metabase_read(span_of(text), &mb, &fault), "%s", fault.text);
	str_clear(&copy);
	ck_assert(anonymise(&mb, key, &copy));
	return str_text(&copy);
}

#define HAS(part)   ck_assert_msg(strstr(str_text(&copy), part) != NULL, "no %s in\n%s", part, str_text(&copy))
#define LACKS(part) ck_assert_msg(strcasestr(str_text(&copy), part) == NULL, "%s is in\n%s", part, str_text(&copy))

START_TEST(names_are_replaced_alike)
{
	anonymised(
		"<IIsWebServer Location=\"/LM/W3SVC/1\" ServerComment=\"Intranet\"/>"
		"<IIsSmtpServer Location=\"/LM/SmtpSvc/1\" ServerComment=\"Contoso &lt;M\xc3\xbcnchen&gt;\" "
		"DefaultDomain=\"mail.contoso.com\" SendNdrTo=\"Jane.Doe@CONTOSO.com\" HopCount=\"15\" RelayForAuth=\"-1\" "
		"LogFileDirectory=\"%windir%\\System32\\Jane\" JaneProperty=\"x\" "
		"LogPluginClsid=\"{FF160663-DE82-11CF-BC0A-00AA006111E0}\"/>"
		"<IIsSmtpDomain Location=\"/LM/SmtpSvc/1/Domain/*.contoso.com\" RouteAction=\"4096\"/>",
		1);
	LACKS("contoso");
	LACKS("jane");
	LACKS("nchen");
	LACKS("intranet");
	LACKS("w3svc");
	HAS("ServerComment=\"n1 &#60;n2&#62;\"");
	HAS("DefaultDomain=\"n3.n1.com\"");
	HAS("@n1.com\"");
	HAS("Domain/*.n1.com\"");
	HAS("HopCount=\"15\"");
	HAS("RelayForAuth=\"-1\"");
	HAS("\"%windir%\\System32\\n4\"");
	HAS("{FF160663-DE82-11CF-BC0A-00AA006111E0}");
	HAS("Property");
}
END_TEST

START_TEST(secrets_are_removed)
{
	anonymised("<k Location=\"/LM/SmtpSvc/1\" RoutePassword=\"secret\" AdminACL=\"49634b62980000004c\" "
		   "SSLCertHash=\"00112233445566778899aabbccddeeff00112233\">"
		   "<Custom ID=\"9999\" Name=\"Odd\" Value=\"hidden\" Attributes=\"SECURE | INHERIT\"/></k>",
		   1);
	LACKS("secret\"");
	LACKS("49634b62");
	LACKS("00112233");
	LACKS("hidden");
	HAS("RoutePassword=\"(removed)\"");
	HAS("Attributes=\"SECURE | INHERIT\"");
}
END_TEST

/* An address in a list and in a text becomes the same one; networks and their clients still fit. */
START_TEST(addresses_keep_their_networks)
{
	static const char keys[] =
		"<k Location=\"/LM/SmtpSvc/1\" SmartHost=\"[192.0.2.7];[192.0.2.8];[10.1.2.3];[127.0.0.1]\" "
		"RelayIpList=\"18000080200000803c00008044000080010000004c000000000000000000000001000000010000000200000002000000"
		"04000000000000004c00008000000000000000000000000000000000ffffff00c0000200\"/>";
	struct take_choices choices = {0};
	struct convert_result result;
	char same[4] = "";
	for (uint64_t key = 1; key < 20; key++) {
		anonymised(keys, key);
		LACKS("192.0.2.7");
		LACKS("c0000200\"");
		HAS("[10.");
		HAS("[127.0.0.1]");
		ck_assert(convert(str_span(&copy), "x", &choices, &result));
		ck_assert_msg(!result.errors, "%s", str_text(&result.findings));
		char *host = strstr(str_text(&result.config), "smart_host [");
		char *list = strstr(str_text(&result.config), "        list ");
		/* "smart_host [A.B.C." and "list A.B.C.0/24" */
		if (host && list) {
			size_t len = strcspn(list + 13, "/") - 1;
			ck_assert_msg(strncmp(host + 12, list + 13, len) == 0, "%.30s %.30s", host, list);
			same[0] = 'x';
		}
		convert_free(&result);
	}
	ck_assert_str_eq(same, "x");
}
END_TEST

/* An address in a sentence, in a range, or of IPv6; nothing but the flags of the schema looks like a flag. */
START_TEST(nothing_slips_through)
{
	anonymised(
		"<k Location=\"/LM/SmtpSvc/1\" ConnectResponse=\"Ask 192.0.2.7.\" ServerComment=\"192.0.2.1-192.0.2.9\" "
		"ServerBindings=\"[2001:1234:5678::25]:25: [2001:1234:5678::26]:25: [::1]:25: :26:\" "
		"AuthFlags=\"AuthBasic | AuthNTLM\" DefaultDomain=\"Authentic.example.com\" "
		"SmartHost=\"LogExtFileserver.example.com\"/>",
		1);
	LACKS("192.0.2");
	LACKS("1234");
	LACKS("5678");
	LACKS("authentic");
	LACKS("fileserver");
	HAS("[2001:");
	HAS(" [::1]:25: :26:");
	HAS("AuthBasic | AuthNTLM");
	const char *first = strstr(str_text(&copy), "[2001:"), *second = strstr(first + 1, "[2001:");
	ck_assert_ptr_nonnull(second);
	const size_t network = strlen("[2001:");
	size_t len = network + strcspn(first + network, ":");
	ck_assert_msg(strncmp(first, second, len) == 0, "%s", first); /* one network */
	ck_assert(strncmp(first, second, strcspn(first, "]")) != 0);  /* two addresses */
}
END_TEST

START_TEST(unreadable_lists_keep_their_structure_only)
{
	anonymised("<k Location=\"/LM/SmtpSvc/1\" RelayIpList=\"18000080200000800a0102036578616d70\"/>", 1);
	HAS("RelayIpList=\"1800008020000080aaaaaaaaaaaaaaaaaa\"");
	anonymised("<k Location=\"/LM/SmtpSvc/1\" RelayIpList=\"host.contoso.com\"/>", 1);
	LACKS("contoso");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {names_are_replaced_alike, secrets_are_removed, addresses_keep_their_networks,
				      nothing_slips_through, unreadable_lists_keep_their_structure_only};
	return run_tests("import_anonymise", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
