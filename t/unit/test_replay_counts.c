/* Rows of several clients: who authenticated, what differs, which clients need relay list, how much mail there is. */
#include <stdio.h>
#include <string.h>

#include "ctl/replay/logfile.h"
#include "ctl/replay/replay.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

static struct config config;
static struct replay replay;
static struct logfile file;
static struct place at;

static void begin(const char *lines, int64_t since_s)
{
	memory_config(lines, &config);
	ck_assert(replay_init(&replay, &config.servers[0], since_s));
	logfile_init(&file, "ex251009.log");
	at = (struct place){.file = "ex251009.log"};
}

static void end(void)
{
	replay_free(&replay);
	config_free(&config);
}

static void take(const char *line)
{
	struct row row;
	const char *why = "nothing";
	at.line++;
	enum logfile_line kind = logfile_take(&file, span_of(line), &row, &why);
	ck_assert_msg(kind != LOGFILE_BAD, "%s: %s", line, why);
	if (kind == LOGFILE_ROW)
		replay_take(&replay, &row, &at);
}

/* The rows of a #Fields line that says little. */
static void say(int second, const char *client, const char *verb, const char *argument, int status, int octets)
{
	char line[600];
	if (!at.line)
		take("#Fields: time c-ip cs-username cs-method cs-uri-query sc-status cs-bytes");
	snprintf(line, sizeof(line), "%02d:%02d:%02d %s helo-%s %s %s %d %d", second / 3600, second / 60 % 60,
		 second % 60, client, client, verb, argument, status, octets);
	take(line);
}

static void mail(int second, const char *client, const char *to, int status)
{
	char argument[400];
	say(second, client, "EHLO", "+x", 250, 9);
	say(second, client, "MAIL", "+FROM:<app@example.com>", 250, 30);
	snprintf(argument, sizeof(argument), "+TO:<%s>", to);
	say(second, client, "RCPT", argument, status, 30);
	if (status == 250)
		say(second, client, "DATA", "+<id@x>", 250, 1000);
	say(second, client, "QUIT", "x", 240, 4);
}

static void counted(uint64_t same, uint64_t otherwise, uint64_t unknowable)
{
	ck_assert_uint_eq(replay.same, same);
	ck_assert_uint_eq(replay.otherwise, otherwise);
	ck_assert_uint_eq(replay.unknowable, unknowable);
	ck_assert_uint_eq(replay_compared(&replay), same + otherwise + unknowable);
}

START_TEST(same_and_otherwise)
{
	begin("relay { list 10.0.0.0/8 }", ROW_NO_TIME);
	mail(1, "192.0.2.1", "joe@example.com", 250);
	mail(2, "192.0.2.1", "joe@example.net", 550);
	mail(3, "10.0.0.1", "joe@example.net", 250);
	counted(3, 0, 0);
	mail(4, "192.0.2.1", "joe@example.net", 250);
	mail(5, "192.0.2.2", "ann@EXAMPLE.net", 250);
	mail(6, "192.0.2.2", "ann@example.org", 250);
	mail(7, "10.0.0.1", "joe@example.net", 550);
	mail(8, "192.0.2.1", "joe@example.com", 452);
	say(9, "192.0.2.1", "RCPT", "-", 250, 0);
	say(9, "192.0.2.1", "MAIL", "+FROM:<a@example.com>", 530, 0);
	counted(3, 4, 0);
	ck_assert_uint_eq(replay.undecided, 1);
	ck_assert_uint_eq(replay.unnamed, 1);
	ck_assert_uint_eq(replay.senders_refused, 1);
	struct cases_line *lines;
	ck_assert_uint_eq(cases_lines(&replay.cases, true, &lines), 0);
	cases_lines_free(lines);
	ck_assert_uint_eq(cases_lines(&replay.cases, false, &lines), 2);
	struct cases_part top[CASES_TOP];
	ck_assert_uint_eq(lines[0].count, 3);
	ck_assert_uint_eq(lines[0].group_count, 2);
	ck_assert(!cases_one_client(&lines[0]));
	ck_assert_str_eq(lines[0].largest->domain, "example.net");
	ck_assert_uint_eq(lines[0].largest->count, 2);
	ck_assert_uint_eq(lines[0].largest->now.step.origin->line, 5);
	ck_assert_str_eq(lines[0].largest->example.sender, "app@example.com");
	ck_assert_str_eq(lines[0].largest->example.recipient, "joe@example.net");
	ck_assert_uint_eq(lines[0].largest->example.place.line, 18);
	ck_assert_uint_eq(cases_top(&lines[0], false, top), 2);
	ck_assert_str_eq(top[0].group->domain, "example.net");
	ck_assert_str_eq(top[1].group->domain, "example.org");
	ck_assert_uint_eq(top[2].count, 0);
	ck_assert_uint_eq(cases_top(&lines[0], true, top), 1);
	ck_assert_uint_eq(top[0].count, 3);
	ck_assert_int_eq(lines[1].largest->old, OUTCOME_REFUSED);
	ck_assert(cases_one_client(&lines[1]));
	cases_lines_free(lines);
	end();
}
END_TEST

