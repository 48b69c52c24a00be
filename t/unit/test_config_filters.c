/* The block filter: addresses, time limits, and settings without effect. */
#include "t/unit/config_fixture.h"

#define FILTER(body) SERVER("filter a { " body " }")
#define GOOD         "address unix:/run/a"

static const struct wrong rows[] = {
	{SERVER("filter a"), 2, 8, "this filter has no address: add address unix:/PATH"},
	{SERVER("filter { " GOOD " }"), 2, 1, "filter needs a name"},
	{SERVER("filter a/b { " GOOD " }"), 2, 8, "can't be the name of a filter"},
	{SERVER("filter a { " GOOD " }\nfilter A { " GOOD " }"), 3, 8, "filter A is given twice: first at test.conf:2"},
	{FILTER("address none"), 2, 20, "write unix:/PATH, inet:ADDRESS:PORT or inet:[IPV6]:PORT"},
	{FILTER("address unix:a.sock"), 2, 20, "the path must begin with /: write unix:/run/NAME/NAME.sock"},
	{FILTER("address unix:"), 2, 20, "the path must begin with /"},
	{FILTER("address /run/a"), 2, 20, "a socket in a folder is written as unix:/PATH"},
	{FILTER("address local:/run/a"), 2, 20, "a socket in a folder is written as unix:/PATH"},
	{FILTER("address 127.0.0.1:8891"), 2, 20, "write unix:/PATH, inet:ADDRESS:PORT"},
	{FILTER("address inet:8891@localhost"), 2, 20, "the port comes last here: write inet:localhost:8891"},
	{FILTER("address inet:127.0.0.1"), 2, 20, "the port is missing"},
	{FILTER("address inet:[::1]"), 2, 20, "the port is missing"},
	{FILTER("address inet:[::1"), 2, 20, "the port is missing"},
	{FILTER("address inet:::1:8891"), 2, 20, "an IPv6 address needs brackets"},
	{FILTER("address inet:filter.example.com:8891"), 2, 20, "or localhost; other names are not looked up"},
	{FILTER("address inet:127.0.0.1:0"), 2, 20, "a port is a number from 1 to 65535"},
	{FILTER("address inet:127.0.0.1:65536"), 2, 20, "a port is a number from 1 to 65535"},
	{FILTER("address inet:127.0.0.1:"), 2, 20, "a port is a number from 1 to 65535"},
	{FILTER(GOOD "; address unix:/run/b"), 2, 33, "address is given twice"},
	{FILTER(GOOD " unix:/run/b"), 2, 32, "address takes one value"},
	{FILTER(GOOD "; when_down tempfial"), 2, 43, "did you mean tempfail?"},
	{FILTER(GOOD "; when_down drop"), 2, 43, "write tempfail, accept, reject or hold"},
	{FILTER(GOOD "; timeout 5s"), 2, 41, "write connect, command and content, each with a duration such as 30s"},
	{FILTER(GOOD "; timeout connect"), 2, 41, "a duration must follow, such as 30s"},
	{FILTER(GOOD "; timeout connect 5"), 2, 49, "has no unit"},
	{FILTER(GOOD "; timeout connect 2h"), 2, 49, "is out of range: timeout must be 1s to 1h"},
	{FILTER(GOOD "; timeout connect 5s connect 6s"), 2, 52, "it is given twice"},
	{FILTER(GOOD "; timeout none"), 2, 41, "timeout can't be empty"},
	{FILTER(GOOD "; only none"), 2, 38, "only can't be empty"},
	{FILTER(GOOD "; only smpt"), 2, 38, "did you mean smtp?"},
	{FILTER(GOOD "; only pickup; skip_list 10.0.0.1"), 2, 56, "skip_list has no effect without smtp"},
	{FILTER(GOOD "; only pickup; skip_authenticated yes"), 2, 65, "skip_authenticated has no effect without smtp"},
	{FILTER(GOOD "; skip_authenticated yes"), 2, 52, "no client can authenticate, because auth is off"},
	{FILTER(GOOD "; max_size 5"), 2, 42, "has no unit"},
	{FILTER(GOOD "; max_sizes 5M"), 2, 33, "did you mean max_size?"},
};

START_TEST(row_is_refused_where_it_is_wrong)
{
	expect_message(&rows[_i], "error");
	done();
}
END_TEST

START_TEST(a_path_must_fit_into_a_socket_address)
{
	char path[CONFIG_FILTER_PATH_MAX + 2] = "/", text[512];
	memset(path + 1, 'p', CONFIG_FILTER_PATH_MAX);
	snprintf(text, sizeof(text), SERVER("filter a { address unix:%s }"), path);
	build(text);
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "the path is too long for a socket: at most 107 octets"));
	done();
	path[CONFIG_FILTER_PATH_MAX] = '\0';
	snprintf(text, sizeof(text), SERVER("filter a { address unix:%s }"), path);
	build(text);
	ck_assert_msg(!report.errors, "%s", str_text(&report.text));
	ck_assert_str_eq(config.servers[0].filters[0].address.path, path);
	done();
}
END_TEST

