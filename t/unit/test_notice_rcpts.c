/* The recipients of a notice: copies of failures, aliases, and lists that can't be used. */
#include "common/recipients/notice_rcpts.h"

#include "common/base/log_level.h"
#include "common/mail/envelope.h"
#include "t/unit/config_fixture.h"
#include "t/unit/known_fixture.h"

static struct known known;

static void setup(void)
{
	log_set_level(LOG_LEVEL_ERROR - 1);
	known = (struct known){0};
	build(SERVER("listen 192.0.2.1:25\ndefault_domain example.com\nalias_domain example.org\n"
		     "local_domain example.com { recipients /list }\nlocal_domain free.example\n"
		     "remote_domain lost.example { recipients /lost }\n"
		     "messages { ndr_copy_to ops@example.com bob@example.com }"));
	ck_assert_msg(!report.errors, "%s", str_text(&report.text));
}

static void teardown(void)
{
	known_free(&known);
	done();
}

static void list(struct span text)
{
	give_list(&known, "/list", text, true);
}

/* The recipients of a notice to SENDER, separated by blanks. */
static const char *found(const char *sender, bool failed)
{
	static char said[1000];
	struct notice_rcpts r;
	struct str to;
	str_init(&to, sizeof(said));
	ck_assert(notice_rcpts_find(&config.servers[0], known_lists(&known), SPAN("00000000BBBBBBBBBBBBBBBB"),
				    span_of(sender), failed, &r));
	for (size_t i = 0; i < r.n; i++)
		str_printf(&to, "%s%.*s", i ? " " : "", SPAN_ARGS(r.at[i]));
	notice_rcpts_free(&r);
	snprintf(said, sizeof(said), "%s", str_text(&to));
	str_free(&to);
	return said;
}

START_TEST(without_lists)
{
	ck_assert_str_eq(found("a@example.com", false), "a@example.com");
	ck_assert_str_eq(found("a@example.com", true), "a@example.com ops@example.com bob@example.com");
	ck_assert_str_eq(found("OPS@example.com", true), "OPS@example.com bob@example.com");
}
END_TEST

START_TEST(aliases_lead_to_their_members)
{
	list(SPAN("ann\nbob\nsales: ann b@partner.example\nteam: sales bob team\nops: bob ann far@partner.example\n"
		  "postmaster: admin@partner.example\n"));
	ck_assert_str_eq(found("SALES@example.com", false), "ann@example.com b@partner.example");
	ck_assert_str_eq(found("sales@example.org", false), "ann@example.com b@partner.example");
	ck_assert_str_eq(found("sales@[192.0.2.1]", false), "ann@example.com b@partner.example");
	ck_assert_str_eq(found("team@example.com", false),
			 "team@example.com bob@example.com ann@example.com b@partner.example");
	ck_assert_str_eq(found("postmaster@example.com", false), "admin@partner.example");
	ck_assert_str_eq(found("sales@example.com", true),
			 "ann@example.com b@partner.example bob@example.com far@partner.example");
}
END_TEST

/* No other address changes, whether its domain has a list or not, and whether the list has it or not. */
START_TEST(others_stay_as_they_are)
{
	list(SPAN("ann\nsales: ann\n"));
	ck_assert_str_eq(found("Ann@Example.com", false), "Ann@Example.com");
	ck_assert_str_eq(found("ann@example.org", false), "ann@example.org");
	ck_assert_str_eq(found("gone@example.com", false), "gone@example.com");
	ck_assert_str_eq(found("sales@free.example", false), "sales@free.example");
	ck_assert_str_eq(found("sales@elsewhere.example", false), "sales@elsewhere.example");
	ck_assert_str_eq(found("no address", false), "no address");
}
END_TEST

START_TEST(what_cannot_be_expanded_is_kept)
{
	list(SPAN("loop: pool\npool: loop\nlost: ann x@lost.example\nann\nops: ann\n"));
	ck_assert_str_eq(found("loop@example.com", false), "loop@example.com");
	ck_assert_str_eq(found("lost@example.com", false), "lost@example.com");
	ck_assert_str_eq(found("x@lost.example", false), "x@lost.example");
	ck_assert_str_eq(found("loop@example.com", true), "loop@example.com ann@example.com bob@example.com");
}
END_TEST

/* Several aliases of 1,000 members each do not fit; those that come later are kept. */
START_TEST(no_more_than_an_envelope_holds)
{
	enum { ALIASES = 7, MEMBERS = 999 };
	struct str text, copies;
	struct notice_rcpts r;
	str_init(&text, 1 << 20);
	str_init(&copies, 1000);
	for (int i = 0; i < ALIASES; i++) {
		str_printf(&copies, " all%d@example.com", i);
		str_printf(&text, "all%d:", i);
		for (int m = 0; m < MEMBERS; m++)
			str_printf(&text, " m%d@p%d.example", m, i);
		str_append_text(&text, "\n");
	}
	list(str_span(&text));
	str_clear(&text);
	str_printf(&text,
		   SERVER("listen *:25\nlocal_domain example.com { recipients /list }\n"
			  "default_domain example.com\nmessages { ndr_copy_to %s }"),
		   str_text(&copies));
	done();
	build(str_text(&text));
	ck_assert(
		notice_rcpts_find(&config.servers[0], known_lists(&known), SPAN("x"), SPAN("a@example.net"), true, &r));
	ck_assert_uint_eq(r.n, 1 + 5 * MEMBERS + 2);
	ck_assert_uint_le(r.n, ENVELOPE_RCPT_MAX);
	ck_assert(span_equal(r.at[r.n - 1], SPAN("all6@example.com")));
	notice_rcpts_free(&r);
	str_free(&text);
	str_free(&copies);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		without_lists,
		aliases_lead_to_their_members,
		others_stay_as_they_are,
		what_cannot_be_expanded_is_kept,
		no_more_than_an_envelope_holds,
	};
	return run_tests("notice_rcpts", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
