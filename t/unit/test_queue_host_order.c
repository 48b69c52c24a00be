#include "queue/plan/host_order.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>

enum { HOSTS = 4, DRAWS = 12000 };

static struct destinations all;
static struct destination *d;
static struct config_host written[HOSTS];
static struct config_hosts list;
static struct config_outbound outbound;
static struct str scratch;
static struct host_order trial;

static void open_hosts(void)
{
	static const char *const names[HOSTS] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"};
	all = (struct destinations){0};
	outbound = (struct config_outbound){.port = 25, .max_connections = CONFIG_NONE};
	for (size_t i = 0; i < HOSTS; i++) {
		written[i] = (struct config_host){.kind = CONFIG_HOST_IP, .name = names[i]};
		ck_assert(ipaddr_parse(span_of(names[i]), &written[i].ip));
	}
	list = (struct config_hosts){written, HOSTS};
	str_init(&scratch, DESTINATION_HOSTS_TEXT_MAX);
}

static void close_hosts(void)
{
	destinations_free(&all);
	str_free(&scratch);
}

static void begin(void)
{
	const struct route route = {.kind = ROUTE_HOSTS, .hosts = &list, .outbound = &outbound};
	d = destination_get(&all, &route, NULL);
	ck_assert_int_eq(destination_ask(d, 0), DESTINATION_DONE);
}

/* The hosts of the recipient's domain are 192.0.2.1 and .2; those of the configuration are .3 and .4. */
static void begin_found(void)
{
	struct route route = {.kind = ROUTE_MX, .domain = SPAN("one.test"), .hosts = &list, .outbound = &outbound};
	list = (struct config_hosts){written + 2, 2};
	d = destination_get(&all, &route, NULL);
	ck_assert_int_eq(destination_ask(d, 0), DESTINATION_ASKING);
	ck_assert_int_eq(
		destination_answer(d, 0, TARGET_FOUND, SPAN("a.test 192.0.2.1 25\nb.test 192.0.2.2 25\n"), 60000, 0),
		DESTINATION_DONE);
}

static struct health_key key_of(int host)
{
	struct health_key key;
	health_key(&key, &written[host - 1].ip, 25, d->manner);
	return key;
}

static void break_down(int host, int64_t now)
{
	const struct health_key key = key_of(host);
	health_failed(&all.health, &key, now);
}

static void recover(int host)
{
	const struct health_key key = key_of(host);
	health_worked(&all.health, &key);
}

/* The order that is shown is that of the next job, however often it is shown. */
static void order_as_seen_before(int64_t now)
{
	struct str seen[2];
	struct host_order looks[2];
	for (int i = 0; i < 2; i++) {
		str_init(&seen[i], DESTINATION_HOSTS_TEXT_MAX);
		host_order_preview(&all, d, now, &seen[i], &looks[i]);
	}
	host_order_take(&all, d, now, &scratch, &trial);
	for (int i = 0; i < 2; i++) {
		ck_assert(span_equal(looks[i].hosts, trial.hosts));
		ck_assert_uint_eq(looks[i].found, trial.found);
		ck_assert_int_eq(looks[i].anew, trial.anew);
		str_free(&seen[i]);
	}
}

/* The last digits of the hosts in order of trial: "1234". */
static const char *order(int64_t now)
{
	static char digits[HOSTS + 1];
	char ip[IPADDR_TEXT_MAX];
	struct host host;
	size_t n = 0;
	order_as_seen_before(now);
	struct span rest = trial.hosts;
	while (n < HOSTS && hosts_next(&rest, &host) == 1) {
		ipaddr_format(&host.ip, ip);
		digits[n++] = ip[strlen(ip) - 1];
	}
	digits[n] = '\0';
	ck_assert_uint_eq(rest.len, 0);
	return digits;
}

START_TEST(as_written)
{
	begin();
	for (int i = 0; i < 100; i++)
		ck_assert_str_eq(order(i), "1234");
	ck_assert(!trial.anew);
	ck_assert_uint_eq(trial.found, 0);
}
END_TEST

START_TEST(sick_ones_are_left_out)
{
	begin();
	break_down(1, 0);
	break_down(3, 0);
	ck_assert_str_eq(order(0), "24");
	ck_assert(!trial.anew);
	recover(3);
	ck_assert_str_eq(order(0), "234");
}
END_TEST

