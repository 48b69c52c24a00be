/* The members of aliases: for chosen files, and for random ones, where a simple search finds the members, too. */
#include "common/recipients/alias.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log_level.h"
#include "smtpd/policy/rcpt_reply.h"
#include "t/unit/config_fixture.h"
#include "t/unit/known_fixture.h"
#include "t/unit/suite.h"

static struct known known;
static struct alias alias;
static const struct config_server *server;

static void setup(void)
{
	log_set_level(LOG_LEVEL_ERROR - 1);
	known = (struct known){0};
	build(SERVER("listen *:25\nlocal_domain example.com { recipients /list }\n"
		     "alias_domain example.org\ndefault_domain example.com\n"
		     "remote_domain branch.test { recipients /branch }\n"
		     "remote_domain lost.test { recipients /lost }"));
	ck_assert_msg(!report.errors, "%s", str_text(&report.text));
	server = &config.servers[0];
}

static void teardown(void)
{
	known_free(&known);
	done();
}

static void list(const char *file, struct span text)
{
	force_list(&known, file, text);
}

static struct address parse(const char *text)
{
	struct address address;
	const char *why = "";
	ck_assert_msg(address_parse(span_of(text), &address, &why), "%s: %s", text, why);
	return address;
}

/* The members of TEXT, separated by blanks, or the fault with its line. */
static const char *members(const char *text)
{
	static char said[4096];
	struct str to;
	const struct address rcpt = parse(text);
	str_init(&to, sizeof(said));
	enum alias_result result = alias_expand(server, known_lists(&known), &rcpt, &alias);
	if (result != ALIAS_EXPANDED)
		str_printf(&to, "%s:%u %s", alias.fault.file, alias.fault.line, alias_fault(result));
	for (const struct alias_address *m = alias_member(&alias, NULL); m && !*alias_fault(result);
	     m = alias_member(&alias, m))
		str_printf(&to, "%s%.*s", to.len ? " " : "", SPAN_ARGS(m->address.text));
	snprintf(said, sizeof(said), "%s", str_text(&to));
	str_free(&to);
	alias_free(&alias);
	return said;
}

/* What some aliases of a list lead to. */
static void ck_members(const char *const (*cases)[2], size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(strcmp(members(cases[i][0]), cases[i][1]) == 0, "%s: %s", cases[i][0],
			      members(cases[i][0]));
}

