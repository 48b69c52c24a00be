/* The rules of ETRN and ATRN that smtpd and queue share. */
#include "common/config/etrn.h"

#include <check.h>
#include <stdlib.h>

#include "common/ipc/wire.h"
#include "common/mail/domain.h"
#include "smtpd/session/etrn.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"
#include "t/unit/wire_sample.h"

static struct config config;
static const struct config_server *server;

static void setup(void)
{
	memory_config("access { auth plain; auth_requires_tls no }\n"
		      "remote_domain branch.test { etrn yes }\n"
		      "remote_domain *.branch.test { etrn yes }\n"
		      "remote_domain free.branch.test { }\n"
		      "remote_domain dial.test { etrn yes; atrn_accounts alice bob }\n"
		      "remote_domain both.test { etrn yes; atrn_accounts bob; route dns }\n"
		      "remote_domain plain.test { relay yes }\n",
		      &config);
	server = &config.servers[0];
}

static void teardown(void)
{
	config_free(&config);
}

START_TEST(test_parse)
{
	static const struct {
		const char *text;
		enum etrn_syntax syntax;
		bool below;
		const char *domain;
	} rows[] = {
		{"branch.test", ETRN_NODE, false, "branch.test"},
		{"@branch.test", ETRN_NODE, true, "branch.test"},
		{"#branch", ETRN_QUEUE_NAME, false, NULL},
		{"", ETRN_MALFORMED, false, NULL},
		{"@", ETRN_MALFORMED, false, NULL},
		{"@@branch.test", ETRN_MALFORMED, false, NULL},
		{"branch.test other.test", ETRN_MALFORMED, false, NULL},
		{"*.branch.test", ETRN_MALFORMED, false, NULL},
		{"[192.0.2.1]", ETRN_MALFORMED, false, NULL},
		{"branch.test.", ETRN_MALFORMED, false, NULL},
	};
	struct etrn_node node;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(etrn_parse(span_of(rows[i].text), &node) == rows[i].syntax, "%s", rows[i].text);
		if (rows[i].domain)
			ck_assert(node.below == rows[i].below && span_equal(node.domain, span_of(rows[i].domain)));
	}
}
END_TEST

static bool waits(const char *domain)
{
	return etrn_find(server, span_of(domain)) != NULL;
}

START_TEST(test_the_best_rule_decides_which_mail_waits)
{
	ck_assert(waits("branch.test") && waits("Branch.TEST") && waits("x.branch.test") && waits("dial.test"));
	ck_assert(!waits("free.branch.test") && waits("x.free.branch.test"));
	ck_assert(!waits("plain.test") && !waits("elsewhere.test") && !waits("xbranch.test") && !waits(""));
}
END_TEST

static bool covered(const char *text)
{
	struct etrn_node node;
	ck_assert_int_eq(etrn_parse(span_of(text), &node), ETRN_NODE);
	return etrn_covers(server, &node);
}

START_TEST(test_domains_that_may_be_requested)
{
	ck_assert(covered("branch.test") && covered("x.branch.test") && covered("@branch.test") && covered("@test"));
	ck_assert(!covered("free.branch.test") && !covered("plain.test") && !covered("@plain.test"));
	ck_assert(!covered("test") && !covered("@nch.test"));
	ck_assert_msg(!covered("dial.test"), "without a route it is for those who fetch");
	ck_assert(covered("both.test"));
	ck_assert(covered("@x.branch.test"));
}
END_TEST

START_TEST(test_what_a_node_means)
{
	const struct etrn_node one = {SPAN("branch.test"), false}, all = {SPAN("branch.test"), true};
	ck_assert(etrn_means(&one, SPAN("BRANCH.test")) && etrn_means(&all, SPAN("branch.test")));
	ck_assert(etrn_means(&all, SPAN("a.b.branch.test")) && !etrn_means(&one, SPAN("a.branch.test")));
	ck_assert(!etrn_means(&all, SPAN("xbranch.test")) && !etrn_means(&all, SPAN("test")));
	ck_assert(!etrn_means(&all, SPAN("")));
}
END_TEST

START_TEST(test_who_may_fetch)
{
	const struct config_remote_domain *dial = etrn_find(server, SPAN("dial.test"));
	ck_assert(etrn_may_fetch(dial, SPAN("alice")) && etrn_may_fetch(dial, SPAN("BOB")));
	ck_assert(!etrn_may_fetch(dial, SPAN("mallory")) && !etrn_may_fetch(dial, SPAN("")));
	ck_assert(!etrn_may_fetch(dial, SPAN("alic")) && !etrn_may_fetch(dial, SPAN("alice ")));
	ck_assert(!etrn_may_fetch(etrn_find(server, SPAN("branch.test")), SPAN("alice")));
	ck_assert(etrn_offered(server) && etrn_fetch_offered(server));
}
END_TEST

START_TEST(test_list)
{
	struct span list = SPAN(" a.test ,b.test,c.test, "), domain;
	ck_assert_int_eq(etrn_next(&list, &domain), 1);
	ck_assert(span_equal(domain, SPAN("a.test")));
	ck_assert_int_eq(etrn_next(&list, &domain), 1);
	ck_assert(span_equal(domain, SPAN("b.test")));
	ck_assert_int_eq(etrn_next(&list, &domain), 1);
	ck_assert(span_equal(domain, SPAN("c.test")));
	ck_assert_int_eq(etrn_next(&list, &domain), 0);
	for (size_t i = 0; i < 4; i++) {
		list = ((struct span[]){SPAN(","), SPAN("a b"), SPAN("@a.test"), SPAN(",a.test")})[i];
		ck_assert_int_eq(etrn_next(&list, &domain), -1);
	}
}
END_TEST

START_TEST(test_answer_of_the_queue)
{
	enum etrn_event event = ETRN_LATER;
	uint64_t count = 7;
	struct str packet;
	str_init(&packet, 64);
	ck_assert(wire_encode_etrn_answer(&(struct wire_etrn_answer){.event = ETRN_BEGUN, .count = 3}, &packet));
	ck_assert(etrn_take(str_span(&packet), &event, &count));
	ck_assert(event == ETRN_BEGUN && count == 3);
	str_clear(&packet);
	ck_assert(wire_encode_etrn_answer(&(struct wire_etrn_answer){.event = ETRN_EVENT_COUNT}, &packet));
	ck_assert_msg(!etrn_take(str_span(&packet), &event, &count), "no such event");
	ck_assert(!etrn_take(SPAN(""), &event, &count) && !etrn_take(SPAN("xyz"), &event, &count));
	WIRE_EACH_FOREIGN(type, WIRE_LINK_arrivals, WIRE_DOWN)
	{
		wire_sample(type, &packet);
		ck_assert(!etrn_take(str_span(&packet), &event, &count));
	}
	ck_assert(event == ETRN_BEGUN && count == 3);
	str_free(&packet);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("etrn");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, test_parse);
	tcase_add_test(all, test_the_best_rule_decides_which_mail_waits);
	tcase_add_test(all, test_domains_that_may_be_requested);
	tcase_add_test(all, test_what_a_node_means);
	tcase_add_test(all, test_who_may_fetch);
	tcase_add_test(all, test_list);
	tcase_add_test(all, test_answer_of_the_queue);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
