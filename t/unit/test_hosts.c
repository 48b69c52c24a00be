#include "common/host/hosts.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct ipaddr ip_of(const char *text)
{
	struct ipaddr ip;
	ck_assert_msg(ipaddr_parse(span_of(text), &ip), "%s", text);
	return ip;
}

static const struct {
	const char *name;
	const char *ip;
	uint16_t port;
	const char *line;
} hosts[] = {
	{"mx.example.net", "192.0.2.1", 25, "mx.example.net 192.0.2.1 25\n"},
	{"a", "2001:db8::1", 1, "a 2001:db8::1 1\n"},
	{"[192.0.2.1]", "192.0.2.1", 65535, "[192.0.2.1] 192.0.2.1 65535\n"},
	{"mapped.example", "::ffff:192.0.2.1", 587, "mapped.example 192.0.2.1 587\n"},
};
enum { HOSTS = sizeof(hosts) / sizeof(hosts[0]) };

START_TEST(list_round_trip)
{
	struct str list;
	struct host host;
	str_init(&list, 4096);
	for (size_t i = 0; i < HOSTS; i++) {
		struct ipaddr ip = ip_of(hosts[i].ip);
		size_t before = list.len;
		hosts_append(&list, span_of(hosts[i].name), &ip, hosts[i].port);
		ck_assert_str_eq(str_text(&list) + before, hosts[i].line);
	}
	struct span text = str_span(&list);
	for (size_t i = 0; i < HOSTS; i++) {
		struct ipaddr ip = ip_of(hosts[i].ip);
		ck_assert_int_eq(hosts_next(&text, &host), 1);
		ck_assert(span_equal(host.name, span_of(hosts[i].name)));
		ck_assert(ipaddr_equal(&host.ip, &ip));
		ck_assert_uint_eq(host.port, hosts[i].port);
	}
	ck_assert_int_eq(hosts_next(&text, &host), 0);
	str_free(&list);
}
END_TEST

/* The longest list of the longest hosts fits the packets that carry it only in part: HOSTS_MAX is for usual names. */
START_TEST(longest_name)
{
	char name[HOST_NAME_MAX_OCTETS + 1];
	struct ipaddr ip = ip_of("1111:2222:3333:4444:5555:6666:7777:8888");
	struct str list;
	struct host host;
	memset(name, 'x', sizeof(name));
	str_init(&list, 4096);
	hosts_append(&list, (struct span){name, HOST_NAME_MAX_OCTETS}, &ip, 65535);
	ck_assert(!list.failed);
	struct span text = str_span(&list);
	ck_assert_int_eq(hosts_next(&text, &host), 1);
	ck_assert_uint_eq(host.name.len, HOST_NAME_MAX_OCTETS);
	size_t len = list.len;
	hosts_append(&list, (struct span){name, HOST_NAME_MAX_OCTETS + 1}, &ip, 65535);
	ck_assert(list.failed);
	ck_assert_uint_eq(list.len, len);
	str_free(&list);
}
END_TEST

static const struct {
	struct span name;
	uint16_t port;
} unfit[] = {
	{SPAN(""), 25},    {SPAN("a b"), 25},   {SPAN("a\n"), 25},  {SPAN("a\0b"), 25},
	{SPAN("a\t"), 25}, {SPAN("a\x7f"), 25}, {SPAN("\xe3"), 25}, {SPAN("a"), 0},
};

START_TEST(unfit_host)
{
	struct ipaddr ip = ip_of("192.0.2.1");
	struct str list;
	str_init(&list, 4096);
	hosts_append(&list, unfit[_i].name, &ip, unfit[_i].port);
	ck_assert(list.failed);
	ck_assert_uint_eq(list.len, 0);
	str_free(&list);
}
END_TEST

static const struct span wrong[] = {
	SPAN("mx 192.0.2.1 25"),
	SPAN("mx 192.0.2.1 25\r\n"),
	SPAN("\n"),
	SPAN("mx\n"),
	SPAN("mx 192.0.2.1\n"),
	SPAN("mx  192.0.2.1 25\n"),
	SPAN(" 192.0.2.1 25\n"),
	SPAN("mx 192.0.2.1 25 \n"),
	SPAN("mx 192.0.2.1 0\n"),
	SPAN("mx 192.0.2.1 65536\n"),
	SPAN("mx 192.0.2.1 025\n"),
	SPAN("mx 192.0.2.1 -1\n"),
	SPAN("mx 192.0.2.1 \n"),
	SPAN("mx 192.0.2.256 25\n"),
	SPAN("mx 2001:DB8::1 25\n"),
	SPAN("mx 2001:db8:0::1 25\n"),
	SPAN("mx ::ffff:1.2.3.4 25\n"),
	SPAN("m\0x 192.0.2.1 25\n"),
	SPAN("m\tx 192.0.2.1 25\n"),
	SPAN("mx example.net 25\n"),
	SPAN("mx 192.0.2.1 25 x\n"),
};

START_TEST(wrong_line)
{
	struct span text = wrong[_i];
	struct host host;
	ck_assert_int_eq(hosts_next(&text, &host), -1);
	ck_assert(text.at == wrong[_i].at && text.len == wrong[_i].len);
}
END_TEST

START_TEST(wrong_line_after_good_one)
{
	struct span text = SPAN("a 192.0.2.1 25\nb 192.0.2.2 x\n");
	struct host host;
	ck_assert_int_eq(hosts_next(&text, &host), 1);
	ck_assert_int_eq(hosts_next(&text, &host), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hosts");
	TCase *all = tcase_create("hosts");
	tcase_add_test(all, list_round_trip);
	tcase_add_test(all, longest_name);
	tcase_add_loop_test(all, unfit_host, 0, sizeof(unfit) / sizeof(unfit[0]));
	tcase_add_loop_test(all, wrong_line, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(all, wrong_line_after_good_one);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