START_TEST(public_networks_are_one_line)
{
	struct cases_line *lines;
	struct cases_part top[CASES_TOP];
	char client[32];
	begin("", ROW_NO_TIME);
	for (int i = 0; i < 20; i++) {
		snprintf(client, sizeof(client), "%d.0.0.1", 100 + i % 5);
		mail(i, client, i % 3 ? "joe@example.net" : "joe@example.org", 250);
		snprintf(client, sizeof(client), "10.0.%d.1", i % 4);
		mail(i, client, "joe@example.net", 250);
	}
	mail(50, "102.0.0.1", "joe@example.net", 250);
	ck_assert_uint_eq(cases_lines(&replay.cases, false, &lines), 1 + 4);
	ck_assert_uint_eq(lines[0].count, 21);
	ck_assert_uint_eq(lines[0].group_count, 10);
	ck_assert_uint_eq(cases_top(&lines[0], true, top), 5);
	ck_assert_uint_eq(top[0].count, 5);
	ck_assert_uint_eq(top[0].group->network.octets[12], 102);
	ck_assert_uint_eq(cases_top(&lines[0], false, top), 2);
	ck_assert_uint_eq(top[0].count, 14);
	ck_assert_uint_eq(top[1].count, 7);
	ck_assert(!cases_one_client(&lines[0]));
	ck_assert_uint_eq(lines[1].count, 5);
	ck_assert(cases_one_client(&lines[1]));
	cases_lines_free(lines);
	end();
}
END_TEST

START_TEST(invalid_addresses)
{
	begin("", ROW_NO_TIME);
	mail(1, "192.0.2.1", "a@b@c..d", 250);
	mail(2, "192.0.2.1", "a@b@c..d", 550);
	mail(3, "192.0.2.1", "", 250);
	counted(1, 2, 0);
	ck_assert_ptr_nonnull(replay.cases.groups->now.fault);
	ck_assert_uint_eq(replay.census.all->relayed, 0);
	end();
}
END_TEST

#define AUTH "access { auth scram-sha-256 }\n"

START_TEST(who_authenticated)
{
	begin(AUTH, ROW_NO_TIME);
	say(0, "10.0.0.1", "EHLO", "+x", 250, 0);
	say(0, "10.0.0.1", "AUTH", "+LOGIN", 334, 0);
	say(0, "10.0.0.1", "-", "-", 235, 0);
	say(1, "10.0.0.1", "MAIL", "+FROM:<a@example.com>", 250, 0);
	say(1, "10.0.0.1", "RCPT", "+TO:<joe@example.net>", 250, 0);
	counted(0, 0, 1);
	/* A second session of the client: whose row is this? */
	say(2, "10.0.0.1", "HELO", "+y", 250, 0);
	say(2, "10.0.0.1", "RCPT", "+TO:<joe@example.net>", 250, 0);
	counted(0, 0, 2);
	say(3, "10.0.0.1", "QUIT", "-", 240, 0);
	say(3, "10.0.0.1", "RCPT", "+TO:<joe@example.net>", 250, 0);
	counted(0, 0, 3);
	say(4, "10.0.0.1", "QUIT", "-", 240, 0);
	say(4, "10.0.0.1", "RCPT", "+TO:<joe@example.net>", 250, 0);
	counted(0, 1, 3);
	ck_assert_uint_eq(replay.census.all->authenticated, 3);
	ck_assert_uint_eq(replay.census.all->relayed, 1);
	ck_assert(replay.authenticated);
	end();
}
END_TEST

