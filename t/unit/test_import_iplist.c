#include <check.h>
#include <string.h>

#include "ctl/import/iplist.h"
#include "t/unit/suite.h"

/* Little-endian words of a list, and their number. */
struct words {
	uint32_t at[100];
	size_t n;
};

#define MARK           UINT32_C(0x80000000)
#define IP(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

static void add(struct words *w, uint32_t word)
{
	w->at[w->n++] = word;
}

/* A list with one group of addresses, granted or denied, as the scripts of administrators write it. */
static struct words one_group(bool grants, uint32_t mask, const uint32_t *addresses, uint32_t n)
{
	const uint32_t denied = 24, granted = grants ? 32 : 52;
	struct words w = {0};
	add(&w, MARK | denied);
	add(&w, MARK | granted);
	add(&w, MARK | 60);
	add(&w, MARK | 68);
	add(&w, 1);
	add(&w, 76);
	for (unsigned i = 0; i < 2; i++) {
		if ((i == 0) == grants) {
			add(&w, 0);
			add(&w, 0);
			continue;
		}
		add(&w, 1);
		add(&w, n);
		add(&w, 2);
		add(&w, n + 1);
		add(&w, 4);
		add(&w, 0);
		add(&w, MARK | 76);
	}
	for (unsigned i = 0; i < 4; i++)
		add(&w, 0);
	add(&w, mask);
	for (uint32_t i = 0; i < n; i++)
		add(&w, addresses[i]);
	return w;
}

static struct span span_of_words(const struct words *w)
{
	return (struct span){(const char *)w->at, w->n * 4};
}

START_TEST(the_published_sample)
{
	/* "Allow 127.0.0.1" */
	static const unsigned char octets[] = {24, 0, 0, 128, 32, 0,  0, 128, 60,  0,   0,   128, 68,  0, 0, 128, 1,
					       0,  0, 0, 76,  0,  0,  0, 0,   0,   0,   0,   0,   0,   0, 0, 1,   0,
					       0,  0, 1, 0,   0,  0,  2, 0,   0,   0,   2,   0,   0,   0, 4, 0,   0,
					       0,  0, 0, 0,   0,  76, 0, 0,   128, 0,   0,   0,   0,   0, 0, 0,   0,
					       0,  0, 0, 0,   0,  0,  0, 0,   255, 255, 255, 255, 127, 0, 0, 1};
	struct iplist list;
	iplist_read((struct span){(const char *)octets, sizeof(octets)}, &list);
	ck_assert_ptr_null(list.why);
	ck_assert(!list.grants_by_default && !list.names);
	ck_assert_uint_eq(list.count, 1);
	ck_assert(list.entries[0].grants);
	ck_assert_uint_eq(list.entries[0].address, 0x7f000001);
	ck_assert_uint_eq(list.entries[0].mask, UINT32_MAX);
	ck_assert_uint_eq(list.entries[0].at, 80);
	iplist_free(&list);
}
END_TEST

START_TEST(several_addresses_share_a_mask)
{
	const uint32_t addresses[] = {IP(10, 1, 0, 0), IP(10, 2, 0, 0), IP(192, 168, 0, 0)};
	struct words w = one_group(true, IP(255, 255, 0, 0), addresses, 3);
	struct iplist list;
	struct cidr net;
	iplist_read(span_of_words(&w), &list);
	ck_assert_ptr_null(list.why);
	ck_assert_uint_eq(list.count, 3);
	ck_assert_uint_eq(list.entries[2].address, 0xc0a80000);
	ck_assert(iplist_network(&list.entries[1], &net));
	ck_assert_uint_eq(net.bits, 96 + 16);
	ck_assert_uint_eq(net.base.octets[13], 2);
	iplist_free(&list);
}
END_TEST

START_TEST(denied_addresses)
{
	const uint32_t addresses[] = {IP(10, 1, 2, 3)};
	struct words w = one_group(false, UINT32_MAX, addresses, 1);
	struct iplist list;
	iplist_read(span_of_words(&w), &list);
	ck_assert_ptr_null(list.why);
	ck_assert(list.grants_by_default);
	ck_assert(!list.entries[0].grants);
	iplist_free(&list);
}
END_TEST

/* No client is granted anything: a group without addresses, or the one entry 0.0.0.0. Never all clients. */
START_TEST(no_client_granted)
{
	const uint32_t zero[] = {0};
	struct iplist list;
	for (uint32_t n = 0; n < 2; n++) {
		struct words w = one_group(true, UINT32_MAX, zero, n);
		iplist_read(span_of_words(&w), &list);
		ck_assert_ptr_null(list.why);
		ck_assert(!list.grants_by_default);
		ck_assert_uint_eq(list.count, 0);
		iplist_free(&list);
	}
}
END_TEST

