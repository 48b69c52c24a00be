/* The table of checks and doc/doctor.md agree; findings survive the way from a check to the report; /proc/net/tcp. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "ctl/doctor/checks.h"
#include "ctl/doctor/processes.h"
#include "ctl/doctor/routes.h"
#include "t/unit/suite.h"

static const struct {
	const char *id, *title;
} checks[] = {
#define CHECK(id, needs, title) {#id, title},
#include "ctl/doctor/doctor.def"
#undef CHECK
};

START_TEST(the_page_has_the_table_of_checks)
{
	char row[200];
	struct str page, wanted;
	str_init(&page, 1 << 20);
	str_init(&wanted, 1 << 16);
	int fd = open(SOURCE_DIR "/doc/doctor.md", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fd_read_all(fd, &page), 0);
	fd_close(&fd);
	str_append_text(&wanted, "| check | looks at |\n|---|---|\n");
	for (size_t i = 0; i < CHECKS_COUNT; i++) {
		str_printf(&wanted, "| `%s` | %s |\n", checks[i].id, checks[i].title);
		snprintf(row, sizeof(row), "\n- `%s`: ", checks[i].id);
		ck_assert_msg(strstr(str_text(&page), row), "doc/doctor.md does not say why %s matters", checks[i].id);
	}
	str_append_c(&wanted, '\n');
	ck_assert_msg(strstr(str_text(&page), str_text(&wanted)), "the table in doc/doctor.md should be\n%s",
		      str_text(&wanted));
	str_free(&page);
	str_free(&wanted);
}
END_TEST

START_TEST(findings_come_back_as_they_were_written)
{
	const struct finding in[] = {
		{FINDING_ERROR, SPAN("mail.conf:3"), SPAN("it is broken"), SPAN("mend it")},
		{FINDING_NOTE, SPAN(""), SPAN("from DNS: \x1b[2J\n"), SPAN("")},
	};
	struct finding out;
	struct str text;
	str_init(&text, 1000);
	finding_append(&in[0], &text);
	finding_append(&in[1], &text);
	struct span rest = str_span(&text);
	ck_assert(finding_take(&rest, &out));
	ck_assert_int_eq(out.severity, FINDING_ERROR);
	ck_assert(span_equal(out.where, in[0].where) && span_equal(out.what, in[0].what) &&
		  span_equal(out.remedy, in[0].remedy));
	ck_assert(finding_take(&rest, &out));
	ck_assert_int_eq(out.severity, FINDING_NOTE);
	ck_assert(span_equal(out.what, SPAN("from DNS: \\x1b[2J\\x0a")));
	ck_assert(!finding_take(&rest, &out));
	rest = str_span(&text);
	rest.len -= 1; /* a check that was killed while it wrote */
	ck_assert(finding_take(&rest, &out) && !finding_take(&rest, &out));
	str_free(&text);
}
END_TEST

START_TEST(listeners_are_read_from_the_kernels_table)
{
	const struct span v4 = SPAN(
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
		"   0: 0100007F:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100\n"
		"   1: 0100007F:0019 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100\n"
		"   2: 00000000:0A0B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100\n"
		"   3: 0000:0A0B 00000000:0000 0A\n");
	const struct span v6 = SPAN(
		"   0: 00000000000000000000000001000000:0019 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 99 1 0 100\n"
		"   1: 00000000000000000000000000000000:0019 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 98 1 0 100\n");
	static struct process_listener all[PROCESS_LISTENERS_MAX];
	char text[IPADDR_TEXT_MAX];
	size_t n = 0;
	processes_parse_listeners(v4, all, &n);
	processes_parse_listeners(v6, all, &n);
	ck_assert_uint_eq(n, 4);
	ipaddr_format(&all[0].ip, text);
	ck_assert_str_eq(text, "127.0.0.1");
	ck_assert(all[0].port == 25 && all[0].inode == 4711 && !all[0].any);
	ck_assert(all[1].port == 0x0a0b && all[1].any);
	ipaddr_format(&all[2].ip, text);
	ck_assert_str_eq(text, "::1");
	ck_assert(!all[2].any && all[3].any && all[3].inode == 98);
}
END_TEST

START_TEST(gateways_are_read_from_the_kernels_routes)
{
	const struct span v4 =
		SPAN("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
		     "eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
		     "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
		     "tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n");
	const struct span v6 = SPAN(
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0\n"
		"20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0\n"
		"00000000000000000000000000000000 00 cut\n");
	struct ipaddr all[ROUTES_GATEWAYS_MAX];
	char text[IPADDR_TEXT_MAX];
	size_t n = 0;
	routes_parse(v4, false, all, &n);
	routes_parse(v6, true, all, &n);
	ck_assert_uint_eq(n, 2);
	ipaddr_format(&all[0], text);
	ck_assert_str_eq(text, "10.0.0.1");
	ipaddr_format(&all[1], text);
	ck_assert_str_eq(text, "fe80::1");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {the_page_has_the_table_of_checks, findings_come_back_as_they_were_written,
				      listeners_are_read_from_the_kernels_table,
				      gateways_are_read_from_the_kernels_routes};
	return run_tests("doctor", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