/* Of a thousand messages one probes whether the first host is up again, over a new connection. */
START_TEST(one_probe_instead_of_every_message)
{
	begin();
	break_down(1, 0);
	ck_assert_str_eq(order(HEALTH_FIRST_MS), "1234");
	ck_assert(trial.anew);
	for (int i = 0; i < 1000; i++) {
		ck_assert_str_eq(order(HEALTH_FIRST_MS + i), "234");
		ck_assert(!trial.anew);
	}
	recover(1);
	ck_assert_str_eq(order(HEALTH_FIRST_MS + 1000), "1234");
	ck_assert(!trial.anew);
}
END_TEST

/* A host that is due but not the first of the list causes no new connection: it is tried when those before it fail. */
START_TEST(only_the_first_is_probed)
{
	begin();
	break_down(2, 0);
	ck_assert_str_eq(order(HEALTH_FIRST_MS), "1234");
	ck_assert(!trial.anew);
	ck_assert_str_eq(order(HEALTH_FIRST_MS), "1234");
}
END_TEST

START_TEST(when_all_are_sick_all_are_tried)
{
	begin();
	for (int host = 1; host <= HOSTS; host++)
		break_down(host, 0);
	ck_assert_str_eq(order(0), "1234");
	ck_assert_str_eq(order(HEALTH_FIRST_MS), "1234");
}
END_TEST

/* A host that does not meet the requirements of one next hop (such as TLS) is well for another. */
START_TEST(health_is_shared_by_next_hops_with_the_same_requirements)
{
	begin();
	break_down(1, 0);
	list.n = 2;
	begin();
	ck_assert_str_eq(order(0), "2");
	outbound.use_helo = true;
	begin();
	ck_assert_str_eq(order(0), "12");
}
END_TEST

START_TEST(weights_share_the_load)
{
	unsigned first[HOSTS] = {0};
	for (size_t i = 0; i < 3; i++)
		written[i].weight = (uint16_t)(i + 1);
	begin();
	for (int i = 0; i < DRAWS; i++) {
		const char *digits = order(0);
		ck_assert_uint_eq(strlen(digits), HOSTS);
		ck_assert_int_eq(digits[3], '4'); /* it has no weight: for when no other host accepts mail */
		first[digits[0] - '1']++;
	}
	for (unsigned i = 0; i < 3; i++) {
		unsigned expected = DRAWS * (i + 1) / 6;
		ck_assert_uint_ge(first[i], expected * 9 / 10);
		ck_assert_uint_le(first[i], expected * 11 / 10);
	}
}
END_TEST

START_TEST(found_ones_go_first)
{
	begin_found();
	written[3].weight = 1000;
	ck_assert_str_eq(order(0), "1234");
	ck_assert_uint_eq(trial.found, 2);
	break_down(1, 0);
	ck_assert_str_eq(order(0), "234");
	ck_assert_uint_eq(trial.found, 1);
	break_down(2, 0);
	ck_assert_str_eq(order(0), "34");
	ck_assert_uint_eq(trial.found, 0);
	ck_assert_str_eq(order(HEALTH_FIRST_MS), "1234");
	ck_assert(trial.anew);
	ck_assert_uint_eq(trial.found, 2);
}
END_TEST

START_TEST(a_worker_names_only_hosts_of_the_list)
{
	struct health_key key, expected;
	begin();
	expected = key_of(2);
	ck_assert(host_order_find(d, SPAN("192.0.2.2 25"), &key));
	ck_assert_mem_eq(&key, &expected, sizeof(key));
	ck_assert(!host_order_find(d, SPAN("192.0.2.2 26"), &key));
	ck_assert(!host_order_find(d, SPAN("192.0.2.5 25"), &key));
	ck_assert(!host_order_find(d, SPAN("192.0.2.2"), &key));
	ck_assert(!host_order_find(d, SPAN("192.0.2.2 25 "), &key));
	ck_assert(!host_order_find(d, SPAN(""), &key));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		as_written,
		sick_ones_are_left_out,
		one_probe_instead_of_every_message,
		only_the_first_is_probed,
		when_all_are_sick_all_are_tried,
		health_is_shared_by_next_hops_with_the_same_requirements,
		weights_share_the_load,
		found_ones_go_first,
		a_worker_names_only_hosts_of_the_list,
	};
	Suite *suite = suite_create("queue_trial");
	TCase *tcase = tcase_create("trial");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, open_hosts, close_hosts);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
