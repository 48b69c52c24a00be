#include "common/recipients/recipient_map.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/mail/address.h"
#include "t/unit/suite.h"

struct parsed {
	struct recipient_map_size size;
	struct recipient_map *map;
	struct str trouble;
};

static struct parsed parse(struct span text)
{
	struct parsed p;
	const char *why;
	str_init(&p.trouble, 64 << 10);
	ck_assert_msg(recipient_map_measure(text, &p.size, &p.trouble, &why), "%s", why);
	void *memory = malloc(p.size.octets);
	memset(memory, 0x5a, p.size.octets);
	p.map = recipient_map_parse(text, &p.size, memory, &p.trouble);
	ck_assert_uint_le(recipient_map_octets(p.map), p.size.octets);
	return p;
}

static void release(struct parsed *p)
{
	free(p->map);
	str_free(&p->trouble);
}

/* "-" = unknown, "LINE" = known, "LINE: target target". */
static void ck_find(const struct parsed *p, bool tags, const char *address, const char *expected)
{
	struct recipient_finding found;
	struct address rcpt;
	struct span target;
	const char *why;
	struct str text;
	str_init(&text, 4096);
	ck_assert_msg(address_parse(span_of(address), &rcpt, &why), "%s", why);
	recipient_map_find(p->map, rcpt.local, rcpt.domain, tags, &found);
	if (found.answer == RECIPIENT_UNKNOWN)
		str_append_c(&text, '-');
	else
		str_printf(&text, "%u%s", found.line, found.answer == RECIPIENT_LEADS ? ":" : "");
	ck_assert((found.targets > 0) == (found.answer == RECIPIENT_LEADS));
	while (recipient_map_target(&found, &target))
		str_printf(&text, " %.*s", SPAN_ARGS(target));
	ck_assert_msg(strcmp(str_text(&text), expected) == 0, "%s: %s", address, str_text(&text));
	str_free(&text);
}

static void ck_one(const char *text, const char *address, const char *expected)
{
	struct parsed p = parse(span_of(text));
	ck_assert_str_eq(str_text(&p.trouble), "");
	ck_find(&p, false, address, expected);
	release(&p);
}

START_TEST(entries_are_found)
{
	ck_one("bob\n", "bob@example.com", "1");
	ck_one("bob\n", "bob", "1");
	ck_one("bob\n", "bo@example.com", "-");
	ck_one("bob\n", "bobb@example.com", "-");
	ck_one("ann@example.com\n", "ann@example.com", "1");
	ck_one("ann@example.com\n", "ann@example.org", "-");
	ck_one("ann@example.com\n", "ann", "-");
	ck_one("@example.com\n", "ann@example.com", "1");
	ck_one("@example.com\n", "ann@sub.example.com", "-");
	ck_one("*@example.com\n", "ann@example.com", "1");
	ck_one("*\n", "ann@example.com", "1");
	ck_one("*\n", "\"\"@example.com", "1");
	ck_one("bob@[192.0.2.1]\n", "bob@[192.0.2.1]", "1");
	ck_one("@[IPv6:2001:db8::1]\n", "bob@[IPv6:2001:db8::1]", "1");
}
END_TEST

START_TEST(case_and_quotes_do_not_matter)
{
	ck_one("Bob.Builder@EXAMPLE.com\n", "bOB.builder@Example.COM", "1");
	ck_one("BOB\n", "bob@example.com", "1");
	ck_one("\"bob\"@example.com\n", "bob@example.com", "1");
	ck_one("bob@example.com\n", "\"b\\ob\"@example.com", "1");
	ck_one("\"two words\"@example.com\n", "\"Two Words\"@example.com", "1");
	ck_one("\"a:b\"@example.com: bob\n", "\"a:b\"@example.com", "1: bob");
	ck_one("\"a@b\"\n", "a@b", "-"); /* the local part a@b, not a of domain b */
}
END_TEST

START_TEST(layout)
{
	ck_one("\xef\xbb\xbf# all of us\r\n\r\n  bob \t\r\n", "bob@example.com", "3");
	ck_one("#bob\n", "bob@example.com", "-");
	ck_one("ann\nbob", "bob@example.com", "2"); /* Notepad writes no last line end */
	ck_one("bob@example.com.\n", "bob@example.com", "1");
	ck_one("", "bob@example.com", "-");
}
END_TEST

