#include "t/unit/metrics_fixture.h"

#include "ctl/metrics/hops.h"

START_TEST(names_and_types_of_both_formats)
{
	count_by(COUNTER_RECEIVED_SMTP, 7);
	make(EXPOSITION_PROMETHEUS, false);
	EXPECT("# TYPE mailroot_messages_received_total counter");
	EXPECT("mailroot_messages_received_total{server=\"a\",door=\"smtp\"} 7");
	EXPECT("mailroot_build_info{version=\"1.2\"} 1");
	EXPECT("mailroot_start_time_seconds 990");
	EXPECT("mailroot_config_generation 3");
	ck_assert_ptr_null(strstr(str_text(&text), "# EOF"));
	make(EXPOSITION_OPENMETRICS, false);
	EXPECT("# TYPE mailroot_messages_received counter");
	EXPECT("mailroot_messages_received_total{server=\"a\",door=\"smtp\"} 7");
	ck_assert_str_eq(str_text(&text) + text.len - strlen("\n# EOF\n"), "\n# EOF\n");
}
END_TEST

START_TEST(histogram_counts_upwards)
{
	const int64_t times[] = {-5, 100, 101, 90000000};
	for (size_t i = 0; i < 4; i++)
		count_time(HISTOGRAM_FINAL, times[i]);
	make(EXPOSITION_PROMETHEUS, false);
	EXPECT("# TYPE mailroot_message_seconds histogram");
	EXPECT("mailroot_message_seconds_bucket{server=\"a\",le=\"0.1\"} 2");
	EXPECT("mailroot_message_seconds_bucket{server=\"a\",le=\"0.5\"} 3");
	EXPECT("mailroot_message_seconds_bucket{server=\"a\",le=\"1.0\"} 3");
	EXPECT("mailroot_message_seconds_bucket{server=\"a\",le=\"86400.0\"} 3");
	EXPECT("mailroot_message_seconds_bucket{server=\"a\",le=\"+Inf\"} 4");
	EXPECT("mailroot_message_seconds_count{server=\"a\"} 4");
	EXPECT("mailroot_message_seconds_sum{server=\"a\"} 90000.201");
}
END_TEST

START_TEST(a_server_without_counters_has_no_samples_of_them)
{
	const struct counters *page = scrape.pages[0];
	scrape.pages[0] = NULL;
	make(EXPOSITION_PROMETHEUS, true);
	scrape.pages[0] = page;
	EXPECT("mailroot_server_up{server=\"a\"} 1");
	ck_assert_ptr_null(strstr(str_text(&text), "mailroot_messages_received_total{"));
	ck_assert_ptr_null(strstr(str_text(&text), "windows_smtp_messages_received_total{"));
}
END_TEST

START_TEST(certificates_have_a_sample_each)
{
	struct service_server *server = &scrape.service.servers[0];
	struct service_certificate certificates[] = {{"/a.pem", 1800000000}, {"/b.pem", 1}};
	server->certificates = certificates;
	server->certificate_count = 2;
	server->queue = (struct service_facts){.at = {{"badmail_messages", "3"}}, .n = 1};
	make(EXPOSITION_PROMETHEUS, false);
	EXPECT("mailroot_certificate_expiry_seconds{server=\"a\",file=\"/a.pem\"} 1800000000");
	EXPECT("mailroot_certificate_expiry_seconds{server=\"a\",file=\"/b.pem\"} 1");
	EXPECT("mailroot_badmail_messages{server=\"a\"} 3");
}
END_TEST