START_TEST(an_empty_value_grants)
{
	struct iplist list;
	iplist_read(SPAN(""), &list);
	ck_assert_ptr_null(list.why);
	ck_assert(list.grants_by_default);
	ck_assert_uint_eq(list.count, 0);
	iplist_free(&list);
}
END_TEST

/* Each word changed in each of several ways: the list is unreadable, or grants no more clients than before. */
START_TEST(no_damage_grants_more)
{
	static const uint32_t values[] = {0,          1,         3, MARK, MARK | 4, MARK | 80, MARK | 0x7fffffff,
					  0x7fffffff, UINT32_MAX};
	const uint32_t addresses[] = {IP(10, 0, 0, 1), IP(10, 0, 0, 2)};
	const struct words good = one_group(true, UINT32_MAX, addresses, 2);
	for (size_t at = 0; at < 15; at++) {
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			struct words w = good;
			struct iplist list;
			w.at[at] = values[i];
			iplist_read(span_of_words(&w), &list);
			ck_assert_msg(!list.why || !list.count, "%zu %zu", at, i);
			ck_assert_msg(!list.grants_by_default || at == 8, "word %zu as %x grants", at, values[i]);
			iplist_free(&list);
		}
	}
}
END_TEST

START_TEST(cut_anywhere)
{
	const uint32_t addresses[] = {IP(10, 0, 0, 1)};
	struct words w = one_group(true, UINT32_MAX, addresses, 1);
	struct span whole = span_of_words(&w);
	for (size_t len = 1; len < whole.len; len++) {
		struct iplist list;
		iplist_read((struct span){whole.at, len}, &list);
		ck_assert_msg(list.why != NULL, "%zu", len);
		ck_assert(!list.grants_by_default && !list.count);
		iplist_free(&list);
	}
}
END_TEST

START_TEST(grants_and_denies)
{
	const uint32_t addresses[] = {IP(10, 0, 0, 1)};
	struct words w = one_group(true, UINT32_MAX, addresses, 1);
	struct iplist list;
	w.at[0] = MARK | 32; /* the same list twice */
	iplist_read(span_of_words(&w), &list);
	ck_assert_ptr_nonnull(strstr(list.why, "both"));
	iplist_free(&list);
}
END_TEST

START_TEST(names_are_guessed_not_read)
{
	static const char names[36] = "\0*.branch.example.com\0\0h\0o\0s\0t\0.\0a\0";
	const uint32_t addresses[] = {IP(10, 0, 0, 1)};
	struct words w = one_group(true, UINT32_MAX, addresses, 1);
	struct iplist list;
	w.at[17] = 1; /* granted names */
	memcpy(&w.at[w.n], names, sizeof(names));
	w.n += sizeof(names) / 4;
	iplist_read(span_of_words(&w), &list);
	ck_assert_ptr_null(list.why);
	ck_assert(list.names && !list.grants_by_default);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_uint_eq(list.guess_count, 2);
	ck_assert_str_eq(list.guesses[0], "*.branch.example.com");
	ck_assert_str_eq(list.guesses[1], "host.a");
	iplist_free(&list);
}
END_TEST

START_TEST(networks)
{
	static const struct {
		uint32_t address, mask;
		bool exact;
		unsigned bits;
	} cases[] = {
		{0x0a000000, 0xff000000, true, 8},   {0x0a010203, 0xffffffff, true, 32}, {0, 0, true, 0},
		{0x0a010203, 0xffffff00, false, 24}, /* host bits */
		{0x0a000100, 0xff00ff00, false, 8},  /* a gap */
		{0x01000000, 0x00ffffff, false, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct iplist_entry entry = {true, cases[i].address, cases[i].mask, 0};
		struct cidr net;
		ck_assert_msg(iplist_network(&entry, &net) == cases[i].exact, "%zu", i);
		ck_assert_uint_eq(net.bits, 96 + cases[i].bits);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {the_published_sample,
				      several_addresses_share_a_mask,
				      denied_addresses,
				      no_client_granted,
				      an_empty_value_grants,
				      no_damage_grants_more,
				      cut_anywhere,
				      grants_and_denies,
				      names_are_guessed_not_read,
				      networks};
	return run_tests("import_iplist", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
