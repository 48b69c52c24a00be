/* The text that an older master hands to its successor: what is written is read; what is not understood is refused. */
#include "master/handover.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "t/unit/suite.h"

static struct handover read_one;
static struct str text;

static void setup(void)
{
	int fd = open(SOURCE_DIR "/t/fuzz/corpus/fuzz_handover/two_servers", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	str_init(&text, HANDOVER_TEXT_MAX);
	ck_assert_int_eq(fd_read_all(fd, &text), 0);
	fd_close(&fd);
}

static void teardown(void)
{
	str_free(&text);
}

START_TEST(says_all_of_the_service)
{
	ck_assert_uint_eq(handover_read(str_span(&text), &read_one), 0);
	ck_assert(span_equal(read_one.version, SPAN("0.1.0")));
	ck_assert_int_eq(read_one.began_ms, 1764500000000);
	ck_assert_uint_eq(read_one.generation, 3);
	ck_assert_int_eq(read_one.lock, 5);
	ck_assert_int_eq(read_one.control, 6);
	ck_assert_uint_eq(read_one.client_count, 2);
	ck_assert_int_eq(read_one.clients[1], 8);
	ck_assert_int_eq(read_one.asker, 9);
	ck_assert(span_equal(read_one.fixed[0], SPAN("mailroot")));
	ck_assert_uint_eq(read_one.server_count, 2);
}
END_TEST

START_TEST(says_all_of_a_server)
{
	ck_assert_uint_eq(handover_read(str_span(&text), &read_one), 0);
	const struct handover_server *server = &read_one.servers[0];
	ck_assert(span_equal(server->name, SPAN("main")));
	ck_assert_int_eq(server->order, SERVER_RUN);
	ck_assert(server->open);
	ck_assert_uint_eq(server->listener_count, 2);
	ck_assert_int_eq(server->listeners[1], 11);
	ck_assert_int_eq(server->left[0], 12);
	ck_assert_int_eq(server->kept[0].read, 13);
	ck_assert_int_eq(server->kept[0].write, 14);
	ck_assert_int_eq(server->kept[1].read, -1);
	ck_assert_uint_eq(server->child_count, 4);
	ck_assert_int_eq(server->children[0].role, CHILD_SMTPD);
	ck_assert_int_eq(server->children[0].state, SUPERVISE_READY);
	ck_assert_int_eq(server->children[0].pid, 4711);
	ck_assert_int_eq(server->children[0].started_ms, 123456);
	ck_assert_str_eq(server->children[0].version, "0.1.0");
	ck_assert_int_eq(server->children[1].control, -1);
	ck_assert_uint_eq(server->children[1].restarts, 2);
	ck_assert_str_eq(server->children[1].version, "");
	ck_assert(server->children[2].older && server->children[2].paused);
	ck_assert(!read_one.servers[1].open);
	ck_assert_int_eq(read_one.servers[1].order, SERVER_STOP);
}
END_TEST

START_TEST(is_written_as_it_was_read)
{
	struct str again;
	str_init(&again, HANDOVER_TEXT_MAX);
	ck_assert_uint_eq(handover_read(str_span(&text), &read_one), 0);
	handover_write(&read_one, &again);
	ck_assert_str_eq(str_text(&again), str_text(&text));
	str_free(&again);
}
END_TEST

/* Each of these in place of a line of the text. */
static const struct {
	const char *line, *instead;
} faults[] = {
	{"mailrootd-handover 1", "mailrootd-handover 2"},
	{"version 0.1.0", "version "},
	{"version 0.1.0", "version 0.1.0\x01"},
	{"contract 4 31 1234567890", "contract 4 31"},
	{"generation 3", "generation 3 4"},
	{"lock 5", "lock 2"},
	{"lock 5", "lock 1048576"},
	{"control 6", "control 5"},
	{"asker 9", "asker -1"},
	{"fixed user mailroot", "fixed uses mailroot"},
	{"server run open main", "server go open main"},
	{"server run open main", "server run ajar main"},
	{"server run open main", "server run open "},
	{"listener 11", "listener 10"},
	{"listener 11", "listens 11"},
	{"link fullness 15 16", "link fullness 15"},
	{"link fullness 15 16", "link arrivals 15 16"},
	{"link fullness 15 16", "link emptiness 15 16"},
	{"child queue starting 4712 - 123457 2 0 ", "child smtpd starting 4712 - 123457 2 0 "},
	{"child queue starting 4712 - 123457 2 0 ", "child cook starting 4712 - 123457 2 0 "},
	{"child queue starting 4712 - 123457 2 0 ", "child queue asleep 4712 - 123457 2 0 "},
	{"child queue starting 4712 - 123457 2 0 ", "child queue starting 1 - 123457 2 0 "},
	{"child queue starting 4712 - 123457 2 0 ", "child queue starting 4712 - 123457 2 2 "},
	{"end", "end\nend"},
	{"end", "the end"},
};
enum { FAULTS = sizeof(faults) / sizeof(faults[0]) };

START_TEST(a_line_that_is_not_understood_is_refused)
{
	struct span rest = str_span(&text), line;
	struct str bad;
	size_t number = 0, expected = 0;
	str_init(&bad, HANDOVER_TEXT_MAX);
	while (span_line(&rest, &line)) {
		bool here = span_equal(line, span_of(faults[_i].line));
		number++;
		if (here)
			expected = number;
		str_printf(&bad, "%.*s\n", SPAN_ARGS(here ? span_of(faults[_i].instead) : line));
	}
	ck_assert_uint_ne(expected, 0);
	size_t fault = handover_read(str_span(&bad), &read_one);
	ck_assert_uint_ge(fault, expected);
	ck_assert_uint_le(fault, number + 1);
	str_free(&bad);
}
END_TEST

START_TEST(every_part_of_it_is_too_little)
{
	for (size_t len = 0; len < text.len - 1; len++)
		ck_assert_uint_ne(handover_read((struct span){text.at, len}, &read_one), 0);
}
END_TEST

START_TEST(too_many_older_processes_are_refused)
{
	struct str many;
	str_init(&many, HANDOVER_TEXT_MAX);
	str_append_text(&many, "mailrootd-handover 1\nserver run open main\n");
	for (int i = 0; i <= SERVER_OLDER_MAX; i++)
		str_printf(&many, "older smtpd retiring %d - 0 0 0 1\n", 100 + i);
	ck_assert_uint_eq(handover_read(str_span(&many), &read_one), 3 + SERVER_OLDER_MAX);
	str_free(&many);
}
END_TEST

static bool refuses(const char *needle)
{
	static struct config config = {
		.user = "mailroot",
		.smtpd_user = "mailroot-smtpd",
		.delivery_user = "mailroot-out",
		.web_user = "mailroot-web",
		.kerberos_user = "mailroot-kerberos",
		.filters_user = "mailroot-filters",
		.mailroot_dir = "/var/spool/mailroot",
		.state_dir = "/var/lib/mailroot",
		.run_dir = "/run/mailroot",
	};
	char why[300];
	size_t fault = handover_read(str_span(&text), &read_one);
	if (read_one.hash == 1234567890)
		read_one.hash = wire_contract(read_one.packets);
	if (!handover_refuses(&read_one, fault, &config, why, sizeof(why)))
		return false;
	ck_assert_msg(strstr(why, needle), "%s", why);
	return true;
}

static void replace(const char *what, const char *with)
{
	char *at = strstr(text.at, what);
	ck_assert_ptr_nonnull(at);
	ck_assert_uint_eq(strlen(what), strlen(with));
	memcpy(at, with, strlen(with));
}

START_TEST(a_successor_that_understands_everything_may)
{
	ck_assert(!refuses(""));
}
END_TEST

/* One part of the text is another one: why the upgrade is refused. */
static const struct {
	const char *what, *with, *why;
} refusals[] = {
	{"contract 4", "contract 7", "can't take over from the running version 0.1.0: restart"}, /* another contract */
	{"1234567890", "1234567891", "restart the service instead"},                             /* a changed packet */
	{"listener", "listens!", "restart"},                                                     /* not understood */
	{"/run/mailroot", "/run/mailboot", "run_dir can't change"},                              /* a fixed setting */
};
enum { REFUSALS = sizeof(refusals) / sizeof(refusals[0]) };

START_TEST(what_does_not_fit_is_refused)
{
	replace(refusals[_i].what, refusals[_i].with);
	ck_assert(refuses(refusals[_i].why));
}
END_TEST

START_TEST(packets_that_are_unknown_need_a_restart)
{
	char packets[32];
	snprintf(packets, sizeof(packets), "contract 4 %d", WIRE_LASTING + 1);
	replace("contract 4 31", packets);
	ck_assert(refuses("restart"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handover");
	TCase *all = tcase_create("handover");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, says_all_of_the_service);
	tcase_add_test(all, says_all_of_a_server);
	tcase_add_test(all, is_written_as_it_was_read);
	tcase_add_loop_test(all, a_line_that_is_not_understood_is_refused, 0, FAULTS);
	tcase_add_test(all, every_part_of_it_is_too_little);
	tcase_add_test(all, too_many_older_processes_are_refused);
	tcase_add_test(all, a_successor_that_understands_everything_may);
	tcase_add_loop_test(all, what_does_not_fit_is_refused, 0, REFUSALS);
	tcase_add_test(all, packets_that_are_unknown_need_a_restart);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
