/* Members of an alias as recipients of a message: all or none, and the notices that are requested for them. */
#include "smtpd/accept/members.h"

#include "common/base/log_level.h"
#include "t/unit/config_fixture.h"
#include "t/unit/known_fixture.h"

enum { MEMBERS = 903 };

static struct known known;
static struct alias alias;

static void setup(void)
{
	log_set_level(LOG_LEVEL_ERROR - 1);
	known = (struct known){0};
	build(SERVER("listen *:25\nlocal_domain example.com { recipients /list }"));
	ck_assert_msg(!report.errors, "%s", str_text(&report.text));
}

static void teardown(void)
{
	known_free(&known);
	done();
}

static struct address parse(const char *text)
{
	struct address address;
	const char *why = "";
	ck_assert_msg(address_parse(span_of(text), &address, &why), "%s: %s", text, why);
	return address;
}

static void list_all(void)
{
	struct str text;
	str_init(&text, 1 << 20);
	str_append_text(&text, "all:");
	for (unsigned i = 0; i < MEMBERS; i++)
		str_printf(&text, " m%u@example.net", i);
	give_list(&known, "/list", str_span(&text), false);
	str_free(&text);
}

static void expand(const struct address *rcpt)
{
	ck_assert_int_eq(alias_expand(&config.servers[0], known_lists(&known), rcpt, &alias), ALIAS_EXPANDED);
}

START_TEST(members_become_recipients)
{
	struct recipients r;
	const struct address rcpt = parse("all@example.com");
	const struct dsn_rcpt dsn = {.notify = DSN_SUCCESS | DSN_FAILURE};
	list_all();
	recipients_init(&r);
	expand(&rcpt);
	ck_assert_uint_eq(members_new(&r, &alias), MEMBERS);
	ck_assert_int_eq(members_add(&r, &alias, &rcpt, &dsn, true), RECIPIENTS_ADDED);
	ck_assert_uint_eq(r.count, MEMBERS + 1);
	ck_assert_int_eq(members_add(&r, &alias, &rcpt, &dsn, true), RECIPIENTS_KNOWN);
	ck_assert_uint_eq(members_new(&r, &alias), 0);
	recipients_free(&r);
	alias_free(&alias);
}
END_TEST

/* Members that are recipients already need no place beside them. */
START_TEST(members_of_a_full_message)
{
	struct recipients r;
	const struct address rcpt = parse("all@example.com");
	const struct dsn_rcpt dsn = {.notify = 0};
	char text[100];
	list_all();
	recipients_init(&r);
	expand(&rcpt);
	ck_assert_int_eq(members_add(&r, &alias, &rcpt, &dsn, true), RECIPIENTS_ADDED);
	for (unsigned i = 0; r.count < ENVELOPE_RCPT_MAX - 1; i++) {
		snprintf(text, sizeof(text), "other%u@example.net", i);
		const struct address other = parse(text);
		ck_assert_int_eq(recipients_add(&r, &other, &dsn), RECIPIENTS_ADDED);
	}
	ck_assert_int_eq(members_add(&r, &alias, &rcpt, &dsn, true), RECIPIENTS_KNOWN);
	recipients_free(&r);
	alias_free(&alias);
}
END_TEST

/* A client may repeat an alias without end. */
START_TEST(a_repeated_alias_takes_no_memory)
{
	struct recipients r;
	const struct address rcpt = parse("all@example.com");
	const struct dsn_rcpt dsn = {.notify = 0};
	list_all();
	recipients_init(&r);
	expand(&rcpt);
	for (unsigned i = 0; i < 3; i++)
		members_add(&r, &alias, &rcpt, &dsn, true);
	size_t used = r.arena.used;
	for (unsigned i = 0; i < 1000; i++)
		ck_assert_int_eq(members_add(&r, &alias, &rcpt, &dsn, true), RECIPIENTS_KNOWN);
	ck_assert_uint_eq(r.arena.used, used);
	recipients_free(&r);
	alias_free(&alias);
}
END_TEST

/* RFC 3461 5.2.7. */
START_TEST(requests_for_notices)
{
	static const struct {
		const char *rcpt;
		struct dsn_rcpt dsn;
		bool tells;
		const char *lines;
	} cases[] = {
		{"boss@example.com",
		 {.notify = DSN_SUCCESS},
		 true,
		 "x-receiver: ann@example.com\r\nx-mailroot-notify: SUCCESS\r\n"
		 "x-mailroot-orcpt: rfc822;boss@example.com\r\n"},
		{"boss@example.com",
		 {.orcpt = SPAN("rfc822;Chief@example.org")},
		 true,
		 "x-receiver: ann@example.com\r\nx-mailroot-orcpt: rfc822;Chief@example.org\r\n"},
		{"sales@example.com",
		 {.notify = DSN_SUCCESS},
		 true,
		 "x-receiver: ann@example.com\r\nx-mailroot-notify: NEVER\r\n"
		 "x-mailroot-orcpt: rfc822;sales@example.com\r\n"
		 "x-receiver: b@example.net\r\nx-mailroot-notify: NEVER\r\n"
		 "x-mailroot-orcpt: rfc822;sales@example.com\r\n"
		 "x-receiver: sales@example.com\r\nx-mailroot-notify: SUCCESS\r\nx-mailroot-expanded: yes\r\n"},
		{"sales@example.com",
		 {.notify = DSN_SUCCESS | DSN_DELAY},
		 false,
		 "x-receiver: ann@example.com\r\nx-mailroot-notify: DELAY\r\n"
		 "x-mailroot-orcpt: rfc822;sales@example.com\r\n"
		 "x-receiver: b@example.net\r\nx-mailroot-notify: DELAY\r\n"
		 "x-mailroot-orcpt: rfc822;sales@example.com\r\n"},
		{"sales@example.com",
		 {.notify = 0},
		 true,
		 "x-receiver: ann@example.com\r\nx-mailroot-orcpt: rfc822;sales@example.com\r\n"
		 "x-receiver: b@example.net\r\nx-mailroot-orcpt: rfc822;sales@example.com\r\n"},
		{"both@example.com",
		 {.notify = DSN_SUCCESS | DSN_FAILURE},
		 true,
		 "x-receiver: both@example.com\r\nx-mailroot-notify: SUCCESS,FAILURE\r\n"
		 "x-receiver: b@example.net\r\nx-mailroot-notify: FAILURE\r\n"
		 "x-mailroot-orcpt: rfc822;both@example.com\r\n"},
	};
	force_list(&known, "/list", SPAN("ann\nboss: ann\nsales: ann b@example.net\nboth: both b@example.net\n"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct recipients r;
		const struct address rcpt = parse(cases[i].rcpt);
		recipients_init(&r);
		expand(&rcpt);
		ck_assert_int_eq(members_add(&r, &alias, &rcpt, &cases[i].dsn, cases[i].tells), RECIPIENTS_ADDED);
		ck_assert_str_eq(str_text(&r.lines), cases[i].lines);
		recipients_free(&r);
		alias_free(&alias);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {members_become_recipients, members_of_a_full_message,
				      a_repeated_alias_takes_no_memory, requests_for_notices};
	return run_tests("smtpd_members", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
