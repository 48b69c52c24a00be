/* Which line of `listen` a socket belongs to, how listeners begin, and the Received field of a message over TLS. */
#include "smtpd/secure.h"

#include <check.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/net/net.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"
#include "t/unit/tls_fixture.h"

START_TEST(test_endpoint)
{
	struct config_endpoint lines[] = {
		{.any = true, .port = 25},
		{.ip = memory_address("192.0.2.1"), .port = 25, .tls = true},
		{.ip = memory_address("2001:db8::1"), .port = 25},
		{.any = true, .port = 465, .tls = true},
		{.ip = memory_address("192.0.2.1"), .port = 465},
	};
	const struct config_endpoints listen = {lines, sizeof(lines) / sizeof(lines[0])};
	const struct {
		const char *ip;
		uint16_t port;
		const struct config_endpoint *line;
	} cases[] = {
		{"192.0.2.1", 25, &lines[1]},   {"::ffff:192.0.2.1", 25, &lines[1]},
		{"192.0.2.2", 25, &lines[0]},   {"2001:db8::1", 25, &lines[2]},
		{"2001:db8::2", 25, &lines[0]}, {"192.0.2.1", 465, &lines[4]},
		{"0.0.0.0", 465, &lines[3]},    {"::", 465, &lines[3]},
		{"192.0.2.1", 587, NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ipaddr ip = memory_address(cases[i].ip);
		ck_assert_msg(secure_endpoint(&listen, &ip, cases[i].port) == cases[i].line, "case %zu", i);
	}
}
END_TEST

static uint16_t port_of(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	struct ipaddr ip;
	uint16_t port;
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	net_address(&address, &ip, &port);
	return port;
}

/* `*` with tls and a single address without tls: the sockets that the kernel can choose from. */
START_TEST(test_listeners)
{
	struct config_endpoint one = {.ip = memory_address("127.0.0.1")}, all = {.any = true, .tls = true};
	struct tls_fixture fixture;
	struct secure secure;
	tls_fixture_init(&fixture);
	tls_fixture_add(&fixture, "a.example", "ec", NULL);
	int fds[3] = {net_listen(&one, false, false)};
	one.port = all.port = port_of(fds[0]);
	fds[1] = net_listen(&all, false, true);
	fds[2] = net_listen(&all, true, true);
	struct config_endpoint lines[] = {one, all};
	const struct config_server server = {.listen = {lines, 2}, .access = fixture.access};
	secure_init(&secure, &server, fds, 3);
	ck_assert(!secure_listener(&secure, fds[0]).first);
	ck_assert(secure_listener(&secure, fds[1]).first);
	ck_assert(secure_listener(&secure, fds[2]).first);
	ck_assert_ptr_eq(secure_listener(&secure, fds[0]).context, tls_server_context(secure.server));
	ck_assert(!secure_listener(&secure, -1).first);
	secure_tend(&secure, 0);
	for (size_t i = 0; i < 3; i++)
		fd_close(&fds[i]);
	tls_tickets_free(secure.tickets);
	tls_server_free(secure.server);
	free(secure.starts);
	tls_fixture_free(&fixture);
}
END_TEST

START_TEST(test_none)
{
	struct secure secure;
	const struct config_server server = {0};
	secure_init(&secure, &server, NULL, 0);
	ck_assert_ptr_null(secure_listener(&secure, 5).context);
	secure_tend(&secure, 0);
	secure_worker(&secure);
	free(secure.starts);
}
END_TEST

/* --- Received --- */

static void expect_received(struct transaction_origin origin, const char *text)
{
	struct memory_store memory;
	struct store store = memory_store_init(&memory);
	struct transaction t;
	const struct transaction_limits limits = {.message_octets = 1000, .session_octets = 1000, .hops = 10};
	origin.helo = origin.fqdn = "mail.example.com";
	origin.client = "192.0.2.1";
	ck_assert(transaction_init(&t, &store));
	ck_assert_int_eq(transaction_open(&t, &limits, &origin), REPLY_NONE);
	ck_assert_msg(strstr(str_text(&memory.current), text), "%s", str_text(&memory.current));
	transaction_free(&t);
	memory_store_free(&memory);
}

/* All combinations of RFC 3848. */
START_TEST(test_protocols)
{
	static const char *const names[] = {"SMTP", "ESMTP", "SMTP", "ESMTPS", "SMTP", "ESMTPA", "SMTP", "ESMTPSA"};
	char with[64];
	for (unsigned i = 0; i < 8; i++) {
		const struct transaction_origin origin = {
			.esmtp = i & 1,
			.tls_version = i & 2 ? "TLSv1.2" : NULL,
			.tls_cipher = "X",
			.tls_bits = 128,
			.authenticated = i & 4,
		};
		snprintf(with, sizeof(with), "\r\n\tby mail.example.com with %s id 0", names[i]);
		expect_received(origin, with);
	}
}
END_TEST

START_TEST(test_comments)
{
	struct transaction_origin origin = {
		.esmtp = true, .tls_version = "TLSv1.2", .tls_cipher = "ECDHE-RSA-AES128-GCM-SHA256", .tls_bits = 128};
	origin.authenticated = true;
	origin.user = "anna@example.com";
	expect_received(origin,
			"([192.0.2.1])\r\n\t(using TLSv1.2 with cipher ECDHE-RSA-AES128-GCM-SHA256 (128 bits))\r\n"
			"\t(authenticated user anna@example.com)\r\n\tby mail.example.com with ESMTPSA id ");
	origin.tls_version = NULL;
	origin.user = "a)\r\nBcc: (x\\y\xc3\xa4";
	expect_received(origin, "([192.0.2.1])\r\n\t(authenticated user a\\)\?\?Bcc:\?\\(x\\\\y\?\?)\r\n\tby ");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_secure");
	TCase *tcase = tcase_create("secure");
	tcase_add_test(tcase, test_endpoint);
	tcase_add_test(tcase, test_listeners);
	tcase_add_test(tcase, test_none);
	tcase_add_test(tcase, test_protocols);
	tcase_add_test(tcase, test_comments);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