START_TEST(silence_ends_a_session)
{
	begin(AUTH, ROW_NO_TIME);
	say(0, "10.0.0.1", "EHLO", "+x", 250, 0);
	say(0, "10.0.0.1", "AUTH", "+LOGIN", 235, 0);
	say(0, "10.0.0.1", "MAIL", "+FROM:<a@example.com>", 250, 0);
	say(SESSIONS_SILENT_S, "10.0.0.1", "RCPT", "+TO:<joe@example.net>", 250, 0);
	counted(0, 0, 1);
	ck_assert_str_eq(replay.cases.groups->example.sender, "a@example.com");
	say(2 * SESSIONS_SILENT_S + 1, "10.0.0.1", "RCPT", "+TO:<joe@example.org>", 250, 0);
	counted(0, 1, 1);
	struct cases_group *last = replay.cases.groups->hh.next;
	ck_assert_str_eq(last->domain, "example.org");
	ck_assert_str_eq(last->example.sender, "");
	end();
}
END_TEST

START_TEST(sessions_with_numbers)
{
	begin(AUTH, ROW_NO_TIME);
	take("#Fields: c-ip x-session cs-method cs-uri-query sc-status");
	take("10.0.0.1 7 AUTH +LOGIN 235");
	take("10.0.0.1 8 EHLO +x 250");
	take("10.0.0.1 8 RCPT +TO:<joe@example.net> 250");
	counted(0, 1, 0);
	take("10.0.0.1 7 RCPT +TO:<joe@example.net> 250");
	counted(0, 1, 1);
	end();
}
END_TEST

START_TEST(encrypted)
{
	begin("access { tls_certificate /a /b; tls_required yes }", ROW_NO_TIME);
	mail(1, "192.0.2.1", "joe@example.com", 250);
	counted(0, 0, 1);
	say(2, "192.0.2.1", "EHLO", "+x", 250, 0);
	say(2, "192.0.2.1", "STARTTLS", "-", 220, 0);
	say(2, "192.0.2.1", "EHLO", "+x", 250, 0);
	say(2, "192.0.2.1", "RCPT", "+TO:<joe@example.com>", 250, 0);
	counted(1, 0, 1);
	say(2, "192.0.2.1", "QUIT", "-", 240, 0); /* both EHLO are of one session */
	mail(3, "192.0.2.1", "joe@example.com", 250);
	counted(1, 0, 2);
	end();
}
END_TEST

START_TEST(rows_that_do_not_count)
{
	begin("", INT64_C(1759968000) + 10);
	take("#Fields: time c-ip cs-username cs-method cs-uri-query sc-status");
	take("00:00:09 10.0.0.1 - RCPT +TO:<joe@example.net> 550");
	take("00:00:10 10.0.0.1 - RCPT +TO:<joe@example.net> 550");
	take("00:00:11 10.0.0.2 OutboundConnectionCommand RCPT TO:<joe@example.net> 550");
	counted(1, 0, 0);
	ck_assert_uint_eq(replay.left_out, 1);
	ck_assert_uint_eq(replay.outbound, 1);
	end();
}
END_TEST

static void entry_is(const struct relay_entry *entry, const char *text, size_t clients, bool listed, bool ours)
{
	char address[CASES_NETWORK_TEXT_MAX];
	struct ipaddr network = cases_network(&entry->first->ip);
	if (entry->network)
		cases_network_format(&network, address);
	else
		ipaddr_format(&entry->first->ip, address);
	ck_assert_str_eq(address, text);
	ck_assert_uint_eq(entry->clients, clients);
	ck_assert_int_eq(entry->listed, listed);
	ck_assert_int_eq(entry->ours, ours);
}

