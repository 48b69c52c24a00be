#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "ctl/import/iis.h"
#include "t/unit/suite.h"

#define HEAD "<?xml version=\"1.0\"?>\n<configuration xmlns=\"urn:x\">\n<MBProperty>\n"
#define TAIL "</MBProperty>\n</configuration>\n"

static struct metabase mb;
static struct xml_fault fault;

static bool reads(struct span text)
{
	metabase_free(&mb);
	return metabase_read(text, &mb, &fault);
}

static void teardown(void)
{
	metabase_free(&mb);
}

static const char *value_at(const char *location, enum iis_property which)
{
	for (size_t i = 0; i < mb.count; i++) {
		if (strcmp(mb.keys[i]->location, location) == 0) {
			const struct metabase_property *p = iis_find(mb.keys[i], which);
			return p ? p->value : NULL;
		}
	}
	ck_abort_msg("no key %s", location);
}

START_TEST(keys_and_properties)
{
	ck_assert(reads(
		SPAN(HEAD "<IIsWebServer Location=\"/LM/W3SVC/1\" ServerBindings=\":80:\"/>\n"
			  "<IIsSmtpService Location=\"/LM/SmtpSvc\" HopCount=\"15\">\n"
			  "<Custom Name=\"AuthFlags\" ID=\"6000\" Value=\"AuthBasic\" Attributes=\"INHERIT\"/>\n"
			  "<Custom Name=\"RoutePassword\" ID=\"36949\" Value=\"aa\" Attributes=\"SECURE | INHERIT\"/>\n"
			  "</IIsSmtpService>\n"
			  "<IIsSmtpServer Location=\"/LM/smtpsvc/12/\" ServerComment=\"a &amp; b&#10;c\"/>\n"
			  "<IIsSmtpDomain Location=\"/LM/SmtpSvc/12/Domain/*.example.com\" RouteAction=\"2\"/>\n"
			  "<IIsConfigObject Location=\"/LM/SmtpSvcX/1\" RouteAction=\"2\"/>\n" TAIL)));
	ck_assert_uint_eq(mb.count, 3);
	ck_assert_int_eq(mb.keys[0]->level, METABASE_SERVICE);
	ck_assert_uint_eq(mb.keys[0]->count, 3);
	ck_assert(mb.keys[0]->properties[2].secure);
	ck_assert_int_eq(mb.keys[1]->level, METABASE_SERVER);
	ck_assert_uint_eq(mb.keys[1]->server, 12);
	ck_assert_str_eq(mb.keys[1]->properties[0].value, "a & b\nc");
	ck_assert_int_eq(mb.keys[2]->level, METABASE_DOMAIN);
	ck_assert_str_eq(mb.keys[2]->name, "*.example.com");
	ck_assert_ptr_eq(mb.keys[2]->parent, mb.keys[1]);
	ck_assert_ptr_eq(mb.keys[1]->parent, mb.keys[0]);
}
END_TEST

START_TEST(inheritance)
{
	ck_assert(reads(SPAN(HEAD "<IIsSmtpService Location=\"/LM/SmtpSvc\" HopCount=\"15\" ServerBindings=\":25:\" "
				  "MaxRecipients=\"5\">\n"
				  "<Custom ID=\"36973\" Value=\"1\" Attributes=\"INHERIT\"/>\n"
				  "<Custom Name=\"AuthFlags\" ID=\"6000\" Value=\"2\" Attributes=\"NO_ATTRIBUTES\"/>\n"
				  "</IIsSmtpService>\n"
				  "<IIsSmtpServer Location=\"/LM/SmtpSvc/1\" MAXRECIPIENTS=\"7\"/>\n"
				  "<IIsConfigObject Location=\"/LM/SmtpSvc/1/Domain\"/>\n"
				  "<IIsSmtpDomain Location=\"/LM/SmtpSvc/1/Domain/a.example\"/>\n" TAIL)));
	ck_assert_str_eq(value_at("/LM/SmtpSvc/1", IIS_HopCount), "15");
	ck_assert_str_eq(value_at("/LM/SmtpSvc/1", IIS_MaxRecipients), "7"); /* its own */
	ck_assert_ptr_null(value_at("/LM/SmtpSvc/1", IIS_ServerBindings));   /* not inherited */
	ck_assert_str_eq(value_at("/LM/SmtpSvc", IIS_ServerBindings), ":25:");
	ck_assert_str_eq(value_at("/LM/SmtpSvc/1", IIS_RelayForAuth), "1"); /* by number */
	ck_assert_ptr_null(value_at("/LM/SmtpSvc/1", IIS_AuthFlags));       /* without INHERIT */
	ck_assert_str_eq(value_at("/LM/SmtpSvc/1/Domain/a.example", IIS_HopCount), "15");
	ck_assert_ptr_null(value_at("/LM/SmtpSvc/1", IIS_SmartHost));
}
END_TEST

