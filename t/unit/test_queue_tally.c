#include "queue/attempt/tally.h"
#include "t/unit/suite.h"

#include <check.h>
#include <stdlib.h>

#define HOST SPAN("mx.example.net")
#define OURS SPAN("")

static const struct {
	struct attempt_result result;
	enum counter counter;
} deferred[] = {
	{{.code = 451, .enhanced = {4, 7, 1}, .host = HOST}, COUNTER_DEFERRED_HOST},
	{{.code = 452, .enhanced = {4, 2, 2}, .host = HOST}, COUNTER_DEFERRED_HOST},
	{{.enhanced = {4, 4, 1}, .host = HOST}, COUNTER_DEFERRED_CONNECTION},
	{{.enhanced = {4, 4, 2}, .host = HOST}, COUNTER_DEFERRED_CONNECTION},
	{{.enhanced = {4, 5, 0}, .host = HOST}, COUNTER_DEFERRED_PROTOCOL},
	{{.enhanced = {4, 7, 5}, .host = HOST}, COUNTER_DEFERRED_TLS},
	{{.enhanced = {4, 7, 8}, .host = HOST}, COUNTER_DEFERRED_AUTH},
	{{.enhanced = {4, 7, 0}, .host = OURS}, COUNTER_DEFERRED_AUTH},
	{{.enhanced = {4, 4, 3}, .host = OURS}, COUNTER_DEFERRED_DNS},
	{{.enhanced = {4, 2, 2}, .host = OURS}, COUNTER_DEFERRED_FULL},
	{{.code = 451, .enhanced = {4, 3, 0}, .host = OURS}, COUNTER_DEFERRED_LOCAL},
	{{.enhanced = {0, 0, 0}, .host = OURS}, COUNTER_DEFERRED_OTHER},
};

START_TEST(reasons_of_delays)
{
	ck_assert_str_eq(counters_labels(tally_deferred(&deferred[_i].result)), counters_labels(deferred[_i].counter));
}
END_TEST

static const struct {
	struct attempt_result result;
	enum counter counter;
} bounced[] = {
	{{.code = 550, .enhanced = {5, 1, 1}, .host = HOST}, COUNTER_BOUNCED_RECIPIENT},
	{{.code = 550, .enhanced = {5, 0, 0}, .host = HOST}, COUNTER_BOUNCED_RECIPIENT},
	{{.code = 552, .enhanced = {5, 0, 0}, .host = HOST}, COUNTER_BOUNCED_SIZE},
	{{.code = 552, .enhanced = {5, 3, 4}, .host = HOST}, COUNTER_BOUNCED_SIZE},
	{{.code = 554, .enhanced = {5, 7, 1}, .host = HOST}, COUNTER_BOUNCED_POLICY},
	{{.code = 554, .enhanced = {5, 4, 6}, .host = HOST}, COUNTER_BOUNCED_HOPS},
	{{.code = 554, .enhanced = {5, 0, 0}, .host = HOST}, COUNTER_BOUNCED_OTHER},
	{{.enhanced = {5, 1, 2}, .host = OURS}, COUNTER_BOUNCED_DNS},
	{{.enhanced = {5, 1, 10}, .host = OURS}, COUNTER_BOUNCED_DNS},
	{{.enhanced = {5, 2, 3}, .host = OURS}, COUNTER_BOUNCED_SIZE},
	{{.enhanced = {4, 4, 7}, .host = OURS}, COUNTER_BOUNCED_EXPIRED},
	{{.enhanced = {5, 0, 0}, .host = OURS, .by_operator = true}, COUNTER_BOUNCED_OPERATOR},
};

START_TEST(reasons_of_failures)
{
	ck_assert_str_eq(counters_labels(tally_bounced(&bounced[_i].result)), counters_labels(bounced[_i].counter));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue_tally");
	TCase *tc = tcase_create("tally");
	tcase_add_loop_test(tc, reasons_of_delays, 0, sizeof(deferred) / sizeof(deferred[0]));
	tcase_add_loop_test(tc, reasons_of_failures, 0, sizeof(bounced) / sizeof(bounced[0]));
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