START_TEST(clients_that_need_relay_list)
{
	char address[32];
	struct relay_entry entry;
	begin("relay { list 10.0.0.0/24 }\nremote_domain partner.example { relay yes }", ROW_NO_TIME);
	for (int i = 1; i <= CENSUS_NETWORK_FROM; i++) {
		snprintf(address, sizeof(address), "10.1.1.%d", i);
		mail(i, address, "joe@example.net", 250);
		snprintf(address, sizeof(address), "198.51.100.%d", i);
		mail(i, address, "joe@partner.example", 250);
	}
	mail(20, "10.0.0.1", "joe@example.net", 250);
	mail(20, "10.0.0.2", "joe@example.com", 250); /* doesn't relay */
	mail(20, "10.0.0.3", "joe@example.net", 550);
	mail(20, "203.0.113.5", "joe@example.net", 250);
	census_sort(&replay.census);
	const struct client *next = replay.census.all;
	ck_assert(census_next_entry(replay.server, &next, &entry));
	entry_is(&entry, "10.0.0.1", 1, true, true);
	ck_assert_str_eq(entry.first->name, "helo-10.0.0.1");
	ck_assert(census_next_entry(replay.server, &next, &entry));
	entry_is(&entry, "10.1.1.0/24", CENSUS_NETWORK_FROM, false, true);
	ck_assert_uint_eq(entry.recipients, CENSUS_NETWORK_FROM);
	ck_assert(census_next_entry(replay.server, &next, &entry));
	entry_is(&entry, "203.0.113.5", 1, false, false);
	ck_assert(!census_next_entry(replay.server, &next, &entry));
	end();
}
END_TEST

START_TEST(how_much_mail)
{
	begin("messages { max_message_size 2K; max_recipients 2 }", ROW_NO_TIME);
	for (int i = 0; i < 200; i++)
		mail(i, "192.0.2.1", "joe@example.com", 250);
	say(4000, "192.0.2.2", "MAIL", "+FROM:<big@example.com>", 250, 0);
	for (int i = 0; i < 3; i++)
		say(4000, "192.0.2.2", "RCPT", "+TO:<a@example.com>", 250, 0);
	say(4000, "192.0.2.2", "BDAT", "+4000", 250, 4000);
	say(4000, "192.0.2.2", "BDAT", "+1000+LAST", 250, 1000);
	say(4000, "192.0.2.2", "MAIL", "+FROM:<>", 250, 0);
	say(4000, "192.0.2.2", "DATA", "+<x@y>", 550, 9000);
	const struct traffic *traffic = &replay.traffic;
	traffic_sort(&replay.traffic);
	ck_assert_uint_eq(traffic->messages, 201);
	ck_assert_uint_eq(traffic->octets, 205000);
	ck_assert_int_eq(traffic->largest, 5000);
	ck_assert_uint_eq(traffic->too_large, 1);
	ck_assert_uint_eq(traffic->too_many, 1);
	ck_assert_uint_eq(traffic->most_recipients, 3);
	ck_assert_int_ge(traffic_usual_size(traffic), 1000);
	ck_assert_int_le(traffic_usual_size(traffic), 1125);
	ck_assert_uint_eq(traffic->hours->messages, 200);
	ck_assert_uint_eq(traffic->busiest, 60);
	ck_assert_str_eq(traffic->senders->address, "app@example.com");
	ck_assert_uint_eq(traffic->senders->messages, 200);
	end();
}
END_TEST

START_TEST(everything_is_bounded)
{
	char client[32], address[64];
	begin("", ROW_NO_TIME);
	for (int i = 0; i < CENSUS_MAX + 10; i++) {
		snprintf(client, sizeof(client), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
		snprintf(address, sizeof(address), "+TO:<a@d%d.example>", i);
		say(0, client, "RCPT", address, 250, 0);
	}
	counted(0, CENSUS_MAX + 10, 0);
	ck_assert_uint_eq(replay.census.others, 10);
	ck_assert_uint_eq(HASH_COUNT(replay.census.all), CENSUS_MAX);
	ck_assert_uint_eq(HASH_COUNT(replay.cases.groups), CASES_MAX);
	ck_assert_uint_eq(replay.cases.others, CENSUS_MAX + 10 - CASES_MAX);
	/* A client that was forgotten is one that begins. */
	say(1, "10.0.0.0", "RCPT", "+TO:<a@d0.example>", 550, 0);
	counted(1, CENSUS_MAX + 10, 0);
	end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {same_and_otherwise, public_networks_are_one_line, invalid_addresses,
				      who_authenticated,  silence_ends_a_session,       sessions_with_numbers,
				      encrypted,          rows_that_do_not_count,       clients_that_need_relay_list,
				      how_much_mail,      everything_is_bounded};
	return run_tests("replay_counts", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