START_TEST(entries_lead_elsewhere)
{
	ck_one("sales: ann@example.com bob@partner.example\n", "sales@example.com",
	       "1: ann@example.com bob@partner.example");
	ck_one("sales :ann,\tBob@Partner.example ,carl\n", "SALES@example.com", "1: ann Bob@Partner.example carl");
	ck_one("old@example.com:\"a, b\"@example.com ann@[IPv6:2001:db8::1]\n", "old@example.com",
	       "1: \"a, b\"@example.com ann@[IPv6:2001:db8::1]");
	ck_one("@example.com: all@example.org\n", "x@example.com", "1: all@example.org");
	ck_one("*: all@example.org\n", "x@example.com", "1: all@example.org");
}
END_TEST

START_TEST(most_specific_entry_counts)
{
	struct parsed p = parse(SPAN("*: l1\n@example.com: l2\nbob: l3\nbob@example.com: l4\nbob+x: l5\n"
				     "bob+x@example.com: l6\n"));
	ck_find(&p, true, "bob+x@example.com", "6: l6");
	ck_find(&p, true, "bob+y@example.com", "4: l4");
	ck_find(&p, true, "bob+x@example.org", "5: l5");
	ck_find(&p, true, "bob+y+x@example.org", "3: l3");
	ck_find(&p, true, "bob@example.org", "3: l3");
	ck_find(&p, false, "bob+y@example.com", "2: l2");
	ck_find(&p, true, "ann+x@example.com", "2: l2");
	ck_find(&p, true, "ann@example.org", "1: l1");
	release(&p);
}
END_TEST

START_TEST(tags)
{
	struct parsed p = parse(SPAN("bob\n+ann\n"));
	ck_find(&p, true, "bob+lists@example.com", "1");
	ck_find(&p, true, "BOB+@example.com", "1");
	ck_find(&p, true, "\"bob+a b\"@example.com", "1");
	ck_find(&p, false, "bob+lists@example.com", "-");
	ck_find(&p, true, "+bob@example.com", "-");
	ck_find(&p, true, "+ann@example.com", "2");
	ck_find(&p, true, "+ann+x@example.com", "2");
	ck_find(&p, true, "\"\"@example.com", "-");
	release(&p);
}
END_TEST

static const struct {
	const char *line, *fault;
} wrong[] = {
	{"bob ann", "there is text after the address; a colon is missing if it leads elsewhere"},
	{"bob, ann", "the local part has a character that needs quotes"},
	{"bob@@example.com", "the domain is missing"},
	{"smtp bob", "there is text after the address; a colon is missing if it leads elsewhere"},
	{"sales:", "there is no address behind the colon"},
	{"sales: , ", "there is no address behind the colon"},
	{": bob", "there is no address before the colon"},
	{"sales: \"|/usr/bin/vacation\"", NULL},
	{"sales: |/usr/bin/vacation", NULL},
	{"sales: bob@", "an address behind the colon is invalid"},
	{"sales: @example.com", "an address behind the colon is invalid"},
	{"@", "there is no domain after '@'"},
	{"@exa mple.com", "there is text after the address; a colon is missing if it leads elsewhere"},
	{"\"\"@example.com", "the local part is empty"},
	{"\"\"", "the local part is empty"},
	{"\"bob", "the quoted local part does not end"},
};

START_TEST(wrong_lines_are_left_out)
{
	char text[200], expected[200];
	snprintf(text, sizeof(text), "ann\n%s\nbob\n", wrong[_i].line);
	struct parsed p = parse(span_of(text));
	if (wrong[_i].fault) {
		snprintf(expected, sizeof(expected), "line 2: %s\n", wrong[_i].fault);
		ck_assert_str_eq(str_text(&p.trouble), expected);
	}
	ck_assert_uint_eq(p.size.faults, wrong[_i].fault != NULL);
	ck_assert_uint_eq(p.size.entries, wrong[_i].fault ? 2 : 3);
	ck_assert_uint_eq(recipient_map_entries(p.map), p.size.entries);
	ck_find(&p, false, "ann@example.com", "1");
	ck_find(&p, false, "bob@example.com", "3");
	release(&p);
}
END_TEST

START_TEST(repeated_entries)
{
	struct parsed p = parse(SPAN("bob\nBOB\nsales: ann\nann\nsales: bob\nbob: ann\n"));
	ck_assert_str_eq(str_text(&p.trouble), "line 5: line 3 has the same address already\n"
					       "line 6: line 1 has the same address already\n");
	ck_assert_uint_eq(p.size.entries, 6);
	ck_assert_uint_eq(recipient_map_entries(p.map), 3);
	ck_find(&p, false, "sales@example.com", "3: ann");
	ck_find(&p, false, "bob@example.com", "1");
	release(&p);
}
END_TEST

