/* MX records and their order. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "t/unit/lookup_fixture.h"
#include "t/unit/suite.h"

START_TEST(reads_records)
{
	struct mx_list list = {0};
	ck_assert(mx_add(&list, MX("\x00\x0a", "\x02mx\x07"
					       "example\x03net")));
	ck_assert_str_eq(list.hosts[0].name, "mx.example.net");
	ck_assert_uint_eq(list.hosts[0].preference, 10);
	ck_assert(mx_add(&list, MX("\xff\xff", "\x03mx2")));
	ck_assert_uint_eq(list.hosts[1].preference, 65535);
	/* The same host again: the better preference counts. */
	ck_assert(mx_add(&list, MX("\x00\x05", "\x02MX\x07"
					       "example\x03net")));
	ck_assert(mx_add(&list, MX("\x00\x07", "\x02MX\x07"
					       "example\x03net")));
	ck_assert_uint_eq(list.n, 2);
	ck_assert_uint_eq(list.hosts[0].preference, 5);
	ck_assert(!list.null_mx);
	ck_assert(mx_add(&list, NULL_MX));
	ck_assert(list.null_mx);
	ck_assert_uint_eq(list.n, 2);
}
END_TEST

START_TEST(refuses_nonsense)
{
	static const struct span bad[] = {
		{"", 0},
		{"\0", 1},
		{"\0\0", 2},
		{"\0\0\x02mx", 5},    /* no root label */
		{"\0\0\x05mx\0", 6},  /* label beyond the end */
		{"\0\0\xc0\x0c", 4},  /* compressed */
		{"\0\0\x02mx\0x", 7}, /* something after it */
		{"\0\0\x03"
		 "a.b\0",
		 7}, /* a dot within a label */
		{"\0\0\x03"
		 "a b\0",
		 7}, /* not the name of a host */
		{"\0\0\x03"
		 "a\0b\0",
		 7},
		{"\0\0\x02"
		 "a\n\0",
		 6},
	};
	struct mx_list list = {0};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!mx_add(&list, bad[i]), "%zu", i);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

/* A name of 255 octets in wire form is accepted, a longer one is refused. */
START_TEST(longest_name)
{
	char rdata[2 + 300] = {0};
	size_t at = 2;
	struct mx_list list = {0};
	for (int label = 0; label < 3; label++) {
		rdata[at++] = 63;
		memset(rdata + at, 'a', 63);
		at += 63;
	}
	rdata[at] = 61;
	memset(rdata + at + 1, 'b', 62);
	rdata[at + 62] = 0;
	ck_assert(mx_add(&list, (struct span){rdata, at + 63}));
	ck_assert_uint_eq(strlen(list.hosts[0].name), 253);
	rdata[at] = 62;
	rdata[at + 62] = 'b';
	rdata[at + 63] = 0;
	ck_assert(!mx_add(&list, (struct span){rdata, at + 64}));
}
END_TEST

static void add(struct mx_list *list, unsigned preference, unsigned number)
{
	char rdata[16];
	int len = snprintf(rdata + 2, sizeof(rdata) - 2, "%ch%04u", 5, number);
	rdata[0] = (char)(preference >> 8);
	rdata[1] = (char)preference;
	ck_assert(mx_add(list, (struct span){rdata, (size_t)len + 3}));
}

START_TEST(keeps_the_most_preferred)
{
	struct mx_list list = {0};
	for (unsigned i = 0; i < 200; i++)
		add(&list, 200 - i, i);
	ck_assert_uint_eq(list.n, MX_MAX);
	mx_sort(&list, 1);
	for (unsigned i = 0; i < MX_MAX; i++)
		ck_assert_uint_eq(list.hosts[i].preference, i + 1);
}
END_TEST

/* The order of hosts with the same preference depends on the seed; the order of others does not. */
START_TEST(order)
{
	unsigned first[4] = {0};
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct mx_list list = {0};
		add(&list, 20, 3);
		add(&list, 10, 0);
		add(&list, 10, 1);
		add(&list, 10, 2);
		mx_sort(&list, seed * 7919);
		ck_assert_str_eq(list.hosts[3].name, "h0003");
		first[list.hosts[0].name[4] - '0']++;
	}
	for (int i = 0; i < 3; i++)
		ck_assert_uint_gt(first[i], 50);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {reads_records, refuses_nonsense, longest_name, keeps_the_most_preferred, order};
	return run_tests("resolver_mx", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
