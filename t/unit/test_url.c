#include "common/base/url.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/suite.h"

static const struct {
	const char *text, *host, *path;
	unsigned port;
	bool tls;
} good[] = {
	{"https://login.example.com/tenant/token", "login.example.com", "/tenant/token", 443, true},
	{"HTTPS://a?x=1", "a", "?x=1", 443, true},
	{"https://192.0.2.1:8443/", "192.0.2.1", "/", 8443, true},
	{"https://[2001:db8::1]:65535", "2001:db8::1", "", 65535, true},
	{"https://[::1]/t@x", "::1", "/t@x", 443, true},
	{"http://proxy.example.com:3128", "proxy.example.com", "", 3128, false},
	{"http://my_proxy", "my_proxy", "", 80, false},
};

START_TEST(parts)
{
	const char *why;
	struct url url;

	ck_assert_msg(url_parse(span_of(good[_i].text), &url, &why), "%s: %s", good[_i].text, why);
	ck_assert_int_eq(url.tls, good[_i].tls);
	ck_assert_uint_eq(url.port, good[_i].port);
	ck_assert(span_equal(url.host, span_of(good[_i].host)));
	ck_assert(span_equal(url.path, span_of(good[_i].path)));
}
END_TEST

static const struct {
	const char *text, *why;
} bad[] = {
	{"", "begins with neither"},
	{"login.example.com/token", "begins with neither"},
	{"ftp://a/", "begins with neither"},
	{"https:/a/", "begins with neither"},
	{"https://", "no host"},
	{"https:///token", "no host"},
	{"https://a b/", "blank"},
	{"https://a/\001", "blank"},
	{"https://\xc3\xa4.example/", "another octet"},
	{"https://a/#x", "fragment"},
	{"https://u@a/", "user name"},
	{"https://u:p@a/", "user name"},
	{"https://a:/", "port"},
	{"https://a:0/", "port"},
	{"https://a:65536/", "port"},
	{"https://a:1:2/", "port"},
	{"https://[::1]1/", "port"},
	{"https://:443/", "neither a name nor an address"},
	{"https://[::1/", "neither a name nor an address"},
	{"https://[]/", "neither a name nor an address"},
	{"https://[a.example]/", "neither a name nor an address"},
	{"https://a%2e/", "neither a name nor an address"},
	{"https://a\\b/", "neither a name nor an address"},
};

START_TEST(reasons)
{
	const char *why;
	struct url url;

	ck_assert_msg(!url_parse(span_of(bad[_i].text), &url, &why), "%s", bad[_i].text);
	ck_assert_msg(strstr(why, bad[_i].why) != NULL, "%s: %s", bad[_i].text, why);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("url");
	TCase *tc = tcase_create("url");
	tcase_add_loop_test(tc, parts, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(tc, reasons, 0, sizeof(bad) / sizeof(bad[0]));
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