START_TEST(state_of_servers_and_processes)
{
	struct service_server *server = &scrape.service.servers[0];
	server->trouble = "no folder";
	server->state = "trouble";
	server->attention_count = 2;
	server->process_count = 3;
	server->processes[0] = (struct service_process){.role = "smtpd", .state = "ready"};
	server->processes[1] = (struct service_process){.role = "queue", .state = "restarting"};
	server->processes[2] = (struct service_process){.role = "smtpd", .state = "retiring", .older = 1};
	server->smtpd = (struct service_facts){.n = 2, .at = {{"processes", "5"}, {"max", "many"}}};
	server->sessions = 4;
	make(EXPOSITION_PROMETHEUS, false);
	EXPECT("mailroot_server_up{server=\"a\"} 0");
	EXPECT("mailroot_server_info{server=\"a\",state=\"trouble\"} 1");
	EXPECT("mailroot_problems{server=\"a\"} 3");
	EXPECT("mailroot_process_up{server=\"a\",role=\"smtpd\"} 1");
	EXPECT("mailroot_process_up{server=\"a\",role=\"queue\"} 0");
	EXPECT("mailroot_process_answers{server=\"a\",role=\"smtpd\"} 1");
	EXPECT("mailroot_process_answers{server=\"a\",role=\"queue\"} 0");
	EXPECT("mailroot_sessions{server=\"a\",direction=\"in\"} 4");
	EXPECT("mailroot_workers{server=\"a\",role=\"smtpd\"} 5");
	ck_assert_ptr_null(strstr(str_text(&text), "mailroot_sessions_max{")); /* no number */
	ck_assert_ptr_null(strstr(str_text(&text), "direction=\"out\"} 0\n# HELP mailroot_queue"));
}
END_TEST

START_TEST(labels_are_escaped)
{
	struct service_hop hop = {.name = "a\"b\\c\nd", .state = "up", .reason = "", .messages = 1, .counted = true};
	scrape.service.servers[0].hops = &hop;
	scrape.service.servers[0].hop_count = 1;
	make(EXPOSITION_PROMETHEUS, false);
	EXPECT("mailroot_hop_messages{server=\"a\",hop=\"a\\\"b\\\\c\\nd\"} 1");
}
END_TEST

START_TEST(the_busiest_next_hops_have_a_name)
{
	enum { HOPS = HOPS_NAMED_MAX + 50 };
	static struct service_hop hops[HOPS];
	static char names[HOPS][16];
	for (unsigned i = 0; i < HOPS; i++) {
		snprintf(names[i], sizeof(names[i]), "h%u.test", i);
		hops[i] = (struct service_hop){.name = names[i],
					       .state = i == 3 ? "down" : "up",
					       .messages = i,
					       .oldest_s = 1000 - i,
					       .counted = true};
	}
	scrape.service.servers[0].hops = hops;
	scrape.service.servers[0].hop_count = HOPS;
	make(EXPOSITION_PROMETHEUS, false);
	EXPECT("mailroot_hop_messages{server=\"a\",hop=\"h149.test\"} 149");
	EXPECT("mailroot_hop_messages{server=\"a\",hop=\"h50.test\"} 50");
	ck_assert(!has("mailroot_hop_messages{server=\"a\",hop=\"h49.test\"} 49"));
	EXPECT("mailroot_hop_messages{server=\"a\",hop=\"other\"} 1225"); /* 0 + ... + 49 */
	EXPECT("mailroot_hop_oldest_seconds{server=\"a\",hop=\"other\"} 1000");
	EXPECT("mailroot_hop_up{server=\"a\",hop=\"other\"} 0");
	EXPECT("mailroot_hop_up{server=\"a\",hop=\"h149.test\"} 1");
}
END_TEST

START_TEST(next_hops_that_were_not_counted)
{
	struct service_hop hop = {.name = "h.test", .state = "down", .reason = "", .connections = 2};
	scrape.service.servers[0].hops = &hop;
	scrape.service.servers[0].hop_count = 1;
	make(EXPOSITION_PROMETHEUS, false);
	EXPECT("mailroot_hop_up{server=\"a\",hop=\"h.test\"} 0");
	EXPECT("mailroot_hop_connections{server=\"a\",hop=\"h.test\"} 2");
	ck_assert_ptr_null(strstr(str_text(&text), "mailroot_hop_messages{"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		names_and_types_of_both_formats,
		histogram_counts_upwards,
		a_server_without_counters_has_no_samples_of_them,
		certificates_have_a_sample_each,
		state_of_servers_and_processes,
		labels_are_escaped,
		the_busiest_next_hops_have_a_name,
		next_hops_that_were_not_counted,
	};
	return run_tests("metrics_render", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