static void ck_no_file(struct span text, const char *expected)
{
	struct recipient_map_size size;
	struct str trouble;
	const char *why;
	str_init(&trouble, 4096);
	ck_assert(!recipient_map_measure(text, &size, &trouble, &why));
	ck_assert_str_eq(why, expected);
	str_free(&trouble);
}

START_TEST(texts_that_are_no_such_file)
{
	struct str text;
	ck_no_file(SPAN("\xff\xfe"
			"b\0o\0b\0\n\0"),
		   "it holds a NUL; save it as plain text in UTF-8");
	str_init(&text, RECIPIENT_MAP_TEXT_MAX);
	for (unsigned i = 0; i <= RECIPIENT_MAP_ENTRIES_MAX; i++)
		str_append(&text, SPAN("b\n"));
	ck_no_file(str_span(&text), "it has more than 1000000 lines");
	str_free(&text);
}
END_TEST

static void ck_many_targets(unsigned n, const char *trouble)
{
	struct str text;
	str_init(&text, RECIPIENT_MAP_LINE_MAX * 2);
	str_append(&text, SPAN("all:"));
	for (unsigned i = 0; i < n; i++)
		str_append(&text, SPAN(" bob"));
	struct parsed p = parse(str_span(&text));
	ck_assert_str_eq(str_text(&p.trouble), trouble);
	release(&p);
	str_free(&text);
}

START_TEST(bounds_of_a_line)
{
	ck_many_targets(RECIPIENT_MAP_TARGETS_MAX, "");
	ck_many_targets(RECIPIENT_MAP_TARGETS_MAX + 1, "line 1: it leads to more than 1000 addresses\n");
	ck_many_targets(RECIPIENT_MAP_LINE_MAX / 4, "line 1: it is longer than 65536 octets\n");
}
END_TEST

START_TEST(million)
{
	struct str text;
	char address[64];
	struct recipient_finding found;
	str_init(&text, RECIPIENT_MAP_TEXT_MAX);
	for (unsigned i = 0; i < RECIPIENT_MAP_ENTRIES_MAX; i++)
		str_printf(&text, "first%u.last%u@example.com\n", i, i % 997);
	int64_t begun = clock_mono_ms();
	struct parsed p = parse(str_span(&text));
	int64_t read = clock_mono_ms();
	for (unsigned i = 0; i < RECIPIENT_MAP_ENTRIES_MAX; i++) {
		unsigned n = (unsigned)(i * UINT64_C(2654435761) % RECIPIENT_MAP_ENTRIES_MAX);
		snprintf(address, sizeof(address), "First%u.last%u", n, n % 997);
		recipient_map_find(p.map, span_of(address), SPAN("EXAMPLE.com"), true, &found);
		ck_assert_uint_eq(found.line, n + 1);
	}
	int64_t known = clock_mono_ms();
	for (unsigned i = 0; i < RECIPIENT_MAP_ENTRIES_MAX; i++) {
		snprintf(address, sizeof(address), "nobody%u+x", i);
		recipient_map_find(p.map, span_of(address), SPAN("example.com"), true, &found);
		ck_assert_uint_eq(found.line, 0);
	}
	int64_t end = clock_mono_ms();
	printf("1000000 lines, %zu octets: parsed in %lld ms into %zu octets; a look-up takes %lld ns, of an unknown one %lld ns\n",
	       text.len, (long long)(read - begun), recipient_map_octets(p.map), (long long)(known - read),
	       (long long)(end - known));
	release(&p);
	str_free(&text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("recipient_map");
	TCase *tests = tcase_create("recipient_map");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, entries_are_found);
	tcase_add_test(tests, case_and_quotes_do_not_matter);
	tcase_add_test(tests, layout);
	tcase_add_test(tests, entries_lead_elsewhere);
	tcase_add_test(tests, most_specific_entry_counts);
	tcase_add_test(tests, tags);
	tcase_add_loop_test(tests, wrong_lines_are_left_out, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tests, repeated_entries);
	tcase_add_test(tests, texts_that_are_no_such_file);
	tcase_add_test(tests, bounds_of_a_line);
	tcase_add_test(tests, million);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