START_TEST(filters_are_bounded)
{
	char text[4096] = "virtual_server default {\n";
	for (int i = 0; i <= CONFIG_FILTERS_MAX; i++) {
		size_t len = strlen(text);
		snprintf(text + len, sizeof(text) - len, "filter f%d { " GOOD " }\n", i);
	}
	strcat(text, "}\n");
	build(text);
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "test.conf:18:8: error: a virtual server has at most 16"));
	done();
}
END_TEST

static void expect_ip(const struct config_filter_address *address, const char *ip, uint16_t port)
{
	char text[IPADDR_TEXT_MAX];
	ipaddr_format(&address->ip, text);
	ck_assert_ptr_null(address->path);
	ck_assert_str_eq(text, ip);
	ck_assert_uint_eq(address->port, port);
}

START_TEST(filters_stand_in_the_order_of_the_file)
{
	build(SERVER("filter z { address unix:/run/z }\nfilter b { address inet:192.0.2.1:8891 }\n"
		     "filter c { address INET:localhost:1 }\nfilter a { address inet:[2001:db8::1]:65535 }"));
	ck_assert_msg(!report.text.len, "%s", str_text(&report.text));
	const struct config_server *server = &config.servers[0];
	ck_assert_uint_eq(server->filter_count, 4);
	ck_assert_str_eq(server->filters[0].name, "z");
	ck_assert_str_eq(server->filters[0].address.path, "/run/z");
	expect_ip(&server->filters[1].address, "192.0.2.1", 8891);
	expect_ip(&server->filters[2].address, "127.0.0.1", 1);
	expect_ip(&server->filters[3].address, "2001:db8::1", 65535);
	ck_assert_uint_eq(server->filters[3].origin.line, 5);
	done();
}
END_TEST

START_TEST(what_is_left_out_has_its_default)
{
	build(FILTER(GOOD));
	const struct config_filter *filter = &config.servers[0].filters[0];
	ck_assert_int_eq(filter->when_down, CONFIG_DOWN_TEMPFAIL);
	ck_assert_int_eq(filter->timeout.connect_ms, 5000);
	ck_assert_int_eq(filter->timeout.command_ms, 30000);
	ck_assert_int_eq(filter->timeout.content_ms, 300000);
	ck_assert_uint_eq(filter->only, SOURCE_SMTP | SOURCE_PICKUP | SOURCE_SENDMAIL);
	ck_assert_uint_eq(filter->skip_list.n, 0);
	ck_assert(!filter->skip_authenticated);
	ck_assert_int_eq(filter->max_size, CONFIG_NONE);
	done();
	build(FILTER(GOOD "; timeout content 1m; only smtp sendmail; when_down hold; max_size 25M"));
	filter = &config.servers[0].filters[0];
	ck_assert_int_eq(filter->timeout.connect_ms, 5000);
	ck_assert_int_eq(filter->timeout.content_ms, 60000);
	ck_assert_uint_eq(filter->only, SOURCE_SMTP | SOURCE_SENDMAIL);
	ck_assert_int_eq(filter->when_down, CONFIG_DOWN_HOLD);
	ck_assert_int_eq(filter->max_size, 25 << 20);
	done();
}
END_TEST

START_TEST(shown_as_it_could_be_written)
{
	struct str text;
	str_init(&text, 1 << 20);
	build(FILTER("address inet:[::1]:8891; timeout connect 2s; only pickup"));
	config_show(&config, &text);
	ck_assert_ptr_nonnull(strstr(str_text(&text), "filter a {"));
	ck_assert_ptr_nonnull(strstr(str_text(&text), "address inet:[::1]:8891 "));
	ck_assert_ptr_nonnull(strstr(str_text(&text), "timeout connect 2s command 30s content 5m "));
	ck_assert_ptr_nonnull(strstr(str_text(&text), "only pickup "));
	done();
	build(str_text(&text));
	ck_assert_msg(!report.errors, "%s", str_text(&report.text));
	ck_assert_int_eq(config.servers[0].filters[0].timeout.connect_ms, 2000);
	str_free(&text);
	done();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config filters");
	TCase *all = tcase_create("all");
	tcase_add_loop_test(all, row_is_refused_where_it_is_wrong, 0, COUNT(rows));
	tcase_add_test(all, a_path_must_fit_into_a_socket_address);
	tcase_add_test(all, filters_are_bounded);
	tcase_add_test(all, filters_stand_in_the_order_of_the_file);
	tcase_add_test(all, what_is_left_out_has_its_default);
	tcase_add_test(all, shown_as_it_could_be_written);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
