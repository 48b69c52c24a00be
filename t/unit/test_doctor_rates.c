/* doctor about rates: which shares and pairs of virtual servers it complains of. */
#include "ctl/doctor/diagnose.h"
#include "t/unit/config_fixture.h"

#define PAIR(first, second)                                                                                            \
	"virtual_server a { listen 127.0.0.1:25; smart_host [p.test]; outbound { " first " } }\n"                      \
	"virtual_server b { listen 127.0.0.2:25; smart_host [p.test]; outbound { " second " } }\n"

static const struct {
	const char *text, *says; /* NULL: nothing */
} rows[] = {
	{SERVER("smart_host [p.test]; outbound { rate 30/1m share 1/3 }"), NULL},
	{SERVER("smart_host [p.test]; outbound { rate 5/1m share 1/3 }"), "all machines together send 3 of 5 messages"},
	{SERVER("outbound { rate 5/1m share 1/3 }\nremote_domain a.test { outbound { port 26 } }"), "3 of 5"},
	{SERVER("remote_domain a.test { outbound { rate 5/1m share 1/3 } }"), "3 of 5"},
	{SERVER("connector c { address_space *; route [p.test]; outbound { rate 7/1m share 2/8 } }"), "4 of 7"},
	{PAIR("rate 30/1m", "rate 30/1m"), "a and b send to the same hosts and count apart: together 60 messages"},
	{PAIR("rate 30/1m share 1/2", "rate 30/1m share 1/2"), NULL},
	{PAIR("rate 30/1m share 2/3", "rate 30/1m share 1/3"), NULL},
	{PAIR("rate 30/1m share 2/3", "rate 30/1m share 1/2"), "together 35 messages, where the rate of a permits 30"},
	{PAIR("rate 30/1m share 1/2", "rate 1800/1h share 1/2"), NULL},
	{PAIR("rate 30/1m share 1/2", "rate 1860/1h share 1/2"), "together 31 messages"},
	{PAIR("rate 30/1m", "timeout 5m"), NULL},
	{"virtual_server a { listen 127.0.0.1:25; smart_host [p.test]; outbound { rate 30/1m } }\n"
	 "virtual_server b { listen 127.0.0.2:25; smart_host [q.test]; outbound { rate 30/1m } }\n",
	 NULL},
};

START_TEST(finds_what_makes_no_sense)
{
	build(rows[_i].text);
	ck_assert_int_eq(report.errors, 0);
	struct doctor d = {.config = &config, .file = "test.conf"};
	arena_init(&d.arena, 1 << 16);
	str_init(&d.found, 1 << 16);
	diagnose_rates(&d);
	struct span rest = str_span(&d.found);
	struct finding f;
	bool found = finding_take(&rest, &f);
	ck_assert_int_eq(found, rows[_i].says != NULL);
	if (found) {
		ck_assert_int_eq(f.severity, FINDING_WARNING);
		ck_assert_msg(memmem(f.what.at, f.what.len, rows[_i].says, strlen(rows[_i].says)), "%.*s",
			      SPAN_ARGS(f.what));
		ck_assert(f.where.len && f.remedy.len);
		ck_assert(!finding_take(&rest, &f));
	}
	str_free(&d.found);
	arena_free(&d.arena);
	done();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("doctor rates");
	TCase *all = tcase_create("all");
	tcase_add_loop_test(all, finds_what_makes_no_sense, 0, COUNT(rows));
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
