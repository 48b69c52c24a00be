#include "common/ipc/hosts.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct ipaddr ip_of(const char *text)
{
	struct ipaddr ip;
	ck_assert_msg(ipaddr_parse(span_of(text), &ip), "%s", text);
	return ip;
}

static void append(struct str *list, struct span name, const struct ipaddr *ip, uint16_t port)
{
	hosts_append(list, &(struct host){.name = name, .ip = *ip, .port = port});
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
		append(&list, span_of(hosts[i].name), &ip, hosts[i].port);
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

/* The longest list with the longest names does not fit into a packet as a whole: HOSTS_MAX is for usual names. */
START_TEST(longest_name)
{
	char name[HOST_NAME_MAX_OCTETS + 1];
	struct ipaddr ip = ip_of("1111:2222:3333:4444:5555:6666:7777:8888");
	struct str list;
	struct host host;
	memset(name, 'x', sizeof(name));
	str_init(&list, 4096);
	append(&list, (struct span){name, HOST_NAME_MAX_OCTETS}, &ip, 65535);
	ck_assert(!list.failed);
	struct span text = str_span(&list);
	ck_assert_int_eq(hosts_next(&text, &host), 1);
	ck_assert_uint_eq(host.name.len, HOST_NAME_MAX_OCTETS);
	size_t len = list.len;
	append(&list, (struct span){name, HOST_NAME_MAX_OCTETS + 1}, &ip, 65535);
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
	append(&list, unfit[_i].name, &ip, unfit[_i].port);
	ck_assert(list.failed);
	ck_assert_uint_eq(list.len, 0);
	str_free(&list);
}
END_TEST

#define DIGEST "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/* The DANE requirements survive the way unchanged. */
START_TEST(dane_round_trip)
{
	static const struct span lines[] = {
		SPAN("mx 192.0.2.1 25 later\n"),
		SPAN("mx ::1 25 encrypt\n"),
		SPAN("mx 192.0.2.1 25 match mx.example 311" DIGEST "\n"),
		SPAN("mx 192.0.2.1 25 match mx.example,example,other.example 201" DIGEST ",202" DIGEST DIGEST "\n"),
	};
	static const enum host_dane dane[] = {HOST_DANE_LATER, HOST_DANE_ENCRYPT, HOST_DANE_MATCH, HOST_DANE_MATCH};
	struct span text = lines[_i];
	struct host host;
	struct str again;
	const struct span line = text;
	ck_assert_int_eq(hosts_next(&text, &host), 1);
	ck_assert_uint_eq(text.len, 0);
	ck_assert_int_eq(host.dane, dane[_i]);
	str_init(&again, 4096);
	hosts_append(&again, &host);
	ck_assert(span_equal(str_span(&again), line));
	str_free(&again);
}
END_TEST

/* The largest number of records, with the longest digests and names; and one record more. */
START_TEST(longest_line)
{
	char names[HOST_NAMES_MAX + 1];
	struct host host = {.name = SPAN("mx"), .ip = ip_of("192.0.2.1"), .port = 25, .dane = HOST_DANE_MATCH};
	struct tlsa record = {TLSA_AUTHORITY, TLSA_KEY, TLSA_SHA512, {1}};
	struct str list, records;
	struct host read;
	memset(names, 'n', sizeof(names));
	str_init(&list, 65536);
	str_init(&records, 65536);
	for (int i = 0; i < TLSA_MAX; i++)
		tlsa_append(&records, &record);
	host.names = (struct span){names, HOST_NAMES_MAX};
	host.records = str_span(&records);
	hosts_append(&list, &host);
	ck_assert(!list.failed);
	struct span text = str_span(&list);
	ck_assert_int_eq(hosts_next(&text, &read), 1);
	ck_assert(span_equal(read.records, host.records) && span_equal(read.names, host.names));
	host.names.len++;
	hosts_append(&list, &host);
	ck_assert(list.failed);
	list.failed = false;
	host.names.len--;
	tlsa_append(&records, &record);
	host.records = str_span(&records);
	hosts_append(&list, &host);
	ck_assert(list.failed);
	str_free(&records);
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
	SPAN("mx 192.0.2.1 25 later \n"),
	SPAN("mx 192.0.2.1 25 later x\n"),
	SPAN("mx 192.0.2.1 25 encrypt 311" DIGEST "\n"),
	SPAN("mx 192.0.2.1 25 match\n"),
	SPAN("mx 192.0.2.1 25 match mx\n"),
	SPAN("mx 192.0.2.1 25 match mx \n"),
	SPAN("mx 192.0.2.1 25 match  311" DIGEST "\n"),
	SPAN("mx 192.0.2.1 25 match mx 111" DIGEST "\n"),
	SPAN("mx 192.0.2.1 25 match mx 310" DIGEST "\n"),
	SPAN("mx 192.0.2.1 25 match mx 321" DIGEST "\n"),
	SPAN("mx 192.0.2.1 25 match mx 312" DIGEST "\n"),
	SPAN("mx 192.0.2.1 25 match mx 311" DIGEST ",\n"),
	SPAN("mx 192.0.2.1 25 match mx 311" DIGEST ",,311" DIGEST "\n"),
	SPAN("mx 192.0.2.1 25 match mx 311" DIGEST "0\n"),
	SPAN("mx 192.0.2.1 25 match mx 311" DIGEST " x\n"),
	SPAN("mx 192.0.2.1 25 match m\tx 311" DIGEST "\n"),
	SPAN("mx 192.0.2.1 25 match mx 311E" DIGEST "\n"),
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
	tcase_add_loop_test(all, dane_round_trip, 0, 4);
	tcase_add_test(all, longest_line);
	tcase_add_loop_test(all, unfit_host, 0, sizeof(unfit) / sizeof(unfit[0]));
	tcase_add_loop_test(all, wrong_line, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(all, wrong_line_after_good_one);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