START_TEST(members_of_members)
{
	static const char *const cases[][2] = {
		{"sales@example.com", "ann@example.com Bob@partner.example bob@example.com"},
		{"sales@EXAMPLE.com", "ann@EXAMPLE.com Bob@partner.example bob@EXAMPLE.com"},
		{"postmaster@example.com", "admin@example.net"},
		{"ann2@example.com", "ann2@example.com archive@example.net"},
		{"far@example.com", "y@branch.test ann@example.com"},
		{"x@branch.test", "y@branch.test ann@example.com"},
		{"gone@example.com", "nobody@example.com"},
	};
	list("/list", SPAN("ann\nbob\n"
			   "sales: ann Bob@partner.example, SALES-EU\n"
			   "sales-eu: bob ann@example.com bob@PARTNER.example ann@example.org\n"
			   "postmaster: admin@example.net\n"
			   "ann2: ann2 archive@example.net\n"
			   "@old.example.com: ann\n"
			   "far: x@branch.test\n"
			   "gone: nobody@example.com\n"));
	list("/branch", SPAN("x: y ann@example.com\ny\n"));
	ck_members(cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

START_TEST(loops_end)
{
	static const char *const cases[][2] = {
		{"one@example.com", "/list:1 leads only back to itself"},
		{"three@example.com", "/list:3 leads only back to itself"},
		{"self@example.com", "self@example.com"},
		{"her@example.com", "her@example.com"},
		{"him@example.com", "her@example.com"},
		{"out@example.com", "x@example.net"},
		{"anybody@example.com", "catchall@example.com"},
		{"catchall@example.com", "catchall@example.com"},
	};
	list("/list", SPAN("one: two\ntwo: three\nthree: one\n"
			   "self: self\nher: her him\nhim: her\n"
			   "out: one x@example.net\n"
			   "*: catchall\n"));
	ck_members(cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

START_TEST(depth_is_bounded)
{
	struct str text;
	str_init(&text, 1 << 16);
	for (unsigned i = 0; i < 20; i++)
		str_printf(&text, "a%u: a%u\n", i, i + 1);
	str_append_text(&text, "a20\n");
	list("/list", str_span(&text));
	ck_assert_str_eq(members("a10@example.com"), "a20@example.com");
	ck_assert_str_eq(members("a9@example.com"), "/list:20 leads over more than 10 aliases behind one another");
	str_free(&text);
}
END_TEST

/* NUMBER aliases g0 ... of 100 members each, and "all" which leads to them and to MORE. */
static void make_groups(unsigned number, const char *more)
{
	struct str text;
	str_init(&text, 1 << 20);
	str_append_text(&text, "all:");
	for (unsigned g = 0; g < number; g++)
		str_printf(&text, " g%u", g);
	str_printf(&text, " %s\n", more);
	for (unsigned g = 0; g < number; g++) {
		str_printf(&text, "g%u:", g);
		for (unsigned i = 0; i < 100; i++)
			str_printf(&text, " m%u@example.net", g * 100 + i);
		str_append_text(&text, "\n");
	}
	list("/list", str_span(&text));
	str_free(&text);
}

START_TEST(members_are_bounded)
{
	const struct address rcpt = parse("all@example.com");
	make_groups(9, "x1 x2 x3");
	ck_assert_int_eq(alias_expand(server, known_lists(&known), &rcpt, &alias), ALIAS_EXPANDED);
	ck_assert_uint_eq(alias.members, 903);
	alias_free(&alias);
	make_groups(10, "");
	ck_assert_str_eq(members("all@example.com"), "/list:11 leads to more than 1000 addresses");
}
END_TEST

/* However often aliases name the same addresses, these take memory once. */
START_TEST(members_that_many_aliases_share)
{
	enum { GROUPS = 90, SHARED = 900 };
	struct str text;
	str_init(&text, 8 << 20);
	str_append_text(&text, "all:");
	for (unsigned g = 0; g < GROUPS; g++)
		str_printf(&text, " g%u", g);
	for (unsigned g = 0; g < GROUPS; g++) {
		str_printf(&text, "\ng%u:", g);
		for (unsigned i = 0; i < SHARED; i++)
			str_printf(&text, " member%u@a.partner.of.example.net", i);
	}
	list("/list", str_span(&text));
	const struct address rcpt = parse("all@example.com");
	ck_assert_int_eq(alias_expand(server, known_lists(&known), &rcpt, &alias), ALIAS_EXPANDED);
	ck_assert_uint_eq(alias.members, SHARED);
	alias_free(&alias);
	str_free(&text);
}
END_TEST

START_TEST(a_list_that_cannot_be_asked)
{
	list("/list", SPAN("sales: ann x@lost.test\nann\n"));
	ck_assert_ptr_nonnull(strstr(members("sales@example.com"), "leads into a domain whose list can't be used"));
	ck_assert_int_eq(rcpt_reply_alias(ALIAS_LATER), REPLY_RECIPIENT_LATER);
	ck_assert_int_eq(rcpt_reply_alias(ALIAS_EXPANDED), REPLY_NONE);
}
END_TEST

static void expect_trouble(const char *text)
{
	struct str says;
	str_init(&says, 4096);
	alias_trouble(server, known_lists(&known), NULL, &says);
	ck_assert_str_eq(str_text(&says), text);
	str_free(&says);
}

/* The search for broken aliases ends after a number of addresses. */
START_TEST(broken_aliases_are_named)
{
	struct str text;
	str_init(&text, 1 << 20);
	list("/list", SPAN("one: two\ntwo: one\nann\n"));
	expect_trouble("recipients /list, line 1: the alias leads only back to itself; its mail is put off with 451 "
		       "until the line is corrected\n"
		       "recipients /list, line 2: the alias leads only back to itself; its mail is put off with 451 "
		       "until the line is corrected\n");
	str_append_text(&text, "all:");
	for (unsigned i = 0; i < 900; i++)
		str_printf(&text, " m%u@example.net", i);
	for (unsigned i = 0; i < ALIAS_WALKED / 900 + 1; i++)
		str_printf(&text, "\na%u: all", i);
	str_append_text(&text, "\none: two\ntwo: one\n");
	list("/list", str_span(&text));
	expect_trouble("");
	str_free(&text);
}
END_TEST

/* --- random files: NODES names, some of which lead to others --- */

enum { NODES = 14, ROUNDS = 3000 };
static bool leads[NODES], edge[NODES][NODES];

static unsigned number(unsigned below)
{
	static uint64_t state = 88172645463325252u;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % below;
}

static void make_graph(struct str *text)
{
	unsigned density = 1 + number(4);
	memset(edge, 0, sizeof(edge));
	for (unsigned i = 0; i < NODES; i++) {
		leads[i] = number(3) > 0;
		str_printf(text, "n%u%s", i, leads[i] ? ":" : "");
		for (unsigned k = 0; leads[i] && k < density; k++) {
			unsigned to = number(NODES);
			edge[i][to] = true;
			str_printf(text, " %c%u%s", number(2) ? 'n' : 'N', to, number(2) ? "" : "@example.org");
		}
		str_append_text(text, "\n");
	}
}

/* The shortest way from FROM to each node, by Bellman and Ford; -1 = none. Only nodes that lead are left again. */
static void distances(unsigned from, int distance[NODES])
{
	for (unsigned i = 0; i < NODES; i++)
		distance[i] = -1;
	distance[from] = 0;
	for (unsigned round = 0; round < NODES; round++)
		for (unsigned a = 0; a < NODES; a++)
			for (unsigned b = 0; b < NODES; b++)
				if (distance[a] >= 0 && edge[a][b] &&
				    (distance[b] < 0 || distance[b] > distance[a] + 1))
					distance[b] = distance[a] + 1;
}

static void check_from(unsigned from, const char *file)
{
	char name[64];
	int distance[NODES];
	unsigned wanted = 0;
	enum alias_result expected = ALIAS_EXPANDED;
	distances(from, distance);
	for (unsigned i = 0; i < NODES; i++) {
		wanted += distance[i] >= 0 && (!leads[i] || edge[i][i]);
		if (leads[i] && distance[i] >= ALIAS_DEPTH_MAX)
			expected = ALIAS_TOO_DEEP;
	}
	if (expected == ALIAS_EXPANDED && !wanted)
		expected = ALIAS_LOOP;
	snprintf(name, sizeof(name), "n%u@example.com", from);
	const struct address rcpt = parse(name);
	enum alias_result result = alias_expand(server, known_lists(&known), &rcpt, &alias);
	ck_assert_msg(result == expected, "%s: %d and not %d\n%s", name, (int)result, (int)expected, file);
	ck_assert_msg(result != ALIAS_EXPANDED || alias.members == wanted, "%s: %zu and not %u members\n%s", name,
		      alias.members, wanted, file);
	for (const struct alias_address *m = alias_member(&alias, NULL); m && result == ALIAS_EXPANDED;
	     m = alias_member(&alias, m)) {
		unsigned at = (unsigned)strtoul(m->address.text.at + 1, NULL, 10);
		ck_assert_msg(distance[at] == (int)m->depth && (!leads[at] || edge[at][at]), "%s: %u\n%s", name, at,
			      file);
	}
	alias_free(&alias);
}

START_TEST(random_files)
{
	struct str text;
	str_init(&text, 1 << 16);
	for (unsigned round = 0; round < ROUNDS; round++) {
		str_clear(&text);
		make_graph(&text);
		list("/list", str_span(&text));
		for (unsigned i = 0; i < NODES; i++)
			if (leads[i])
				check_from(i, str_text(&text));
	}
	str_free(&text);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		members_of_members,
		loops_end,
		depth_is_bounded,
		members_are_bounded,
		members_that_many_aliases_share,
		a_list_that_cannot_be_asked,
		broken_aliases_are_named,
		random_files,
	};
	return run_tests("alias", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