START_TEST(utf16_and_byte_order_marks)
{
	static const char plain[] = HEAD "<IIsSmtpServer Location=\"/LM/SmtpSvc/1\" ServerComment=\"x\"/>" TAIL;
	char wide[2 * sizeof(plain) + 2] = "\xff\xfe", marked[sizeof(plain) + 3] = "\xef\xbb\xbf";
	for (size_t i = 0; i + 1 < sizeof(plain); i++)
		wide[2 + 2 * i] = plain[i];
	ck_assert(reads((struct span){wide, 2 * sizeof(plain)}));
	ck_assert_str_eq(mb.keys[0]->properties[0].value, "x");
	memcpy(marked + 3, plain, sizeof(plain));
	ck_assert(reads(span_of(marked)));
	ck_assert_uint_eq(mb.count, 1);
}
END_TEST

START_TEST(refusals_name_the_place)
{
	static const struct {
		const char *text;
		unsigned long line, column;
		const char *why;
	} cases[] = {
		{"", 1, 1, "no element found"},
		{HEAD "<a", 4, 1, "unclosed token"},
		{HEAD "<a></b>" TAIL, 4, 6, "mismatched tag"},
		{HEAD "<a x=\"1\" x=\"2\"/>" TAIL, 4, 10, "duplicate attribute"},
		{"<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY b \"c\">]>\n<a/>", 2, 13, "DOCTYPE"},
		{"<html/>", 1, 1, "not <configuration>"},
		{HEAD "<k Location=\"/LM/SmtpSvc/1\"/>\n<k Location=\"/LM/smtpsvc/1\"/>" TAIL, 5, 1, "twice"},
		{HEAD "<k Location=\"/LM/SmtpSvc/1\" a=\"1\" A=\"2\"/>" TAIL, 4, 1, "twice"},
		{HEAD
		 "<k Location=\"/LM/SmtpSvc/1\" RelayForAuth=\"1\"><Custom ID=\"5\" Name=\"RelayForAuth\"/></k>" TAIL,
		 4, 46, "twice"},
		{HEAD "<k Location=\"/LM/SmtpSvc/1\"><Custom ID=\"x\"/></k>" TAIL, 4, 29, "is no number"},
		{HEAD "<k Location=\"/LM/SmtpSvc/1\"><Custom Value=\"x\"/></k>" TAIL, 4, 29, "neither"},
		{HEAD "<k Location=\"/LM/SmtpSvc/1\" a=\"&b;\"/>" TAIL, 4, 1, "undefined entity"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_msg(!reads(span_of(cases[i].text)), "%s", cases[i].text);
		ck_assert_msg(strstr(fault.text, cases[i].why) != NULL, "%zu: %s", i, fault.text);
		ck_assert_msg(fault.line == cases[i].line, "%zu: line %lu, %s", i, fault.line, fault.text);
		ck_assert_msg(fault.column == cases[i].column, "%zu: column %lu, %s", i, fault.column, fault.text);
	}
	ck_assert(!reads(SPAN(HEAD "<k a=\"\0\"/>" TAIL)));
	ck_assert_uint_eq(fault.line, 4);
}
END_TEST

/* TEXT, N times UNIT, TEXT. */
static struct span repeated(const char *before, const char *unit, size_t n, const char *after, char **owned)
{
	size_t len = strlen(unit), room = strlen(before) + n * (len + 10) + strlen(after) + 1;
	char *text = *owned = malloc(room), *at = text;
	ck_assert_ptr_nonnull(text);
	at += snprintf(at, room, "%s", before);
	for (size_t i = 0; i < n; i++)
		at += sprintf(at, unit, i);
	at += sprintf(at, "%s", after);
	return (struct span){text, (size_t)(at - text)};
}

START_TEST(limits)
{
	static const struct {
		const char *before, *unit;
		size_t n;
		const char *after, *why;
	} cases[] = {
		{HEAD, "<a>", 1000000, "", "too deeply"},
		{HEAD "<a ", "x%zu=\"\" ", 1001, "/>" TAIL, "too many attributes"},
		{HEAD "<a ", "x%zu=\"\" ", 1000000, "/>" TAIL, "too"},
		{HEAD "<a x=\"", "0123456789", 200000, "\"/>" TAIL, "too long"},
		{HEAD, "<k Location=\"/LM/SmtpSvc/1/Domain/%zu.example\"/>", 20000, TAIL, "too many keys"},
		{HEAD, "<k Location=\"/LM/SmtpSvc/1%zu\"/>", 101, TAIL, "too many virtual servers"},
		{"", "<!-- 0123456789012345678901234567890123456789012345678901234567890123456789 -->\n", 1000000,
		 "<configuration/>", "64 MiB"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *owned;
		struct span text = repeated(cases[i].before, cases[i].unit, cases[i].n, cases[i].after, &owned);
		ck_assert_msg(!reads(text), "%zu", i);
		ck_assert_msg(strstr(fault.text, cases[i].why) != NULL, "%zu: %s", i, fault.text);
		free(owned);
	}
	char *owned;
	ck_assert(reads(repeated(HEAD "<a ", "x%zu=\"\" ", 1000, "/>" TAIL, &owned)));
	free(owned);
	ck_assert(reads(repeated(HEAD, "<k Location=\"/LM/SmtpSvc/1%zu\"/>", 100, TAIL, &owned)));
	free(owned);
}
END_TEST

START_TEST(the_table_is_sound)
{
	for (size_t i = 0; i < IIS_COUNT; i++) {
		const struct iis_row *row = &iis_rows[i];
		ck_assert_msg(!row->setting[0] || config_setting_find(row->block, span_of(row->setting)),
			      "%s: no setting %s", row->property, row->setting);
		ck_assert_msg(row->take >= IIS_GROUP || row->setting[0], "%s has no setting", row->property);
		ck_assert_msg(row->take < IIS_SECRET || row->doc[0], "%s has no reason", row->property);
		for (size_t j = 0; j < i; j++) {
			ck_assert_str_ne(row->property, iis_rows[j].property);
			ck_assert_msg(!row->id || row->id != iis_rows[j].id, "%s and %s have one number", row->property,
				      iis_rows[j].property);
		}
	}
}
END_TEST

START_TEST(the_document_is_current)
{
	struct str page, made;
	str_init(&page, 1 << 20);
	str_init(&made, 1 << 20);
	int fd = open(SOURCE_DIR "/doc/iis-properties.md", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_read_all(fd, &page), 0);
	fd_close(&fd);
	str_append_text(&made, "<!-- BEGIN made from iis.def -->\n");
	iis_doc(&made);
	str_append_text(&made, "<!-- END made from iis.def -->\n");
	ck_assert_msg(strstr(str_text(&page), str_text(&made)) != NULL,
		      "doc/iis-properties.md is old: run `ninja docs`");
	str_free(&page);
	str_free(&made);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {keys_and_properties,     inheritance, utf16_and_byte_order_marks,
				      refusals_name_the_place, limits,      the_table_is_sound,
				      the_document_is_current};
	return run_tests("import_metabase", tests, sizeof(tests) / sizeof(tests[0]), NULL, teardown);
}
