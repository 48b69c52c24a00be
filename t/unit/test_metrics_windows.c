#include "t/unit/metrics_fixture.h"

/* As the documentation of the smtp collector of windows_exporter lists them. */
static const char *const published[] = {
	"badmailed_messages_bad_pickup_file_total",
	"badmailed_messages_general_failure_total",
	"badmailed_messages_hop_count_exceeded_total",
	"badmailed_messages_ndr_of_dns_total",
	"badmailed_messages_no_recipients_total",
	"badmailed_messages_triggered_via_event_total",
	"bytes_sent_total",
	"bytes_received_total",
	"categorizer_queue_length",
	"connection_errors_total",
	"current_messages_in_local_delivery",
	"directory_drops_total",
	"dsn_failures_total",
	"dns_queries_total",
	"etrn_messages_total",
	"inbound_connections_current",
	"inbound_connections_total",
	"local_queue_length",
	"local_retry_queue_length",
	"mail_files_open",
	"message_bytes_received_total",
	"message_bytes_sent_total",
	"message_delivery_retries_total",
	"message_send_retries_total",
	"messages_currently_undeliverable",
	"messages_delivered_total",
	"messages_pending_routing",
	"messages_received_total",
	"messages_refused_for_address_objects_total",
	"messages_refused_for_mail_objects_total",
	"messages_refused_for_size_total",
	"messages_sent_total",
	"messages_submitted_total",
	"ndrs_generated_total",
	"outbound_connections_current",
	"outbound_connections_refused_total",
	"outbound_connections_total",
	"pickup_directory_messages_retrieved_total",
	"queue_files_open",
	"remote_queue_length",
	"remote_retry_queue_length",
	"routing_table_lookups_total",
};
enum { PUBLISHED = sizeof(published) / sizeof(published[0]) };

START_TEST(all_published_names_and_no_other)
{
	char line[200];
	size_t n = 0;
	make(EXPOSITION_PROMETHEUS, true);
	for (const char *at = str_text(&text); (at = strstr(at, "\nwindows_smtp_")); at++)
		n++;
	ck_assert_uint_eq(n, PUBLISHED);
	ck_assert_uint_eq(n, 42);
	for (size_t i = 0; i < PUBLISHED; i++) {
		size_t len = strlen(published[i]);
		bool total = len > 6 && strcmp(published[i] + len - 6, "_total") == 0;
		snprintf(line, sizeof(line), "windows_smtp_%s{site=\"a\"} 0", published[i]);
		EXPECT(line);
		snprintf(line, sizeof(line), "# TYPE windows_smtp_%s %s", published[i], total ? "counter" : "gauge");
		EXPECT(line);
	}
}
END_TEST

START_TEST(only_when_asked_for)
{
	make(EXPOSITION_PROMETHEUS, false);
	ck_assert_ptr_null(strstr(str_text(&text), "windows_smtp_"));
}
END_TEST

START_TEST(sums_of_counters)
{
	count_by(COUNTER_RECEIVED_SMTP, 5);
	count_by(COUNTER_RECEIVED_PICKUP, 20);
	count_by(COUNTER_RECEIVED_SENDMAIL, 300);
	count_by(COUNTER_OCTETS_IN_SENT, 1000);
	count_by(COUNTER_OCTETS_OUT_SENT, 1);
	count_by(COUNTER_BADMAIL_OPERATOR, 2);
	count_by(COUNTER_BADMAIL_GENERAL, 40);
	make(EXPOSITION_PROMETHEUS, true);
	EXPECT("windows_smtp_messages_received_total{site=\"a\"} 5");
	EXPECT("windows_smtp_pickup_directory_messages_retrieved_total{site=\"a\"} 20");
	EXPECT("windows_smtp_messages_submitted_total{site=\"a\"} 325");
	EXPECT("windows_smtp_bytes_sent_total{site=\"a\"} 1001");
	EXPECT("windows_smtp_badmailed_messages_general_failure_total{site=\"a\"} 42");
}
END_TEST

START_TEST(queues_of_drop_folders_and_of_other_hosts)
{
	struct service_hop hops[] = {
		{.name = "/srv/drop", .state = "up", .messages = 9, .jobs = 2, .at_workers = 1, .counted = true},
		{.name = "notices", .state = "up", .messages = 1, .at_workers = 1, .counted = true},
		{.name = "example.net", .state = "down", .messages = 50, .jobs = 3, .counted = true},
		{.name = "example.org",
		 .state = "up",
		 .messages = 1,
		 .at_workers = 1,
		 .connections = 1,
		 .counted = true},
	};
	struct service_server *server = &scrape.service.servers[0];
	server->hops = hops;
	server->hop_count = 4;
	server->sessions = 8;
	server->queue = (struct service_facts){.n = 1, .at = {{"new", "6"}}};
	make(EXPOSITION_PROMETHEUS, true);
	EXPECT("windows_smtp_local_queue_length{site=\"a\"} 4");
	EXPECT("windows_smtp_local_retry_queue_length{site=\"a\"} 6");
	EXPECT("windows_smtp_remote_queue_length{site=\"a\"} 4");
	EXPECT("windows_smtp_remote_retry_queue_length{site=\"a\"} 47");
	EXPECT("windows_smtp_messages_currently_undeliverable{site=\"a\"} 50");
	EXPECT("windows_smtp_messages_pending_routing{site=\"a\"} 6");
	EXPECT("windows_smtp_inbound_connections_current{site=\"a\"} 8");
	EXPECT("windows_smtp_outbound_connections_current{site=\"a\"} 1");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		all_published_names_and_no_other,
		only_when_asked_for,
		sums_of_counters,
		queues_of_drop_folders_and_of_other_hosts,
	};
	return run_tests("metrics_windows", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
