#include "smtpd/policy/gateway.h"

#include <check.h>

#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

enum { SLOTS = 7 };

static struct gateway *g;
static struct config config;

static void begin(const char *lines)
{
	g = gateway_new(SLOTS);
	ck_assert_ptr_nonnull(g);
	memory_config(lines, &config);
}

static void end(void)
{
	gateway_free(g);
	config_free(&config);
}

/* SESSIONS of IP with NAMES different names, spread over all slots. */
static void count(const char *ip, unsigned sessions, unsigned names)
{
	struct ipaddr client = memory_address(ip);
	char helo[32];
	for (unsigned i = 0; i < sessions; i++) {
		snprintf(helo, sizeof(helo), "Host-%u.test", i % names);
		gateway_count(g, i % SLOTS, &client, span_of(helo));
	}
}

static bool warned(const char *words)
{
	struct str text;
	str_init(&text, 4096);
	gateway_warn(g, &config.servers[0], &text);
	bool found = words ? strstr(str_text(&text), words) != NULL : !text.len;
	str_free(&text);
	return found;
}

START_TEST(test_gateway)
{
	begin("relay { list 10.0.0.0/8 172.17.0.1 }");
	ck_assert(warned(NULL));
	count("172.17.0.1", GATEWAY_SESSIONS_MIN - 1, 40);
	ck_assert(warned(NULL));
	count("172.17.0.1", 1, 1);
	ck_assert(warned("100 of the last 100 sessions"));
	ck_assert(warned("172.17.0.1, which may relay by 172.17.0.1 (test.conf:5)"));
	count("192.0.2.1", 30, 30);
	ck_assert_msg(warned(NULL), "no longer nearly all");
	end();
}
END_TEST

START_TEST(test_no_gateway)
{
	begin("relay { list 10.0.0.0/8 }");
	count("10.0.0.1", 5000, 1);
	ck_assert_msg(warned(NULL), "one busy client");
	end();
	begin("relay { list 10.0.0.0/8 }");
	count("192.0.2.1", 5000, 100);
	ck_assert_msg(warned(NULL), "may not relay");
	end();
	begin("relay { list 10.0.0.0/8 }");
	for (unsigned i = 0; i < 3000; i++)
		count(i % 2 ? "10.0.0.1" : "10.0.0.2", 1, 1);
	ck_assert_msg(warned(NULL), "two in turn");
	end();
}
END_TEST

/* Hosts behind a gateway share the limits of one client, unless it is in except_list. */
START_TEST(test_limits)
{
	static const char *const limited[] = {"client { messages 300/1m }",
					      "client { connections 20; except_list 10.0.0.1 }"};
	static const char *const free[] = {"", "client { errors none }", "client { connections none }",
					   "client { messages 300/1m; except_list 192.0.2.0/24 }"};
	for (size_t i = 0; i < 2; i++) {
		begin(limited[i]);
		count("192.0.2.1", 500, 1);
		ck_assert_msg(warned(NULL), "one busy client");
		end();
		begin(limited[i]);
		count("192.0.2.1", 500, 40);
		ck_assert(warned(
			"500 of the last 500 sessions, of clients with many names, came from 192.0.2.1, which is one client "
			"for the limits at test.conf:5"));
		end();
	}
	for (size_t i = 0; i < 4; i++) {
		begin(free[i]);
		count("192.0.2.1", 500, 40);
		ck_assert_msg(warned(NULL), "%s", free[i]);
		end();
	}
	begin("relay { list 192.0.2.1 }\nclient { messages 300/1m }");
	count("192.0.2.1", 500, 40);
	ck_assert(warned("or remove it from relay list; 500 of the last 500"));
	end();
}
END_TEST

/* Old sessions stop counting. */
START_TEST(test_ages)
{
	begin("relay { list 10.0.0.0/8 }");
	count("192.0.2.1", 100000, 100);
	count("10.0.0.1", 40000, 100);
	ck_assert(warned("came from 10.0.0.1"));
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_gateway");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_gateway);
	tcase_add_test(tcase, test_no_gateway);
	tcase_add_test(tcase, test_limits);
	tcase_add_test(tcase, test_ages);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
